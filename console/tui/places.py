"""What can be opened by name from anywhere: `run 117`, `flights@v3`, `delays@v5`, `alert 4`.

Pure. The app reads the names now and then; the palette asks which places a text could mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.tui.areas.base import Choice

if TYPE_CHECKING:
    from console.client.client import Client

PREFIX = "open:"
"""Before a reference, in the id of an entry of the palette."""
_NUMBERED = {"run": "run", "job": "job", "alert": "alert", "approval": "approval"}
_NUMBER = re.compile(r"^(?:(run|job|alert|approval)s? )?#?(\d{1,12})$")
_VERSION = re.compile(r"^(?:(data|dataset|model|gates?|threshold) )?([\w.-]+)@v?(\d+|[a-z]\w*)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What there is in the workspace, by name."""

    datasets: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()
    pipelines: tuple[str, ...] = ()


def read_names(client: Client) -> Names:
    """Ask the agent; runs in a thread."""
    from console.wire import datasets, endpoints, models, pipelines
    from console.wire.routes import Nothing

    return Names(
        datasets=tuple(each.name for each in client.call(datasets.list_datasets, Nothing())),
        models=tuple(each.name for each in client.call(models.list_models, Nothing())),
        endpoints=tuple(
            each.endpoint.name for each in client.call(endpoints.list_endpoints, Nothing())
        ),
        pipelines=tuple(
            each.pipeline.name for each in client.call(pipelines.list_pipelines, Nothing())
        ),
    )


def _open(kind: str, name: str, what: str = "") -> Choice:
    return Choice(id=f"{PREFIX}{kind}:{name}", label=f"open {what or kind} {name}")


def named(names: Names) -> list[Choice]:
    """An entry for every name."""
    return [
        *(_open("data", name) for name in names.datasets),
        *(_open("model", name) for name in names.models),
        *(_open("threshold", f"{name}@latest", "threshold of") for name in names.models),
        *(_open("endpoint", name) for name in names.endpoints),
        *(_open("pipeline", name) for name in names.pipelines),
    ]


def meant(query: str, names: Names) -> list[Choice]:
    """What a typed id could be: a number of each kind, a version of data and of a model."""
    return list(_meant(query.strip().lower(), names))


def _meant(query: str, names: Names) -> Iterator[Choice]:
    query = query.removeprefix("open ").strip()
    number = _NUMBER.match(query)
    if number:
        kind, digits = number.groups()
        for each in (kind,) if kind else _NUMBERED:
            yield _open(each, digits)
        return
    version = _VERSION.match(query)
    if not version:
        return
    kind, name, which = version.groups()
    reference = f"{name}@{'v' if which.isdigit() else ''}{which}"
    is_known = name in names.datasets or name in names.models
    if kind in (None, "data", "dataset") and (name in names.datasets or not is_known):
        yield _open("data", reference)
    if kind in (None, "model", "gate", "gates") and (name in names.models or not is_known):
        yield _open("model", reference)
    if kind in (None, "threshold") and (name in names.models or not is_known):
        yield _open("threshold", reference, "threshold of")
