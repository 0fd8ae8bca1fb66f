"""One pane over the whole body of the frame, and back.

Textual's own maximise also hides the rows around; here they stay, because they say where the
reader is and which key brings the others back. The classes are styled in `frame.py`.
"""

from __future__ import annotations

from textual.widget import Widget

from console.tui.areas.base import Area
from console.tui.widgets.pane import Pane


def zoomed_pane(area: Area | None) -> Pane | None:
    """The pane that has the whole area."""
    return next(iter(area.query(".-zoomed").results(Pane)), None) if area is not None else None


def zoom_out(area: Area) -> None:
    """Show every pane again."""
    for widget in area.query(".-zoomed, .-beside-zoom"):
        widget.remove_class("-zoomed", "-beside-zoom")


def zoom_in(area: Area, focused: Widget | None) -> None:
    """Give the pane with the focus the whole area."""
    chain = focused.ancestors_with_self if focused is not None else []
    pane = next((node for node in chain if isinstance(node, Pane)), None)
    node: Widget | None = pane
    while node is not None and node is not area and isinstance(node.parent, Widget):
        node.add_class("-zoomed")
        for sibling in node.parent.children:
            if sibling is not node:
                sibling.add_class("-beside-zoom")
        node = node.parent
