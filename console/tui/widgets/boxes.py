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


class Settled(Widget):
    """A widget that never scrolls: its virtual size is no reason to lay out or paint again."""

    virtual_size: Reactive[Size] = Reactive(Size(0, 0), layout=False, repaint=False)


class Row(Settled, Horizontal):
    """Widgets beside each other."""


class Stack(Settled, Vertical):
    """Widgets under each other."""


class Box(Settled, Container):
    """Widgets as its style says."""
