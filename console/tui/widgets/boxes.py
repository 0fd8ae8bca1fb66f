"""Boxes that put widgets beside or under each other, and paint them once.

Textual lays out and paints a whole new widget a second time because its *virtual size* changed,
which only something that scrolls needs to know. At 120 x 40 that second painting is 20 to 30 kB,
over SSH a flicker. What is built from these does without.
"""

from __future__ import annotations

from textual.containers import Container, Horizontal, Vertical
from textual.geometry import Size
from textual.reactive import Reactive
from textual.widget import Widget


def _settled() -> Reactive[Size]:
    return Reactive(Size(0, 0), layout=False, repaint=False)


class Settled(Widget):
    """A widget that never scrolls: its virtual size is no reason to lay out or paint again."""

    virtual_size: Reactive[Size] = _settled()


# Textual inherits style sheets along first bases only, so each box states it for itself.


class Row(Horizontal):
    """Widgets beside each other."""

    virtual_size: Reactive[Size] = _settled()


class Stack(Vertical):
    """Widgets under each other."""

    virtual_size: Reactive[Size] = _settled()


class Box(Container):
    """Widgets as its style says."""

    virtual_size: Reactive[Size] = _settled()
