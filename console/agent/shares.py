"""How an endpoint's traffic is divided, and how the division follows aliases and thresholds.

Pure: versions and routes in, routes out. Invariants: the answering routes' weights sum to 1, no
version answers twice, a shadow never answers and a version that answers is not also a shadow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from console import errors
from storage.records.endpoints import Route
from storage.records.models import ModelVersion


def whole(version: ModelVersion, reference: str) -> tuple[Route, ...]:
    """All traffic to one version."""
    return (_route(version, _name(version, reference, ()), 1.0),)


def divided(
    weights: Sequence[tuple[str, ModelVersion, float]],
    shadows: Sequence[tuple[str, ModelVersion]],
    current: tuple[Route, ...],
) -> tuple[Route, ...]:
    """Shares as somebody asked for them: reference, the version it means, share; any positive sum.

    Raises `InvalidError` for shares that cannot be.
    """
    for reference, _, weight in weights:
        if not 0.0 <= weight < float("inf"):
            raise errors.InvalidError(
                f"{weight:g} is not a share of the traffic for {reference}.",
                hint="Shares are 0 or more, e.g. champion=90 v5=10.",
            )
    total = sum(weight for _, _, weight in weights)
    if total <= 0.0:
        raise errors.InvalidError(
            "nobody would answer: the shares of the traffic sum to 0.",
            hint="Give at least one version a share, e.g. champion=100.",
        )
    answering = [
        _route(version, _name(version, reference, current), weight / total)
        for reference, version, weight in weights
        if weight > 0.0
    ]
    watching = [replace(_route(version, "shadow", 0.0), is_shadow=True) for _, version in shadows]
    return _merged([*answering, *watching])


def followed(routes: tuple[Route, ...], versions: Mapping[int, ModelVersion]) -> tuple[Route, ...]:
    """The same division after aliases or thresholds moved; equal to `routes` when none did.

    A route named like an alias goes where the alias points now.
    """
    aliases = {alias: version for version in versions.values() for alias in version.aliases}
    moved = []
    for route in routes:
        version = aliases.get(route.name) or versions.get(route.version)
        if version is None:
            moved.append(route)
            continue
        moved.append(
            replace(
                route,
                version=version.version,
                digest=version.digest,
                threshold=version.threshold,
            )
        )
    return _merged(moved)


def described(routes: Sequence[Route]) -> str:
    """`v4 champion 90 %, v5 canary 10 %, v6 shadow`."""
    words = []
    for route in routes:
        if route.is_shadow:
            words.append(f"v{route.version} shadow")
        else:
            words.append(f"v{route.version} {route.name} {route.weight * 100:.3g} %")
    return ", ".join(words)


def change_words(before: Sequence[Route], after: Sequence[Route]) -> str:
    """What is new, in a few characters for a chart: `v5 10 %`, `v4 alone`, `v6 shadow`."""
    answering = [route for route in after if not route.is_shadow]
    if len(answering) == 1 and len([r for r in before if not r.is_shadow]) > 1:
        return f"v{answering[0].version} alone"
    known = {(route.version, route.is_shadow): route.weight for route in before}
    for route in sorted(after, key=lambda r: r.weight):
        if known.get((route.version, route.is_shadow)) != route.weight:
            share = "shadow" if route.is_shadow else f"{route.weight * 100:.3g} %"
            return f"v{route.version} {share}"
    return "traffic"


def _route(version: ModelVersion, name: str, weight: float) -> Route:
    return Route(
        version=version.version,
        digest=version.digest,
        weight=weight,
        threshold=version.threshold,
        name=name,
    )


def _name(version: ModelVersion, reference: str, current: tuple[Route, ...]) -> str:
    """What the route is called: the alias it was asked by, what it was, else a canary."""
    if reference in version.aliases:
        return reference
    for route in current:
        if route.version == version.version and not route.is_shadow:
            return route.name
    return "champion" if "champion" in version.aliases else "canary"


def _merged(routes: Sequence[Route]) -> tuple[Route, ...]:
    """One route for a version: shares add, the largest gives the name."""
    answering: dict[int, Route] = {}
    for route in sorted((r for r in routes if not r.is_shadow), key=lambda r: -r.weight):
        known = answering.get(route.version)
        if known is None:
            answering[route.version] = route
        else:
            answering[route.version] = replace(known, weight=known.weight + route.weight)
    watching = {r.version: r for r in routes if r.is_shadow and r.version not in answering}
    return (*answering.values(), *watching.values())
