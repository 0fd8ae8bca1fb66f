"""Which version answers a row, and how rows are written for it.

A `Generation` is one state of the configuration with its models loaded: it never changes, requests
keep the one they began with. Invariant: the same key is answered by the same version as long as
the weights stay, and a version whose weight grows keeps the keys it had; a shadow never answers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from console.errors import InvalidError
from console.flow.model import LoadedModel
from console.flow.signature import Signature
from console.serving.reading import RowReader
from storage.records.endpoints import EndpointConfig, EndpointLimits, Route
from storage.records.models import SignatureField

Row = tuple[Any, ...]
"""The values of a request row in the order of the generation's signature."""


@dataclass(frozen=True, slots=True, eq=False)
class ServedRoute:
    """A version with its model."""

    route: Route
    model: LoadedModel
    model_name: str
    pick: Callable[[Row], Row] | None
    """Takes this version's values out of a row; None = the row as it is."""

    @property
    def version(self) -> int:
        return self.route.version

    def columns(self, rows: Sequence[Row]) -> dict[str, Sequence[Any]]:
        """Return rows as columns for the model."""
        if self.pick is not None:
            rows = [self.pick(row) for row in rows]
        names = self.model.signature.names
        if len(rows) == 1:
            return {name: (value,) for name, value in zip(names, rows[0], strict=True)}
        return dict(zip(names, zip(*rows, strict=True), strict=True))


class Generation:
    """The routes of one configuration, ready to answer."""

    def __init__(self, config: EndpointConfig, models: dict[str, LoadedModel]) -> None:
        self.config = config
        self.models = models
        """Manifest digest -> model."""
        self.signature = _common_signature(config, models)
        self.reader = RowReader(self.signature)
        routes = [self._served(route) for route in config.routes]
        self.shadows = tuple(each for each in routes if each.route.is_shadow)
        # A growing canary must keep its keys, so it is always at the low end of the scale.
        self.answering = sorted(
            (each for each in routes if not each.route.is_shadow),
            key=lambda each: (each.route.name == "champion", -each.version),
        )
        self.main = max(self.answering, key=lambda each: each.route.weight)
        """The route with most of the traffic: what is said about the endpoint as a whole."""
        self._salt = config.name.encode()

    @property
    def limits(self) -> EndpointLimits:
        return self.config.limits

    def choose(self, key: str) -> ServedRoute:
        """Return the route that answers this key."""
        if len(self.answering) == 1:
            return self.answering[0]
        digest = hashlib.blake2b(key.encode("utf-8", "replace"), digest_size=8, key=self._salt[:64])
        share = int.from_bytes(digest.digest()) / 2**64
        edge = 0.0
        for served in self.answering:
            edge += served.route.weight
            if share < edge:
                return served
        return self.main

    def _served(self, route: Route) -> ServedRoute:
        model = self.models[route.digest]
        names, own = self.signature.names, model.signature.names
        if own == names:
            return ServedRoute(route, model, self.config.model, None)
        positions = [names.index(name) for name in own]
        if len(positions) == 1:
            only = positions[0]
            return ServedRoute(route, model, self.config.model, lambda row: (row[only],))
        return ServedRoute(route, model, self.config.model, itemgetter(*positions))


def _common_signature(config: EndpointConfig, models: dict[str, LoadedModel]) -> Signature:
    """One signature for all versions: a request is read once, before it is known who answers."""
    fields: dict[str, SignatureField] = {}
    row_id: dict[str, None] = {}
    for route in config.routes:
        signature = models[route.digest].signature
        row_id |= dict.fromkeys(signature.row_id)
        for field in signature.fields:
            is_required = field.is_required and not route.is_shadow
            known = fields.get(field.name)
            kind = field.type if known is None else _wider(config, known, field)
            fields[field.name] = SignatureField(
                name=field.name,
                type=kind,
                is_required=is_required or (known is not None and known.is_required),
                categories=field.categories,
            )
    return Signature(tuple(fields.values()), tuple(row_id))


def _wider(config: EndpointConfig, one: SignatureField, other: SignatureField) -> Any:
    if one.type == other.type:
        return one.type
    if {one.type, other.type} == {"integer", "number"}:
        return "number"
    raise InvalidError(
        f'endpoint {config.name} cannot serve these versions together: field "{one.name}" is '
        f"{one.type} for one and {other.type} for another.",
        hint="Serve the new version alone, or on an endpoint of its own.",
        field=one.name,
    )
