"""From a declared class path or factory to an estimator that can be fitted on a frame.

Invariant: whatever is wrong with the declaration (no such module, class, parameter or value) is one
sentence with the nearest right word, said before any row is read.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from console.errors import FailedError, InvalidError
from console.flow.functions import line_in
from console.rules.declared_table import nearest
from storage.records.pipelines import Pipeline

MAX_NATIVE_CATEGORIES = 255
"""What the histogram estimators split natively; columns with more values are taken as codes."""


def make_estimator(pipeline: Pipeline, params: Mapping[str, Any], seed: int) -> Any:
    """Return the unfitted estimator with its parameters checked."""
    if ":" in pipeline.estimator:
        return _from_factory(pipeline.estimator, params, seed)
    cls = _class(pipeline)
    known = _parameters(cls)
    for name in params:
        if name not in known and known:
            raise InvalidError(
                f"{cls.__name__} has no parameter {name!r}.",
                hint=nearest(name, known, "It takes"),
                parameter=name,
            )
    given = dict(params)
    if "random_state" in known:
        given.setdefault("random_state", seed)
    try:
        estimator = cls(**given)
        if hasattr(estimator, "_validate_params"):
            estimator._validate_params()
    except (TypeError, ValueError) as error:
        raise InvalidError(
            f"{cls.__name__} does not take these parameters: {str(error).splitlines()[0]}",
            hint=f"See its documentation, or mlops-console pipeline show {pipeline.name}",
        ) from error
    return _checked(estimator, pipeline)


def with_preprocessing(
    pipeline: Pipeline, estimator: Any, features: Sequence[str], types: Sequence[str], frame: Any
) -> Any:
    """Return the estimator behind what its kind needs: codes, or filled, scaled and one-hot.

    A `Pipeline` of scikit-learn is taken to bring its own.
    """
    from sklearn.pipeline import Pipeline as Chain

    if pipeline.preprocess == "none" or isinstance(estimator, Chain):
        return estimator
    categories = [n for n, kind in zip(features, types, strict=True) if kind == "category"]
    numbers = [n for n, kind in zip(features, types, strict=True) if kind == "number"]
    if type(estimator).__name__.startswith("HistGradientBoosting"):
        return _with_codes(estimator, categories, numbers, frame)
    return _with_columns(estimator, categories, numbers)


def is_classifier(pipeline: Pipeline) -> bool:
    return pipeline.task != "regression"


def _with_codes(estimator: Any, categories: list[str], numbers: list[str], frame: Any) -> Any:
    """Histogram trees take missing numbers as they are and categories as codes."""
    import numpy as np
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline as Chain
    from sklearn.preprocessing import OrdinalEncoder

    if not categories:
        return estimator
    native = [n for n in categories if frame[n].nunique() <= MAX_NATIVE_CATEGORIES]
    coded = [*native, *(n for n in categories if n not in native)]
    if estimator.get_params()["categorical_features"] in (None, "from_dtype"):
        estimator.set_params(categorical_features=list(range(len(native))) or None)
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
    columns = ColumnTransformer(
        [("category", encoder, coded), ("number", "passthrough", numbers)],
        verbose_feature_names_out=False,
    )
    return Chain([("columns", columns), ("estimator", estimator)])


def _with_columns(estimator: Any, categories: list[str], numbers: list[str]) -> Any:
    """What most estimators need: no gaps, comparable scales, a column for each category."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline as Chain
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    scaled = Chain([("fill", SimpleImputer(strategy="median")), ("scale", StandardScaler())])
    hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    parts = [("category", hot, categories)] if categories else []
    parts += [("number", scaled, numbers)] if numbers else []
    columns = ColumnTransformer(parts, verbose_feature_names_out=False)
    return Chain([("columns", columns), ("estimator", estimator)])


def _class(pipeline: Pipeline) -> Any:
    path = pipeline.estimator
    module_name, _, name = path.rpartition(".")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise InvalidError(
            f"the estimator {path} cannot be imported: {str(error).splitlines()[0]}.",
            hint=_nearest_estimator(name, pipeline),
        ) from error
    found = getattr(module, name, None)
    if found is None:
        raise InvalidError(
            f"{module_name} has no {name!r}.", hint=_nearest_estimator(name, pipeline)
        )
    if not (inspect.isclass(found) and hasattr(found, "fit")):
        raise InvalidError(
            f"{path} is no estimator: it has no fit.", hint=_nearest_estimator(name, pipeline)
        )
    return found


def _nearest_estimator(name: str, pipeline: Pipeline) -> str:
    from sklearn.utils import all_estimators

    kind = "classifier" if is_classifier(pipeline) else "regressor"
    paths = {found: _public_path(cls) for found, cls in all_estimators(type_filter=kind)}
    near = get_close_matches(name, paths, n=1, cutoff=0.5)
    if near:
        return f"Did you mean {paths[near[0]]}?"
    return "For example: sklearn.ensemble.HistGradientBoostingClassifier"


def _public_path(cls: Any) -> str:
    """`sklearn.ensemble.X` instead of the private module it is written in."""
    public = [part for part in cls.__module__.split(".") if not part.startswith("_")]
    return ".".join([*public[:2], cls.__name__])


def _parameters(cls: Any) -> list[str]:
    if hasattr(cls, "_get_param_names"):
        return list(cls._get_param_names())
    signature = inspect.signature(cls)
    if any(each.kind is each.VAR_KEYWORD for each in signature.parameters.values()):
        return []
    return list(signature.parameters)


def _from_factory(path: str, params: Mapping[str, Any], seed: int) -> Any:
    module_name, _, name = path.partition(":")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        said = (str(error).splitlines() or [""])[0]
        raise InvalidError(
            f"the factory {path} cannot be imported: {type(error).__name__}: {said}.",
            hint=f"The module is looked for in the workspace: {module_name.replace('.', '/')}.py",
        ) from error
    factory = getattr(module, name, None)
    if not callable(factory):
        known = [each for each in vars(module) if not each.startswith("_")]
        raise InvalidError(
            f"{module_name} has no function {name!r}.", hint=nearest(name, known, "It has")
        )
    given = dict(params)
    accepted = inspect.signature(factory).parameters
    for each in ("seed", "random_state"):
        if each in accepted:
            given.setdefault(each, seed)
    try:
        estimator = factory(**given)
    except Exception as error:
        said = str(error).strip().split("\n", 1)[0] or "no message"
        line = line_in(error, str(module.__file__))
        place = f" ({module_name.replace('.', '/')}.py, line {line})" if line else ""
        raise FailedError(
            f"the factory {path} ended with {type(error).__name__}: {said}{place}"
        ) from error
    if not hasattr(estimator, "fit") or not hasattr(estimator, "predict"):
        raise InvalidError(
            f"the factory {path} returned {type(estimator).__name__}, which has no fit and predict."
        )
    return estimator


def _checked(estimator: Any, pipeline: Pipeline) -> Any:
    if is_classifier(pipeline) and not hasattr(estimator, "predict_proba"):
        raise InvalidError(
            f"{type(estimator).__name__} gives no probabilities (it has no predict_proba), and "
            f"the task is {pipeline.task}.",
            hint="Wrap it in sklearn.calibration.CalibratedClassifierCV with a factory of yours, "
            "or take another one.",
        )
    if not is_classifier(pipeline) and hasattr(estimator, "predict_proba"):
        raise InvalidError(
            f"{type(estimator).__name__} is a classifier, and the task is regression.",
            hint=f"Did you mean {type(estimator).__name__.replace('Classifier', 'Regressor')}?",
        )
    return estimator
