"""6 Pipelines: the declared flows as one indented graph, whether they are stale, what runs made.

The area is in `area.py`; `flow.py` draws the graph, `deeds.py` checks, previews and trains.
"""

from console.tui.areas.pipelines.area import PipelinesArea

__all__ = ["PipelinesArea"]
