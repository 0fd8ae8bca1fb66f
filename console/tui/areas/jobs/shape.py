"""How the jobs area is laid out at each size and mode, and what its words mean."""

from __future__ import annotations

from typing import Final

from console.tui.widgets.pane import Words

WORDS: Final[Words] = (
    ("★", "the baseline: the champion's run, or the one pinned with b"),
    ("Δ104", "distance to the baseline, run 104; grey where other rows judged it"),
    ("better, worse", "the paired 95 % interval of the difference is on one side of zero"),
    ("noise", "the difference is too small to matter, and that is certain"),
    ("unclear", "the interval holds zero and differences that would matter"),
    ("other rows", "judged on other rows: a difference would mean nothing"),
    ("lost", "the process is gone without having said how it ended"),
)
CSS: Final = """
    JobsArea Pane { margin: 0 0 1 0; }
    JobsArea #queue-pane { max-height: 5; }
    JobsArea.-wide #queue-pane { max-height: 8; }
    JobsArea #runs-pane { height: 1fr; }
    JobsArea #runs-pane, JobsArea #log-pane { margin: 0; }
    JobsArea #live-pane, JobsArea #log-pane, JobsArea #side, JobsArea #run,
    JobsArea #diff-page { display: none; }
    JobsArea.-log #log-pane { display: block; height: 1fr; }
    JobsArea.-run #run { display: block; }
    JobsArea.-run #compare { display: none; }
    JobsArea.-diff #diff-page { display: block; }
    JobsArea.-diff #compare { display: none; }
    JobsArea.-run #side, JobsArea.-compare #side, JobsArea.-diff #side { display: block; }
    JobsArea.-narrow.-run #lists, JobsArea.-narrow.-compare #lists { display: none; }
    JobsArea.-medium.-run #lists, JobsArea.-medium.-compare #lists { display: none; }
    JobsArea.-narrow.-diff #lists, JobsArea.-medium.-diff #lists { display: none; }
    JobsArea.-narrow.-log #queue-pane, JobsArea.-narrow.-log #runs-pane { display: none; }
    JobsArea.-medium.-log #queue-pane, JobsArea.-medium.-log #runs-pane { display: none; }
    JobsArea.-wide #side { display: block; margin: 0 0 0 3; }
    JobsArea.-wide #live-pane { display: block; }
    JobsArea.-wide #runs-pane { margin: 0 0 1 0; }
    JobsArea.-wide #log-pane { display: block; height: 8; }
    JobsArea.-wide.-log #live-pane { display: none; }
    JobsArea.-wide.-log #log-pane { height: 18; }
"""
