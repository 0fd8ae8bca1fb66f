"""The lines around every area: status, tabs, state, toast, footer, banner of a lost agent.

Each is drawn from one frozen value; what does not fit is left out by importance, nothing is cut at
the edge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.message import Message

from console.text import age, cells, duration
from console.tui.ink import EMPTY, Ink, Line, Part, both, join, words
from console.tui.look import Look
from console.tui.signs import sign, state
from console.tui.widgets.painted import Drawing

_WIDE = 110
"""From here on there is room for places and people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The first row: where this is, whether it lives, what is wrong, who and when."""

    store: str
    place: str = ""
    """Directory of the workspace."""
    modes: tuple[str, ...] = ()
    """`demo data`, `read-only`: never left out."""
    people: int = 0
    """Consoles that are open on this workspace; one is not worth a word."""
    live: str = "idle"
    """A state: live, idle, stale or gone."""
    live_age_s: float | None = None
    fails: int = 0
    warnings: int = 0
    actor: str = ""
    role: str = ""
    clock: str = ""


def draw_status(status: Status, width: int) -> Line:
    """Left and right end; from the least important on, parts are left out until both fit."""
    is_wide = width >= _WIDE
    left = Line((status.store, "bright bold"))
    facts = [status.place] if is_wide and status.place else []
    facts += status.modes
    if is_wide and status.people > 1:
        facts.append(f"{status.people} people here")
    right: list[tuple[int, Line]] = [(1, _live(status))]
    found = (("fail", "fail bold", status.fails), ("warn", "warn", status.warnings))
    counts = [Line((f"{state(name).sign} {n}", ink)) for name, ink, n in found if n]
    if counts and status.live != "gone":
        right.append((2, join(counts, "  ")))
    if is_wide and status.actor and status.live != "gone":
        who = " · ".join(part for part in (status.actor, status.role) if part)
        right.append((4, Line((who, "quiet"))))
    if status.clock:
        right.append((3, Line((status.clock, "quiet"))))
    while True:
        start = left + (Line(("  " + " · ".join(facts), "quiet")) if facts else EMPTY)
        end = join([line for _, line in right], "   ")
        if start.width + end.width + 2 <= width:
            return both(start, end, width)
        if len(facts) > len(status.modes):
            facts.pop(0 if status.place in facts else -1)
        elif len(right) > 1:
            right.remove(max(right, key=lambda part: part[0]))
        elif facts:
            facts.pop()
        else:
            return both(start, end, width)


def _live(status: Status) -> Line:
    known = state(status.live)
    ago = "" if status.live_age_s is None else age(status.live_age_s)
    if status.live == "gone":
        lost = "" if status.live_age_s is None else " " + duration(round(status.live_age_s))
        return Line((f"{known.sign} {known.word}", "warn bold"), (lost, "warn"))
    ink = "quiet" if known.is_quiet else known.token
    return sign(status.live) + Line((f" {known.word} {ago}".rstrip(), ink))


class StatusRow(Drawing[Status]):
    """The first row."""

    DEFAULT_CSS = "StatusRow { height: 1; padding: 0 1; }"

    def draw(self, data: Status, width: int, height: int, look: Look) -> Sequence[Line]:
        return [draw_status(data, width)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    """One area in the second row."""

    id: str
    digit: str
    title: str
    short: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tabs:
    """The areas, one of which is open."""

    tabs: tuple[Tab, ...]
    current: str


def place_tabs(tabs: Tabs, width: int) -> list[tuple[int, Tab, str]]:
    """Column and shown title of every tab; titles get shorter until all fit."""
    longest = max((cells(tab.title) for tab in tabs.tabs), default=0)
    forms = [([tab.title for tab in tabs.tabs], 3), ([tab.short for tab in tabs.tabs], 2)]
    for letters in range(longest, -1, -1):
        names = [tab.short if tab.id == tabs.current else tab.short[:letters] for tab in tabs.tabs]
        forms.append((names, 1))
    for names, gap in forms:
        sizes = [
            len(t.digit) + (1 + cells(n) if n else 0) for t, n in zip(tabs.tabs, names, strict=True)
        ]
        if sum(sizes) + gap * (len(sizes) - 1) <= width or (names, gap) == forms[-1]:
            break
    placed, x = [], 0
    for tab, name, size in zip(tabs.tabs, names, sizes, strict=True):
        placed.append((x, tab, name))
        x += size + gap
    return placed


def draw_tabs(tabs: Tabs, width: int) -> Line:
    """Digit and title of every area; the open one is underlined."""
    line = EMPTY
    for x, tab, name in place_tabs(tabs, width):
        line = line + " " * (x - line.width)
        if tab.id == tabs.current:
            line = line + Line((tab.digit, "accent bold"), " ", (name, "bright bold underline"))
        else:
            line = line + Line((f"{tab.digit} {name}".rstrip(), "quiet"))
    return line.cut(width)


class TabsRow(Drawing[Tabs]):
    """The second row; a click goes there."""

    DEFAULT_CSS = "TabsRow { height: 1; padding: 0 1; }"

    class Chosen(Message):
        """An area was clicked."""

        def __init__(self, area_id: str) -> None:
            super().__init__()
            self.area_id = area_id

    def draw(self, data: Tabs, width: int, height: int, look: Look) -> Sequence[Line]:
        return [draw_tabs(data, width)]

    def on_click(self, event: events.Click) -> None:
        if self.data is None:
            return
        x = event.x - 1
        before = [tab for start, tab, _ in place_tabs(self.data, self.size.width) if start <= x]
        if before:
            self.post_message(self.Chosen(before[-1].id))


@dataclass(frozen=True, slots=True, kw_only=True)
class FooterKey:
    """A key and its verb."""

    id: str
    key: str
    verb: str
    place: int
    rank: int
    press: str = ""
    """Textual's name of the key, for a click."""


