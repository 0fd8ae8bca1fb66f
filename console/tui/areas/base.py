"""What every area is: a widget that shows snapshots and asks for what it needs by message.

An area knows nothing of the network. It gets a snapshot through `show`, says in `say` what is
filtered or marked, offers actions and copies as plain choices, and posts `Wants` when it needs
data and `Acts` when the reader decided on a change. Its size class tells it how much to show.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, ClassVar, Literal

from textual.binding import BindingType
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.timer import Timer
from textual.widget import Widget

from console.tui.ink import Line, Part
from console.tui.keymaps import bind
from console.tui.widgets.boxes import Settled
from console.tui.widgets.pane import Words
from console.tui.widgets.table import Table

SizeClass = Literal["narrow", "medium", "wide"]
_LEAST_PANE = 24
_READING = "reading"


def is_shown(widget: Widget) -> bool:
    """Whether a widget has a place on the screen, as far as styles decide."""
    return all(node.display for node in widget.ancestors_with_self if isinstance(node, Widget))


def size_class(size: Size) -> SizeClass:
    """How much a terminal of this size shows: a list; list and detail; list, detail, charts."""
    if size.width >= 150 and size.height >= 40:
        return "wide"
    return "medium" if size.width >= 110 else "narrow"


def nothing_yet(what: str, why: str, command: str, key: str = "", verb: str = "") -> list[Part]:
    """An empty place: what belongs here, one command, one key."""
    own = Line(("or ", "quiet"), (key, "ink bold"), (f" {verb}", "quiet")) if key else Line()
    return [
        Line((what, "bright bold")),
        Line((why, "quiet")),
        Line(("$ ", "quiet"), (command, "accent"), ("   ", "ink")) + own,
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Something the reader can choose: an action, a copy, a place."""

    id: str
    label: str
    key: str = ""
    """A letter that chooses it at once, where it stands in a menu."""
    command: str = ""
    """The shell command that does the same."""
    detail: str = ""
    why_not: str = ""
    """Why it cannot be chosen now; empty when it can."""
    is_destructive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaEntry:
    """One area as the registry knows it; its module is loaded when it is first opened."""

    id: str
    digit: str
    title: str
    short: str
    """For narrow terminals."""
    load: Callable[[], type[Area]]
    purpose: str = ""
    """What is found there, for help and palette."""


