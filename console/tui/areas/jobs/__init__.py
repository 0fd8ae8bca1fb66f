"""3 Jobs: what runs and when it ends, every run against its baseline, runs side by side, the log.

The area is in `area.py`; the modules beside it draw one pane each and know nothing of each other.
"""

from console.tui.areas.jobs.area import JobsArea

__all__ = ["JobsArea"]
