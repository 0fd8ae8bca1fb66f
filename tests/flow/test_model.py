"""A model is served only when it proves that it is the one that was trained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from console.errors import DamagedError, FailedError
from console.flow.model import LoadedModel, load
from console.rules.declaration import step_digest
from storage.objects import Objects
from storage.records.models import ModelManifest
from storage.records.pipelines import Step
from storage.workspace import Workspace
from tests.serving.trained import Trained, put_sample, train_delays, train_plain


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace.create(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def objects(workspace: Workspace) -> Objects:
    return Objects(workspace.objects)


@pytest.fixture(scope="module")
def delays(workspace: Workspace) -> Trained:
    return train_delays(workspace, rows=3000)


def put(objects: Objects, manifest: ModelManifest) -> str:
    return objects.put_json(manifest)


def test_a_model_gives_the_scores_of_training(objects: Objects, delays: Trained) -> None:
    model = load(delays.digest, objects)
    found = model.predict(model.signature.columns(delays.rows), len(delays.rows))
    np.testing.assert_allclose(found.score, delays.scores, atol=1e-9)
    assert (model.self_check, model.predictor.way) == ("300 of 300 sample scores equal", "compiled")
    assert model.alone_s is not None
    assert len(found.features["carrier"]) == 300


def test_another_score_is_refused_and_says_how_far_off(objects: Objects, delays: Trained) -> None:
    scores = [score + (0.25 if i in (3, 5) else 0.0) for i, score in enumerate(delays.scores)]
    changed = replace(delays.manifest, sample=put_sample(objects, delays.rows, scores))
    with pytest.raises(
        DamagedError, match=r"2 of 300 sample rows differ, by up to 0\.25"
    ) as caught:
        load(put(objects, changed), objects)
    assert "scikit-learn" in caught.value.hint


def test_a_step_that_mixes_rows_is_refused(objects: Objects, delays: Trained) -> None:
    """It agrees with training for the whole sample, but not for a row alone."""
    source = (
        "def centre(frame):\n    return frame.assign(temp=frame['temp'] - frame['temp'].mean())\n"
    )
    mixing = Step(name="centre", function="own:centre", source=source)
    mixing = replace(mixing, digest=step_digest(mixing))
    changed = replace(delays.manifest, steps=(*delays.manifest.steps, mixing), sample="")
    model = load(put(objects, changed), objects)
    scores = model.predict(model.signature.columns(delays.rows), 300).score.tolist()
    proven = replace(changed, sample=put_sample(objects, delays.rows, scores))
    with pytest.raises(
        DamagedError, match=r'feature "temp" is .* alone and .* among 300 rows: a step mixes rows'
    ):
        load(put(objects, proven), objects)


def test_a_model_without_a_sample_is_served_as_trained(objects: Objects, delays: Trained) -> None:
    model = load(put(objects, replace(delays.manifest, sample="")), objects)
    assert (model.predictor.way, model.alone_s) == ("as trained", None)
    assert "no sample rows" in model.predictor.reason
    found = model.predict(model.signature.columns(delays.rows[:9]), 9)
    np.testing.assert_allclose(found.score, delays.scores[:9], atol=1e-9)


def test_a_manifest_that_is_none_is_refused(objects: Objects) -> None:
    with pytest.raises(DamagedError, match=r"manifest .* cannot be read"):
        load(objects.put_json({"format": 1}), objects)


def test_a_score_that_is_no_number_is_refused_with_its_row(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path)
    trained = train_plain(workspace, trees=2)
    model: LoadedModel = load(trained.digest, Objects(workspace.objects))
    model.predictor.scores = lambda columns, n: np.array([0.5, np.nan, 0.5])  # type: ignore[method-assign]
    with pytest.raises(FailedError, match="row 1: the model gave nan"):
        model.predict(model.signature.columns(trained.rows[:3]), 3)
