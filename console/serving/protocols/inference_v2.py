"""The Open Inference Protocol, version 2 (KServe, Triton, MLServer): `/v2/...`, JSON tensors.

One input tensor per field of the model, `shape` [rows] or [rows, 1]; or a single numeric tensor
[rows, fields] in the order of the metadata. Outputs: `score`, `decision` for two classes,
`prediction` for several classes or a regression. The binary extension is not spoken.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import Response

from console import __version__
from console.errors import ConsoleError, InvalidError, NotFoundError, UnavailableError
from console.flow.signature import Signature, nearest
from console.serving.http import Asked, Endpoint, Refusal, check_json, reply
from console.serving.reading import Rows, check_count, decode_json
from console.serving.routing import Generation
from console.serving.service import Answer, Service

_DATATYPES: Final = {
    "integer": "INT64",
    "number": "FP64",
    "boolean": "BOOL",
    "string": "BYTES",
    "timestamp": "BYTES",
}
_KNOWN: Final = frozenset(
    {"BOOL", "BYTES", "FP16", "FP32", "FP64"}
    | {f"{sign}INT{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)}
)


def failure(error: ConsoleError) -> Any:
    return {"error": str(error)}


class InferenceProtocol:
    def __init__(self, service: Service) -> None:
        self._service = service

    def endpoints(self) -> list[Endpoint]:
        model, version = "/v2/models/{model}", "/v2/models/{model}/versions/{version}"
        return [
            Endpoint("GET", "/v2", self.server, failure),
            Endpoint("GET", "/v2/health/live", self.live, failure, is_open=True),
            Endpoint("GET", "/v2/health/ready", self.ready, failure, is_open=True),
            Endpoint("GET", model, self.metadata, failure),
            Endpoint("GET", version, self.metadata, failure),
            Endpoint("GET", f"{model}/ready", self.model_ready, failure, is_open=True),
            Endpoint("GET", f"{version}/ready", self.model_ready, failure, is_open=True),
            Endpoint("POST", f"{model}/infer", self.infer, failure),
            Endpoint("POST", f"{version}/infer", self.infer, failure),
        ]

    async def server(self, _: Asked) -> Response:
        return reply({"name": "mlops-console", "version": __version__, "extensions": []})

    async def live(self, _: Asked) -> Response:
        return reply({"live": True})

    async def ready(self, _: Asked) -> Response:
        is_ready = self._service.is_ready
        return reply({"ready": is_ready}, 200 if is_ready else 503)

    async def model_ready(self, asked: Asked) -> Response:
        if not self._service.is_ready:
            raise UnavailableError("not ready to predict.", retry_after_s=1)
        generation = self._generation(asked)
        return reply({"name": generation.config.model, "ready": True})

    async def metadata(self, asked: Asked) -> Response:
        generation = self._generation(asked)
        manifest = generation.main.model.manifest
        inputs = [
            {"name": field.name, "datatype": _DATATYPES[field.type], "shape": [-1]}
            for field in generation.signature.fields
        ]
        outputs = [{"name": "score", "datatype": "FP64", "shape": [-1]}]
        if manifest.task == "binary":
            outputs.append({"name": "decision", "datatype": "BOOL", "shape": [-1]})
        elif manifest.task == "multiclass":
            outputs.append({"name": "prediction", "datatype": "BYTES", "shape": [-1]})
        return reply(
            {
                "name": generation.config.model,
                "versions": [str(each.version) for each in generation.answering],
                "platform": "scikit-learn",
                "inputs": inputs,
                "outputs": outputs,
            }
        )

    async def infer(self, asked: Asked) -> Response:
        generation = self._generation(asked)
        if asked.raw_header(b"inference-header-content-length"):
            raise Refusal(415, "binary tensors are not taken.", hint="Send the data as JSON.")
        check_json(asked)
        document = decode_json(await asked.limited_body(generation.limits.body_bytes))
        name = document.get("id") if isinstance(document, Mapping) else None
        rows = _rows(document, generation)
        answer = await self._service.predict(asked, generation, rows)
        return reply(_response(answer, generation, name))

    def _generation(self, asked: Asked) -> Generation:
        generation = self._service.current()
        model, version = asked.path_params["model"], asked.path_params.get("version")
        if model != generation.config.model:
            raise NotFoundError(
                f'there is no model "{model[:60]}" here; this endpoint serves '
                f"{generation.config.model}."
            )
        known = [str(each.version) for each in generation.answering]
        if version is not None and version.removeprefix("v") not in known:
            raise NotFoundError(
                f"version {version[:20]} of {model} is not served here; served is "
                f"{', '.join(known)}."
            )
        return generation


def _rows(document: Any, generation: Generation) -> Rows:
    inputs = document.get("inputs") if isinstance(document, Mapping) else None
    if not isinstance(inputs, list) or not inputs:
        raise InvalidError('the body has no "inputs": a list of tensors is wanted.')
    signature = generation.signature
    columns: dict[str, list[Any]] = {}
    for number, tensor in enumerate(inputs):
        name, shape, data = _tensor(tensor, number)
        width = shape[1] if len(shape) == 2 else 1
        if len(inputs) == 1 and width > 1 and width == len(signature.names):
            columns = {each: data[at::width] for at, each in enumerate(signature.names)}
        elif width == 1:
            _check_name(name, signature, inputs)
            columns[name] = data
        else:
            raise InvalidError(
                f'input "{name}" has shape {shape}; wanted is [rows] for one field, or '
                f"[rows, {len(signature.names)}] for all.",
                field=name,
            )
    counts = {len(values) for values in columns.values()}
    if len(counts) != 1:
        raise InvalidError(f"the inputs have different numbers of rows: {sorted(counts)}.")
    n = counts.pop()
    if n == 0:
        raise InvalidError("there are no rows to predict.", hint="Send at least one.")
    check_count(n, generation.limits.rows)
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    made = generation.reader.rows(rows)
    name = document.get("id")
    if isinstance(name, str) and 0 < len(name) <= 190:
        ids = [name] if n == 1 else [f"{name}/{row}" for row in range(n)]
        made = Rows(made.values, [own or given for own, given in zip(made.ids, ids, strict=True)])
    return made


def _tensor(tensor: Any, number: int) -> tuple[str, list[int], list[Any]]:
    """Return name, shape and flat data of an input, checked against one another."""
    if not isinstance(tensor, Mapping) or not isinstance(tensor.get("name"), str):
        raise InvalidError(f"input {number} is not a tensor with a name.")
    name, shape, data = tensor["name"], tensor.get("shape"), tensor.get("data")
    if tensor.get("datatype") not in _KNOWN:
        raise InvalidError(
            f'input "{name}" has the datatype {str(tensor.get("datatype"))[:20]!r}, which the '
            "protocol does not have.",
            field=name,
        )
    if not isinstance(shape, list) or not all(_is_size(each) for each in shape):
        shape = []
    if len(shape) not in (1, 2):
        raise InvalidError(f'input "{name}" needs a "shape" of one or two dimensions.', field=name)
    if not isinstance(data, list):
        raise InvalidError(f'input "{name}" has no "data" list.', field=name)
    if data and isinstance(data[0], list):
        data = [value for row in data if isinstance(row, list) for value in row]
    size = shape[0] * (shape[1] if len(shape) == 2 else 1)
    if len(data) != size:
        raise InvalidError(
            f'input "{name}" has {len(data)} values, its shape {shape} says {size}.', field=name
        )
    return name, shape, data


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and 0 <= value < 2**31


def _check_name(name: str, signature: Signature, inputs: list[Any]) -> None:
    if name in signature.names or name in ("id", "request_id") or name in signature.row_id:
        return
    sent = {tensor.get("name") for tensor in inputs if isinstance(tensor, Mapping)}
    near = nearest(name, [each for each in signature.names if each not in sent])
    raise InvalidError(
        f'the model takes no input "{name[:60]}".',
        hint=f'Did you mean "{near}"?' if near else f"It takes: {', '.join(signature.names)}.",
        field=name[:60],
    )


def _response(answer: Answer, generation: Generation, name: Any) -> dict[str, Any]:
    n = len(answer.score)
    outputs: list[dict[str, Any]] = [_output("score", "FP64", n, answer.score)]
    if answer.decision is not None:
        outputs.append(_output("decision", "BOOL", n, answer.decision))
    if answer.label is not None:
        outputs.append(_output("prediction", "BYTES", n, answer.label))
    versions = sorted({served.version for served in answer.served})
    made: dict[str, Any] = {
        "model_name": generation.config.model,
        "model_version": ",".join(str(each) for each in versions),
        "outputs": outputs,
        "parameters": {"request_ids": answer.ids},
    }
    return made | {"id": name} if isinstance(name, str) else made


def _output(name: str, datatype: str, n: int, data: list[Any]) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": [n], "data": data}
