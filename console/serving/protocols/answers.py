"""Scores as documents: what one row's answer says, the same in every JSON protocol."""

from __future__ import annotations

from typing import Any

from console.serving.routing import ServedRoute
from console.serving.service import Answer


def documents(answer: Answer) -> list[dict[str, Any]]:
    """Return one document per row: who answered, the score, and what follows from it."""
    model = answer.served[0].model.manifest
    if model.task == "binary":
        return [_decided(answer, row, served) for row, served in enumerate(answer.served)]
    if model.task == "regression":
        return [
            {"request_id": name, "prediction": score, **_who(served)}
            for name, score, served in zip(answer.ids, answer.score, answer.served, strict=True)
        ]
    return [_classified(answer, row, served) for row, served in enumerate(answer.served)]


def _decided(answer: Answer, row: int, served: ServedRoute) -> dict[str, Any]:
    score, route = answer.score[row], served.route
    return {
        "request_id": answer.ids[row],
        "score": score,
        "decision": score >= route.threshold,
        "threshold": route.threshold,
        "model": served.model_name,
        "version": route.version,
    }


def _classified(answer: Answer, row: int, served: ServedRoute) -> dict[str, Any]:
    assert answer.label is not None and answer.probabilities is not None  # a multiclass model
    classes = served.model.manifest.classes
    return {
        "request_id": answer.ids[row],
        "prediction": answer.label[row],
        "score": answer.score[row],
        "probabilities": dict(zip(classes, answer.probabilities[row], strict=True)),
        **_who(served),
    }


def _who(served: ServedRoute) -> dict[str, Any]:
    return {"model": served.model_name, "version": served.version}