def choose_keys(keys: Sequence[FooterKey], width: int) -> list[FooterKey]:
    """The keys that fit, in their order: at most 7 below 110 columns, rank 0 always."""
    kept = sorted(keys, key=lambda key: key.rank)
    if width < _WIDE:
        kept = kept[:7]
    while len(kept) > 1 and _footer_width(kept) > width:
        kept.pop()
    return sorted(kept, key=lambda key: key.place)


def _footer_width(keys: Sequence[FooterKey]) -> int:
    return sum(cells(key.key) + 1 + cells(key.verb) for key in keys) + 3 * (len(keys) - 1)


def draw_footer(keys: Sequence[FooterKey], width: int) -> Line:
    """Keys bold, verbs quiet, three cells between."""
    chosen = choose_keys(keys, width)
    return join([Line((key.key, "ink bold"), (f" {key.verb}", "quiet")) for key in chosen], "   ")


class FooterRow(Drawing[tuple[FooterKey, ...]]):
    """The last row; a click presses the key."""

    DEFAULT_CSS = "FooterRow { height: 1; padding: 0 1; }"

    class Pressed(Message):
        """A key was clicked."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def draw(
        self, data: tuple[FooterKey, ...], width: int, height: int, look: Look
    ) -> Sequence[Line]:
        return [draw_footer(data, width)]

    def on_click(self, event: events.Click) -> None:
        x = 1
        for key in choose_keys(self.data or (), self.size.width):
            size = cells(key.key) + 1 + cells(key.verb)
            if x <= event.x < x + size:
                self.post_message(self.Pressed(key.press))
            x += size + 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The state line: what is filtered, marked, frozen or unsaved; and what just happened."""

    line: Part = ""
    right: Part = ""


class StateRow(Drawing[Said]):
    """The last line but one."""

    DEFAULT_CSS = "StateRow { height: 1; padding: 0 1; }"

    def draw(self, data: Said, width: int, height: int, look: Look) -> Sequence[Line]:
        left = look.words(words(data.line, "quiet"))
        return [both(left, look.words(words(data.right, "quiet")), width)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Toast:
    """What just happened, with the key that answers it."""

    sentence: str
    state: str = "done"
    key: str = ""
    verb: str = ""

    @property
    def is_error(self) -> bool:
        """Errors stay until they are read."""
        return self.state in ("fail", "failed", "lost")


def toast_line(toast: Toast) -> Line:
    """`● promoted v5   u undo`."""
    known = state(toast.state)
    ink: Ink = "fail" if toast.is_error else "ink"
    line = Line((known.sign, known.token), (f" {toast.sentence}", ink))
    if toast.key:
        line = line + Line(("   " + toast.key, "ink bold"), (f" {toast.verb}", "quiet"))
    return line


class ToastRow(Drawing[Toast]):
    """The blank line over the state line, when there is something to say."""

    DEFAULT_CSS = "ToastRow { height: 1; padding: 0 1; }"

    def draw(self, data: Toast, width: int, height: int, look: Look) -> Sequence[Line]:
        return [both("", look.words(toast_line(data)), width)]

    def wanted_height(self, width: int) -> int:
        return 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """The agent does not answer."""

    since: str
    """Clock time when it stopped answering."""
    picture_from: str = ""
    """Clock time of the last picture; empty when there was none."""
    next_try_s: int
    attempt: int
    last_words: str = ""
    """Why it ended, when that is known."""


def draw_gone(gone: Gone, width: int) -> list[Line]:
    """Two lines: since when, what is seen, that jobs run on, what happens next."""
    first = Line(
        ("~ ", "warn bold"),
        (f"The agent stopped answering at {gone.since}.", "bright bold"),
        (f" You see the picture from {gone.picture_from}." if gone.picture_from else "", "ink"),
    )
    second = Line(
        "  Jobs and endpoints run on without it. ",
        f"Next try in {gone.next_try_s} s, attempt {gone.attempt}.",
    )
    if gone.last_words:
        # Why it does not come back is worth more than that jobs go on.
        second = Line(
            f"  Next try in {gone.next_try_s} s, attempt {gone.attempt}: ",
            (gone.last_words, "ink"),
        )
    lines = [first.pad(width), second.pad(width)]
    return [line.on("tint-warn") for line in lines]


class GoneBanner(Drawing[Gone]):
    """Stands in place of the state line while the agent is gone."""

    DEFAULT_CSS = "GoneBanner { height: 2; padding: 0 1; background: $tint-warn; }"

    def draw(self, data: Gone, width: int, height: int, look: Look) -> Sequence[Line]:
        return draw_gone(data, width)

    def measure(self, data: Gone, width: int) -> int:
        return 2
