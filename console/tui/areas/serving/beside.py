"""The champion beside a canary, a shadow or the version before: what differs, and is it chance."""

from __future__ import annotations

from dataclasses import dataclass

from console import text
from console.rules import intervals
from console.tui.ink import EMPTY, Line, Part
from console.tui.signs import said, value_ink
from console.tui.widgets.table_layout import Column
from storage.records.endpoints import EndpointView, VersionTraffic


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One measure of the answering version and of the one beside it."""

    name: str
    champion: str
    other: str
    verdict: str = ""
    word: str = ""


def compared(view: EndpointView) -> tuple[VersionTraffic, VersionTraffic, list[Compared]] | None:
    """The champion beside the canary, a shadow or the version before; None when it is alone."""
    found = list(view.versions)
    champion = next((each for each in found if each.name == "champion"), None)
    others = [each for each in found if each is not champion and each.requests]
    if champion is None or not others:
        return None
    order = ("canary", "shadow", "before", "shadow before")
    other = min(others, key=lambda each: order.index(each.name) if each.name in order else 0)
    limit = view.latency_limit_ms
    is_over = limit is not None and other.p99_ms is not None and other.p99_ms > limit
    rows = [
        Compared(name="requests", champion=text.count(champion.requests),
                 other=text.count(other.requests)),
        Compared(name="p50 ms", champion=text.latency(champion.p50_ms),
                 other=text.latency(other.p50_ms)),
        Compared(name="p99 ms", champion=text.latency(champion.p99_ms),
                 other=text.latency(other.p99_ms), verdict="warn" if is_over else "",
                 word=f"limit {limit:g}" if is_over else ""),
        _shares("errors %", champion.error_ratio, champion.requests, other.error_ratio,
                other.requests, ("worse", "better")),
        _shares("yes %", champion.positive_ratio, champion.requests, other.positive_ratio,
                other.requests, ("unclear", "unclear"), "moved"),
    ]  # fmt: skip
    return champion, other, rows


def _shares(
    name: str,
    before: float | None,
    n_before: int,
    after: float | None,
    n_after: int,
    verdicts: tuple[str, str],
    word: str = "",
) -> Compared:
    """Two shares and whether they differ by more than chance (Newcombe's interval, 95 %)."""
    shown = tuple(text.fixed(None if x is None else 100 * x, 2) for x in (before, after))
    verdict = ""
    if before is not None and after is not None and n_before and n_after:
        _, low, high = intervals.newcombe(after * n_after, n_after, before * n_before, n_before)
        verdict = verdicts[0] if low > 0 else verdicts[1] if high < 0 else "noise"
    said_word = word if word and verdict not in ("", "noise") else ""
    return Compared(name=name, champion=shown[0], other=shown[1], verdict=verdict, word=said_word)


def compared_columns(champion: str = "", other: str = "") -> list[Column[Compared]]:
    def word(each: Compared) -> Part:
        if not each.verdict:
            return EMPTY
        return said(each.verdict, each.word) if each.word else said(each.verdict)

    return [
        Column(key="name", cell=lambda each: each.name, ink="quiet", least=8, grow=1),
        Column(key="champion", head=champion, cell=lambda each: each.champion, align="right"),
        Column(key="other", head=other, cell=lambda each: Line(
            (each.other, value_ink(each.verdict))), align="right"),
        Column(key="word", cell=word, width=11),
    ]  # fmt: skip
