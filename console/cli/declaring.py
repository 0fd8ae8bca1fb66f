"""The `mlops.toml` a new workspace starts with: short, commented, true for its data file."""

from __future__ import annotations

from pathlib import Path

_HEAD = """\
# What this workspace is for. People edit this file and keep it in version control;
# what happened is in .mlops/, which nobody edits.
# Every key is explained in the README of mlops-console.

[workspace]
name = "{name}"
mode = "solo"               # "team": promoting a model needs a second person's yes

"""

_DATASET = """\
[datasets.{dataset}]
source = "{source}"
# key = ["id"]              # columns that name a row: makes row-by-row diffs possible
# time_column = "created"   # lets models be trained on the past and judged on what came after
# contract = "contracts/{dataset}.odcs.yaml"
#                           # draft one from the data: mlops-console contract infer {dataset}

"""

_REST = """\
# A pipeline turns rows into features and features into a model. The same steps serve requests.
#
# [pipelines.{pipeline}]
# input = "{dataset}"
# target = "label"
# estimator = "sklearn.ensemble.HistGradientBoostingClassifier"
# params = {{ max_iter = 200, learning_rate = 0.1 }}
# split = {{ kind = "random", holdout_ratio = 0.2, folds = 5 }}
#
# [[pipelines.{pipeline}.steps]]
# name = "features"
# flow = "both"             # or "training", "inference"
# sql = "SELECT * FROM this"
#
# A gate states what a version must reach before it may be promoted, and what is wanted.
#
# [[gates.{pipeline}]]
# metric = "roc_auc"
# must = 0.70
# want = 0.75
# reason = "below this the old rule of thumb is as good"
#
# [endpoints.{pipeline}]
# model = "{pipeline}"
# port = 8100
"""


def starter(workspace: str, dataset: str, data: Path | None) -> str:
    """Text of a first `mlops.toml`; without a data file everything but the name is a comment.

    >>> "[datasets.flights]" in starter("demo", "flights", Path("/tmp/flights.parquet"))
    True
    """
    name = "".join(c if c.isalnum() or c in "-_." else "-" for c in workspace) or "workspace"
    text = _HEAD.format(name=name)
    if dataset:
        source = str(data).replace("\\", "/").replace('"', "")
        text += _DATASET.format(dataset=dataset, source=source)
    return text + _REST.format(pipeline="predictions", dataset=dataset or "events")
