"""The Open Inference Protocol over HTTP; tensors as bytes where the server has that extension."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx
import numpy as np

from adapters.runtimes.errors import ModelServerAway
from adapters.runtimes.open_inference import (
    InferenceRefused,
    ModelMetadata,
    ProtocolBroken,
    TensorMetadata,
    dtype_of,
    from_values,
    in_order,
)
from ai_models.card.runtime import KServe

BINARY_EXTENSION = "binary_tensor_data"
HEADER_LENGTH = "Inference-Header-Content-Length"  # of the JSON, before the bytes
_CONNECT_SECONDS = 10.0
_AWAY = frozenset({429, 502, 503, 504})


class HttpInferenceServer:
    """An `InferenceServer`."""

    def __init__(self, runtime: KServe, timeout_seconds: float) -> None:
        self._address = runtime.url
        version = f"/versions/{runtime.model_version}" if runtime.model_version else ""
        self._model = f"v2/models/{runtime.model}{version}"
        self._client = httpx.Client(
            base_url=runtime.url,
            timeout=httpx.Timeout(timeout_seconds, connect=_CONNECT_SECONDS),
            follow_redirects=True,
        )
        self._binary = False

    def metadata(self) -> ModelMetadata:
        server = self._json(self._send("GET", "v2"))
        self._binary = BINARY_EXTENSION in server.get("extensions", [])
        model = self._json(self._send("GET", self._model))
        with _as_published():
            return ModelMetadata(_metadata(model["inputs"]), _metadata(model["outputs"]))

    def check_ready(self) -> None:
        try:
            self._send("GET", f"{self._model}/ready")
        except InferenceRefused as refused:  # there, as its metadata said; so it is not yet loaded
            raise ModelServerAway(self._address, refused.told) from refused

    def infer(
        self,
        inputs: Sequence[tuple[TensorMetadata, np.ndarray]],
        outputs: Sequence[TensorMetadata],
    ) -> list[np.ndarray]:
        given = [(into, one.astype(dtype_of(into.datatype))) for into, one in inputs]
        request = {
            "inputs": [_input(one, into, binary=self._binary) for into, one in given],
            "outputs": [_wanted(one, binary=self._binary) for one in outputs],
        }
        header = json.dumps(request).encode()
        if self._binary:
            body = b"".join([header, *(one.tobytes() for _, one in given)])
            headers = {
                "Content-Type": "application/octet-stream",
                HEADER_LENGTH: str(len(header)),
            }
        else:
            body, headers = header, {"Content-Type": "application/json"}
        reply = self._send("POST", f"{self._model}/infer", content=body, headers=headers)
        return in_order(self._tensors(reply), outputs)

    def _tensors(self, reply: httpx.Response) -> dict[str, np.ndarray]:
        """By name. The bytes follow the JSON, in the order of the tensors that have a size."""
        tensors = {}
        with _as_published():
            length = int(reply.headers.get(HEADER_LENGTH, len(reply.content)))
            rest = reply.content[length:]
            for one in self._json(reply, length)["outputs"]:
                size = one.get("parameters", {}).get("binary_data_size")
                if size is None:
                    values = np.array(one["data"], dtype_of(one["datatype"])).ravel()
                else:
                    values, rest = np.frombuffer(rest[:size], np.uint8), rest[size:]
                tensors[one["name"]] = from_values(values, one["datatype"], one["shape"])
        return tensors

    def _send(self, method: str, path: str, **what: Any) -> httpx.Response:
        try:
            reply = self._client.request(method, path, **what)
        except httpx.TransportError as error:
            raise ModelServerAway(self._address, str(error) or type(error).__name__) from error
        if reply.status_code in _AWAY:
            raise ModelServerAway(self._address, f"HTTP {reply.status_code}")
        if reply.status_code != httpx.codes.OK:
            raise InferenceRefused(self._address, f"HTTP {reply.status_code} {reply.text}")
        return reply

    @staticmethod
    def _json(reply: httpx.Response, length: int | None = None) -> dict[str, Any]:
        try:
            told = json.loads(reply.content[:length])
        except ValueError as error:
            raise ProtocolBroken("no JSON", "a JSON object") from error
        if not isinstance(told, dict):
            raise ProtocolBroken(f"a JSON {type(told).__name__}", "a JSON object")
        return told


def _input(tensor: np.ndarray, into: TensorMetadata, *, binary: bool) -> dict[str, Any]:
    """tensor: of the datatype already."""
    told = {"name": into.name, "datatype": into.datatype, "shape": list(tensor.shape)}
    if binary:
        return {**told, "parameters": {"binary_data_size": tensor.nbytes}}
    return {**told, "data": tensor.ravel().tolist()}


def _wanted(output: TensorMetadata, *, binary: bool) -> dict[str, Any]:
    return {"name": output.name} | ({"parameters": {"binary_data": True}} if binary else {})


def _metadata(tensors: list[dict[str, Any]]) -> tuple[TensorMetadata, ...]:
    return tuple(TensorMetadata(t["name"], t["datatype"], tuple(t["shape"])) for t in tensors)


@contextmanager
def _as_published() -> Iterator[None]:
    """Raises ProtocolBroken where what is read of an answer is not there, or of another kind."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ProtocolBroken(
            f"what cannot be read ({type(error).__name__}: {error})", "the published schema"
        ) from error