class Area(Settled):
    """One screenful of the console."""

    DEFAULT_CSS = """
    Area { width: 1fr; height: 1fr; layout: vertical; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("narrower", "resize_pane(-4)"),
        bind("wider", "resize_pane(4)"),
        bind("layout-reset", "reset_layout"),
    ]
    SPLIT: ClassVar[str] = ""
    """Selector of the pane at the left whose width `<` and `>` change."""
    help_text: ClassVar[str] = ""
    """What the area is for, in one sentence."""
    help_words: ClassVar[Words] = ()
    """Columns and states, explained."""

    size_class: reactive[SizeClass] = reactive[SizeClass]("narrow", init=False)
    """Watch it to show more or less; the same is set as a class: `-narrow -medium -wide`."""

    class Wants(Message):
        """Data is needed: the app fetches it and answers through `show`."""

        def __init__(self, area: Area, what: str, **arguments: Any) -> None:
            super().__init__()
            self.area = area
            self.what = what
            self.arguments = arguments

    class Acts(Message):
        """The reader decided on a change."""

        def __init__(self, area: Area, action: str, **arguments: Any) -> None:
            super().__init__()
            self.area = area
            self.action = action
            self.arguments = arguments

    class Jumps(Message):
        """To the area where something with this reference lives: `flights@v7`, `run 117`."""

        def __init__(self, area: Area, reference: str) -> None:
            super().__init__()
            self.area = area
            self.reference = reference

    class Stops(Message):
        """The reader gives up waiting: what was asked for is cancelled."""

        def __init__(self, area: Area) -> None:
            super().__init__()
            self.area = area

    class Said(Message):
        """Another state line."""

        def __init__(self, area: Area, line: Part) -> None:
            super().__init__()
            self.area = area
            self.line = line

    class Arranged(Message):
        """The reader gave the area another shape, which shall be kept."""

        def __init__(self, area: Area, **values: Any) -> None:
            super().__init__()
            self.area = area
            self.values = values

    def __init__(self, entry: AreaEntry) -> None:
        super().__init__(id=f"area-{entry.id}")
        self.entry = entry
        self.state_line: Part = ""
        self._split: int | None = None
        self._waiting: Timer | None = None
        self._waits_since = 0.0
        self._said_before: Part = ""

    # ------------------------------------------------------------------ waiting

    @property
    def is_loading(self) -> bool:
        """Something was asked for and is not here yet. After 0.3 s the state line says so, after
        2 s with the time it takes; `esc` stops it."""
        return self._waiting is not None

    @is_loading.setter
    def is_loading(self, is_loading: bool) -> None:
        if is_loading and self._waiting is None:
            self._waits_since = monotonic()
            self._said_before = self.state_line
            self._waiting = self.set_interval(0.3, self._say_waiting)
        elif not is_loading and self._waiting is not None:
            self._waiting.stop()
            self._waiting = None
            if isinstance(self.state_line, str) and self.state_line.startswith(_READING):
                self.say(self._said_before)

    def _say_waiting(self) -> None:
        waited = int(monotonic() - self._waits_since)
        self.say(f"{_READING}, {waited} s · esc stops" if waited >= 2 else _READING)

    # ------------------------------------------------------------------ what the app calls

    def show(self, snapshot: Any) -> None:
        """Everything there is to see; called again with every newer snapshot."""
        raise NotImplementedError

    def show_part(self, what: str, value: Any) -> None:
        """The answer to `Wants(self, what)` for anything but the snapshot itself."""

    def reveal(self, kind: str, name: str) -> None:
        """Somebody jumped here: bring `run 117` or `alert 56` under the cursor, open it if that
        is what one does. The snapshot may not be here yet; remember it then."""

    @property
    def is_live(self) -> bool:
        """Whether what is shown moves by itself and is worth reading again every moment."""
        return False

    def show_loading(self) -> None:
        """Nothing is known yet: headings and heads, dots for cells."""
        self.is_loading = True
        for table in self.query(Table):
            table.wait()

    def show_empty(self) -> None:
        """There is nothing here yet: say what belongs here, one command, one key."""
        self.show_note(("Nothing here yet.", "bright bold"))

    def show_error(self, message: str, hint: str = "") -> None:
        """What failed, why, what to do. Rows that are there stay."""
        if not any(table.rows for table in self.query(Table)):
            self.show_note(
                Line(("✗ ", "fail"), (message, "ink")),
                Line(("  " + hint, "quiet")),
            )
        self.say(Line(("✗ ", "fail"), message + " ", (hint, "quiet")))

    def show_gone(self, since: str) -> None:
        """The agent stopped answering at this time; the picture stays, in one grey."""

    def show_note(self, *note: Part) -> None:
        """Lines in place of the rows of the table that this area is about."""
        if self.table is not None:
            self.table.say(*note)

    # ------------------------------------------------------------------ what the frame asks

    def say(self, line: Part) -> None:
        """Set the state line: what is filtered, marked, frozen or unsaved, in one sentence."""
        if line != self.state_line:
            self.state_line = line
            self.post_message(self.Said(self, line))

    def actions(self) -> Sequence[Choice]:
        """What can be done with the selection; all that writes is in here."""
        return ()

    def choose(self, action: Choice) -> None:
        """An action was chosen from the menu or the palette."""
        self.post_message(self.Acts(self, action.id))

    def copies(self) -> Sequence[Choice]:
        """What can be copied; `detail` is the text that goes to the clipboard."""
        table = self.table
        row = table.copied_row() if table is not None else ""
        if not row or table is None:
            return ()
        return (
            Choice(id="id", label="id", key="i", detail=table.cursor_key),
            Choice(id="row", label="row", key="r", detail=row),
        )

    @property
    def table(self) -> Table[Any] | None:
        """What filter and sort are meant for: the focused table, else the one with class `main`,
        else the first."""
        focused = self.screen.focused
        if isinstance(focused, Table) and self in focused.ancestors:
            return focused
        tables = [table for table in self.query(Table).results(Table) if is_shown(table)]
        return next((t for t in tables if t.has_class("main")), tables[0] if tables else None)

    @property
    def can_go_back(self) -> bool:
        """Whether a detail is open inside the area."""
        return False

    def go_back(self) -> bool:
        """One level back inside the area; False when this is the first level."""
        return False

    # ------------------------------------------------------------------ shape

    @property
    def _split_pane(self) -> Widget | None:
        """The pane whose width the reader can change, where it stands beside another."""
        if not self.SPLIT:
            return None
        found = next(iter(self.query(self.SPLIT)), None)
        is_beside = found is not None and found.size.width < self.size.width - _LEAST_PANE
        return found if is_beside else None

    def action_resize_pane(self, cells: int) -> None:
        """Give the left pane more or less of the width."""
        pane = self._split_pane
        if pane is not None:
            most = self.size.width - _LEAST_PANE
            now = self._split or pane.outer_size.width  # a second key may come before the layout
            self._set_split(min(max(now + cells, _LEAST_PANE), most))
            self.post_message(self.Arranged(self, split=self._split))

    def action_reset_layout(self) -> None:
        """Every pane as wide as it was at first."""
        self._set_split(None)
        self.post_message(self.Arranged(self, split=None))

    def _set_split(self, cells: int | None) -> None:
        self._split = cells
        for pane in self.query(self.SPLIT) if self.SPLIT else ():
            pane.styles.width = cells

    def take_shape(self, values: dict[str, Any]) -> None:
        """Take the shape that was kept for this size class."""
        split = values.get("split")
        self._set_split(split if isinstance(split, int) and split >= _LEAST_PANE else None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("resize_pane", "reset_layout"):
            return self._split_pane is not None
        return True

    def settle(self) -> None:
        """Show more or less: called once when the area is there, and on every new size class."""

    def on_mount(self) -> None:
        self.settle()

    def watch_size_class(self) -> None:
        if self.children:
            self.settle()

    def fit(self, size: Size) -> None:
        """The terminal has this size."""
        now = size_class(size)
        for name in ("narrow", "medium", "wide"):
            self.set_class(name == now, f"-{name}")
        self.size_class = now
