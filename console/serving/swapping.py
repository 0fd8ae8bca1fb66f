"""From one configuration to the next without a failed request.

The file is looked at five times a second. A new generation is loaded and proven in a thread beside
the one that serves; models that both use are kept, so a threshold or a weight changes in
milliseconds. Invariant: the generation that serves is replaced only by one that is whole; a broken
one is reported and changes nothing.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from console.errors import ConflictError, ConsoleError
from console.flow.model import LoadedModel, load, read_profile
from console.serving.app import Door
from console.serving.config import (
    FileWatch,
    Place,
    check_exposure,
    read_config,
    read_keys,
)
from console.serving.routing import Generation
from console.serving.service import SHADOW_S, Service
from storage.errors import StorageError
from storage.objects import Objects
from storage.records.endpoints import EndpointConfig
from storage.records.profiles import Profile

log = logging.getLogger("console.serving")

POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class Loaded:
    """A generation ready to serve, with what telemetry needs to know of it."""

    generation: Generation
    profiles: dict[int, Profile | None]
    """Version -> profile of its training features."""


def load_generation(place: Place, config: EndpointConfig, known: dict[str, LoadedModel]) -> Loaded:
    """Load and prove the models of a configuration; `known` ones are used again.

    Raises `ConsoleError` or `StorageError` naming the version that cannot be served.
    """
    objects = Objects(place.workspace.objects)
    models: dict[str, LoadedModel] = {}
    profiles: dict[int, Profile | None] = {}
    for route in config.routes:
        name = f"{config.model}@v{route.version}"
        try:
            model = known.get(route.digest) or models.get(route.digest)
            if model is None:
                started = time.perf_counter()
                model = load(
                    route.digest, objects, root=place.workspace.root, threads=config.threads
                )
                way = model.predictor.reason or "compiled"
                log.info(
                    "loaded %s in %.2f s (%s; %s)",
                    name, time.perf_counter() - started, model.self_check, way,
                )  # fmt: skip
            models[route.digest] = model
            profiles[route.version] = read_profile(model.manifest, objects)
        except (ConsoleError, StorageError) as error:
            raise _naming(name, error) from error
    return Loaded(Generation(config, models), profiles)


class Swapper:
    """Watches the configuration and the keys; moves the service to what they say."""

    def __init__(
        self,
        place: Place,
        service: Service,
        door: Door,
        first: Loaded,
        tell: Callable[[str, int, str, str], None],
    ) -> None:
        self._place = place
        self._service = service
        self._door = door
        self._tell = tell
        """Reports state, generation, reason and self-check."""
        self._has_failed = False
        """The last change was refused and nothing was said since."""
        self._config_watch = FileWatch(place.paths.config)
        self._keys_watch = FileWatch(place.keys)
        self._take(first)

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            await asyncio.sleep(POLL_S)
            if self._keys_watch.has_changed():
                await self._guarded(self._change_keys)
            if self._config_watch.has_changed():
                await self._guarded(self._change_config)

    async def _guarded(self, change: Callable[[], object]) -> None:
        generation = self._service.current().config.generation
        try:
            made = change()
            if asyncio.iscoroutine(made):
                await made
        except (ConsoleError, StorageError) as error:
            reason = f"{error}".rstrip()
            log.error("the change is not served: %s; generation %d goes on", reason, generation)
            self._say_failed(generation, reason)
        except Exception as error:
            log.exception("the change is not served; generation %d goes on", generation)
            self._say_failed(generation, f"{type(error).__name__}: {error}.")

    def _change_keys(self) -> None:
        keys = read_keys(self._place.keys)
        check_exposure(self._service.current().config, keys)
        self._door.keys = keys
        log.info("%d API keys from now on", len(keys.keys))

    async def _change_config(self) -> None:
        current = self._service.current()
        config = read_config(self._place.paths.config)
        if config == current.config:
            if self._has_failed:  # What was broken was taken back.
                self._say_ready(current, _self_check(current))
            return
        _check_same(current.config, config)
        loaded = await asyncio.to_thread(load_generation, self._place, config, current.models)
        self._take(loaded)

    def _take(self, loaded: Loaded) -> None:
        before = self._service.generation
        if before is not None:
            self._close_later(before, loaded.generation)
        for each in (*loaded.generation.answering, *loaded.generation.shadows):
            self._service.telemetry.watch(
                each.version, loaded.profiles[each.version], each.model.manifest.features
            )
        self._service.serve(loaded.generation)
        self._say_ready(loaded.generation, _self_check(loaded.generation))

    def _close_later(self, before: Generation, after: Generation) -> None:
        """Give back what nobody asks any more, once every request under way is answered."""
        wait_s = before.limits.timeout_s + SHADOW_S + 1.0
        for digest, model in before.models.items():
            if digest not in after.models:
                asyncio.get_running_loop().call_later(wait_s, model.close)

    def _say_ready(self, generation: Generation, self_check: str) -> None:
        self._has_failed = False
        number = generation.config.generation
        log.info("generation %d answers (%s)", number, self_check)
        self._tell("ready", number, "", self_check)

    def _say_failed(self, generation: int, reason: str) -> None:
        self._has_failed = True
        self._tell("failed", generation, f"{reason} Generation {generation} still answers.", "")


def _self_check(generation: Generation) -> str:
    routes = (*generation.answering, *generation.shadows)
    return "; ".join(f"v{each.version}: {each.model.self_check}" for each in routes)


def _check_same(current: EndpointConfig, wanted: EndpointConfig) -> None:
    """What cannot change while the process runs."""
    for name in ("name", "model", "host", "port"):
        before, after = getattr(current, name), getattr(wanted, name)
        if before != after:
            raise ConflictError(
                f"the {name} of a running endpoint cannot change from {before} to {after}.",
                hint=f"Stop and start it: mlops-console endpoint start {current.name}",
            )


def _naming(name: str, error: ConsoleError | StorageError) -> ConsoleError:
    """The same refusal with the version it is about."""
    made = ConsoleError(f"cannot serve {name}: {error.message}", hint=error.hint, **error.data)
    made.kind = error.kind
    return made
