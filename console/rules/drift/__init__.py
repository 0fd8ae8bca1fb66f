"""How far data moved between two profiles: per column, with interval, verdict and noise.

Loads numpy (and scipy.special when something is compared): import it where drift is asked for.
Everything works from stored profiles; raw rows are never read.
"""

from console.rules.drift.columns import column_drift
from console.rules.drift.merging import counts_on, merge_profiles
from console.rules.drift.report import profile_drift

__all__ = ["column_drift", "counts_on", "merge_profiles", "profile_drift"]
