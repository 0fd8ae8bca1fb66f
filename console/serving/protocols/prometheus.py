"""`GET /metrics`: Prometheus' text exposition format 0.0.4, written from the counters.

A histogram's limits are upper edges of the logarithmic buckets the latencies are counted in, about
the usual 1, 2.5, 5, 10 … ms, so each count is exact.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from typing import Final

from starlette.responses import Response

from console.rules.latency import GAMMA, bucket_of
from console.serving.gauges import rss_bytes
from console.serving.http import Asked, Endpoint
from console.serving.service import Service

MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_LIMITS_MS: Final = (
    0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000,
)  # fmt: skip
_BUCKETS: Final = tuple(bucket_of(limit) for limit in _LIMITS_MS)


class PrometheusProtocol:
    def __init__(self, service: Service) -> None:
        self._service = service

    def endpoints(self) -> list[Endpoint]:
        return [Endpoint("GET", "/metrics", self.metrics)]

    async def metrics(self, _: Asked) -> Response:
        lines = "\n".join(self._lines())
        return Response(f"{lines}\n", headers={"content-type": MEDIA_TYPE})

    def _lines(self) -> Iterator[str]:
        service, counters = self._service, self._service.counters
        generation, batcher = service.generation, service.batcher
        model = generation.config.model if generation is not None else ""
        own = {"endpoint": service.name, "model": model}
        versions = sorted(counters.versions.items())

        yield from _head("mlops_requests_total", "counter", "Requests answered, by outcome.")
        for version, counted in versions:
            for outcome, count in sorted(counted.outcomes.items()):
                labels = own | {"version": str(version), "outcome": outcome}
                yield _line("mlops_requests_total", labels, count)
        yield from _head("mlops_rows_total", "counter", "Rows scored.")
        for version, counted in versions:
            yield _line("mlops_rows_total", own | {"version": str(version)}, counted.rows)
        yield from _head("mlops_positive_total", "counter", "Rows at or above the threshold.")
        for version, counted in versions:
            yield _line("mlops_positive_total", own | {"version": str(version)}, counted.positives)

        name = "mlops_request_duration_seconds"
        yield from _head(name, "histogram", "From the request's headers to its answer.")
        for version, counted in versions:
            labels = own | {"version": str(version)}
            yield from _histogram(name, labels, counted.latency, counted.latency_sum_ms)
        name = "mlops_queue_wait_seconds"
        yield from _head(name, "histogram", "Time a request waited for the model.")
        yield from _histogram(name, own, counters.queue, counters.queue_sum_ms)

        load = service.load()
        yield from _head("mlops_in_flight", "gauge", "Requests waiting or being predicted.")
        yield _line("mlops_in_flight", own, load.in_flight)
        yield from _head("mlops_in_flight_limit", "gauge", "Above it requests get 503.")
        yield _line("mlops_in_flight_limit", own, load.limit)
        yield from _head("mlops_batches_total", "counter", "Calls of a model.")
        yield _line("mlops_batches_total", own, batcher.batch_count if batcher else 0)
        yield from _head("mlops_model_seconds_total", "counter", "Time spent in models.")
        yield _line("mlops_model_seconds_total", own, batcher.busy_s if batcher else 0.0)
        yield from _head("mlops_shadow_dropped_total", "counter", "Rows the shadows missed.")
        yield _line("mlops_shadow_dropped_total", own, counters.shadow_dropped)
        yield from _head("mlops_telemetry_dropped_total", "counter", "Documents given up.")
        yield _line("mlops_telemetry_dropped_total", own, service.telemetry.dropped_count)
        yield from _head("mlops_generation", "gauge", "Generation of the configuration served.")
        yield _line("mlops_generation", own, generation.config.generation if generation else 0)

        yield from _head("process_resident_memory_bytes", "gauge", "Memory in RAM.")
        yield _line("process_resident_memory_bytes", {}, rss_bytes())
        yield from _head("process_cpu_seconds_total", "counter", "CPU time of the process.")
        yield _line("process_cpu_seconds_total", {}, time.process_time())


def _head(name: str, kind: str, text: str) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"


def _histogram(
    name: str, labels: Mapping[str, str], counts: Mapping[int, int], sum_ms: float
) -> Iterator[str]:
    for bucket in _BUCKETS:
        below = sum(count for each, count in counts.items() if each <= bucket)
        limit = f"{GAMMA**bucket / 1000:.6g}"
        yield _line(f"{name}_bucket", {**labels, "le": limit}, below)
    total = sum(counts.values())
    yield _line(f"{name}_bucket", {**labels, "le": "+Inf"}, total)
    yield _line(f"{name}_sum", labels, sum_ms / 1000)
    yield _line(f"{name}_count", labels, total)


def _line(name: str, labels: Mapping[str, str], value: float) -> str:
    inside = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
    number = str(value) if isinstance(value, int) or math.isfinite(value) else "NaN"
    return f"{name}{{{inside}}} {number}" if inside else f"{name} {number}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
