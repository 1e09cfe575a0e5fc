"""The Open Inference Protocol over gRPC. Needs the extra `kserve`."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import grpc
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
from adapters.runtimes.open_inference_messages import CONTENTS, MESSAGES, SERVICE
from ai_models.card.runtime import KServe

_ANY_SIZE = [
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
]
# RESOURCE_EXHAUSTED is not among them: gRPC says so of a message that is larger than the server
# takes, and it will be as large next time.
_AWAY = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED})


class GrpcInferenceServer:
    """An `InferenceServer`."""

    def __init__(self, runtime: KServe, timeout_seconds: float) -> None:
        self._address, self._timeout_seconds = runtime.url, timeout_seconds
        self._name, self._version = runtime.model, runtime.model_version
        place = urlsplit(runtime.url)
        if place.scheme == "grpcs":
            credentials = grpc.ssl_channel_credentials()
            self._channel = grpc.secure_channel(place.netloc, credentials, _ANY_SIZE)
        else:
            self._channel = grpc.insecure_channel(place.netloc, _ANY_SIZE)

    def metadata(self) -> ModelMetadata:
        told = self._call("ModelMetadata", name=self._name, version=self._version)
        return ModelMetadata(_metadata(told.inputs), _metadata(told.outputs))

    def check_ready(self) -> None:
        if not self._call("ModelReady", name=self._name, version=self._version).ready:
            raise ModelServerAway(self._address, "the model is not ready")

    def infer(
        self,
        inputs: Sequence[tuple[TensorMetadata, np.ndarray]],
        outputs: Sequence[TensorMetadata],
    ) -> list[np.ndarray]:
        reply = self._call(
            "ModelInfer",
            model_name=self._name,
            model_version=self._version,
            inputs=[
                {"name": into.name, "datatype": into.datatype, "shape": one.shape}
                for into, one in inputs
            ],
            outputs=[{"name": one.name} for one in outputs],
            raw_input_contents=[
                one.astype(dtype_of(into.datatype)).tobytes() for into, one in inputs
            ],
        )
        return in_order(_tensors(reply), outputs)

    def _call(self, method: str, **fields: Any) -> Any:
        """One call of the service; its request is named after it."""
        call = self._channel.unary_unary(
            f"/{SERVICE}/{method}",
            request_serializer=MESSAGES[f"{method}Request"].SerializeToString,
            response_deserializer=MESSAGES[f"{method}Response"].FromString,
        )
        try:
            return call(MESSAGES[f"{method}Request"](**fields), timeout=self._timeout_seconds)
        except grpc.RpcError as error:
            code, details = error.code(), error.details() or ""  # pyright: ignore (of grpc.Call)
            if code in _AWAY:
                raise ModelServerAway(self._address, f"{code.name} {details}") from error
            raise InferenceRefused(self._address, f"{code.name} {details}") from error


def _metadata(tensors: Sequence[Any]) -> tuple[TensorMetadata, ...]:
    return tuple(TensorMetadata(one.name, one.datatype, tuple(one.shape)) for one in tensors)


def _tensors(reply: Any) -> dict[str, np.ndarray]:
    """By name; raw, one after the other, or each with its contents. Raises ProtocolBroken."""
    raw = reply.raw_output_contents
    if raw and len(raw) != len(reply.outputs):
        raise ProtocolBroken(f"{len(raw)} raw contents", f"{len(reply.outputs)}, one an output")
    tensors = {}
    for place, one in enumerate(reply.outputs):
        if raw:
            values = np.frombuffer(raw[place], np.uint8)
        elif one.datatype in CONTENTS:
            contents = getattr(one.contents, CONTENTS[one.datatype])
            values = np.array(contents, dtype_of(one.datatype))
        else:
            raise ProtocolBroken(f"contents of {one.datatype}", f"one of {', '.join(CONTENTS)}")
        tensors[one.name] = from_values(values, one.datatype, one.shape)
    return tensors
