"""What every widget of ours is: a leaf that paints lines of ink and repaints only what changed.

Textual repaints the whole area of a widget that changed and does not compare cells. Over SSH that
is most of the traffic of a live screen, so `repaint` compares the new lines with those on screen
and asks for the cells that differ, often a single number.

A widget gets its data by attribute and draws nothing else; equal data draws nothing at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, Self, TypeVar, cast

from rich.segment import Segment
from textual.color import Color
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from console.text import cells
from console.tui.ink import EMPTY, Line
from console.tui.look import Look
from console.tui.widgets.boxes import Settled

Data = TypeVar("Data")

_DEFAULT_LOOK = Look.of("dark")


def look_of(widget: Widget) -> Look:
    """How a widget paints now: its app decides (see `host.py`)."""
    look_for = getattr(widget.app, "look_for", None)
    return cast(Look, look_for(widget)) if look_for is not None else _DEFAULT_LOOK


class Painted(Settled):
    """A leaf widget drawn by `lines`."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    Painted { height: auto; width: 1fr; }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._strips: list[Strip] = []
        self._painted_for: tuple[Look, Size, Color] | None = None

    def lines(self, width: int, height: int, look: Look) -> Sequence[Line]:
        """What to show in `height` lines of `width` cells; missing lines are blank."""
        raise NotImplementedError

    def wanted_height(self, width: int) -> int:
        """Lines that the data takes where the height is `auto`."""
        return 1

    def repaint(self) -> None:
        """The data changed: show what differs."""
        if not self.is_attached:
            return
        if self.styles.is_auto_height and self.wanted_height(self.size.width) != self.size.height:
            self._painted_for = None
            self.refresh(layout=True)
            return
        if not self.size:
            self._painted_for = None  # hidden: painted when it is shown again
            return
        before = self._strips
        self._paint()
        changed = changed_regions(before, self._strips)
        if changed:
            self.refresh(*changed)

    def refresh(
        self,
        *regions: Region,
        repaint: bool = True,
        layout: bool = False,
        recompose: bool = False,
    ) -> Self:
        """Textual asks for the whole widget when its focus or style changes; here too only what
        differs is repainted, as long as look and size are the same."""
        is_whole = repaint and not (regions or layout or recompose)
        if is_whole and self.is_attached and self._painted_for == self._paints_for():
            self.repaint()
            return self
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def _paints_for(self) -> tuple[Look, Size, Color]:
        return look_of(self), self.size, self.background_colors[1]

    def _paint(self) -> None:
        width, height = self.size
        look, _, background = self._painted_for = self._paints_for()
        lines = list(self.lines(width, height, look)[:height])
        lines += [EMPTY] * (height - len(lines))
        self._strips = [look.strip(line, width, background) for line in lines]

    def render_line(self, y: int) -> Strip:
        if self._painted_for != self._paints_for():
            self._paint()
        return self._strips[y] if y < len(self._strips) else Strip.blank(self.size.width)

    def get_content_width(self, container: Size, viewport: Size) -> int:
        return container.width

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return self.wanted_height(width)


class Drawing(Painted, Generic[Data]):
    """A widget that shows one frozen value."""

    def __init__(
        self, data: Data | None = None, *, id: str | None = None, classes: str | None = None
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._data = data

    @property
    def data(self) -> Data | None:
        """What is shown; setting an equal value does nothing."""
        return self._data

    @data.setter
    def data(self, data: Data | None) -> None:
        if data != self._data:
            self._data = data
            self.repaint()

    def lines(self, width: int, height: int, look: Look) -> Sequence[Line]:
        return [] if self._data is None else self.draw(self._data, width, height, look)

    def wanted_height(self, width: int) -> int:
        return 0 if self._data is None else self.measure(self._data, width)

    def draw(self, data: Data, width: int, height: int, look: Look) -> Sequence[Line]:
        raise NotImplementedError

    def measure(self, data: Data, width: int) -> int:
        """Lines that `data` takes in `width` cells where the height is `auto`."""
        return 1


def changed_regions(before: Sequence[Strip], after: Sequence[Strip]) -> list[Region]:
    """The cells that differ between two pictures, one stretch a line."""
    regions = []
    for y, new in enumerate(after):
        old = before[y] if y < len(before) else None
        if old is new:
            continue
        span = (0, new.cell_length) if old is None else _changed_span(list(old), list(new))
        if span is not None:
            start, end = span
            regions.append(Region(start, y, end - start, 1))
    return regions


def _changed_span(before: list[Segment], after: list[Segment]) -> tuple[int, int] | None:
    if before == after:
        return None
    start = 0
    for old, new in zip(before, after, strict=False):
        if old != new:
            break
        start += cells(new.text)
    end = width = sum([cells(segment.text) for segment in after])
    if width != sum([cells(segment.text) for segment in before]):
        return 0, width
    for old, new in zip(reversed(before), reversed(after), strict=False):
        if old != new:
            break
        end -= cells(new.text)
    return (start, end) if start < end else (0, width)
