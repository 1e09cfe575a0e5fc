"""The gRPC side of the double of an inference server: it computes as the one over HTTP does."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
import numpy as np

from adapters.runtimes.open_inference_messages import MESSAGES, SERVICE
from tests.adapters.runtimes.inference_server import Behaviour


@contextmanager
def grpc_inference_server(behaviour: Behaviour) -> Iterator[str]:
    """Its address, while it runs. behaviour.binary: raw contents in the answer."""
    server = grpc.server(ThreadPoolExecutor(2))
    calls = {
        name: grpc.unary_unary_rpc_method_handler(
            getattr(_Service(behaviour), name),
            request_deserializer=MESSAGES[f"{name}Request"].FromString,
            response_serializer=MESSAGES[f"{name}Response"].SerializeToString,
        )
        for name in ("ModelReady", "ModelMetadata", "ModelInfer")
    }
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE, calls)])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"grpc://127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


class _Service:
    def __init__(self, behaviour: Behaviour) -> None:
        self._asked = behaviour

    def ModelReady(self, _request: Any, _context: grpc.ServicerContext) -> Any:
        return MESSAGES["ModelReadyResponse"](ready=self._asked.ready)

    def ModelMetadata(self, request: Any, context: grpc.ServicerContext) -> Any:
        if request.name != "bright":
            context.abort(grpc.StatusCode.NOT_FOUND, "unknown model")
        return MESSAGES["ModelMetadataResponse"](**self._asked.metadata)

    def ModelInfer(self, request: Any, context: grpc.ServicerContext) -> Any:
        if self._asked.status == 503:
            context.abort(grpc.StatusCode.UNAVAILABLE, "no more memory")
        if self._asked.status != 200:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "no such tensor")
        inputs = {
            told.name: np.frombuffer(raw, "<f4").reshape(tuple(told.shape))
            for told, raw in zip(request.inputs, request.raw_input_contents, strict=True)
        }
        answers = self._asked.answer(inputs, [one.name for one in request.outputs])
        self._asked.forms.append("binary" if self._asked.binary else "json")
        outputs: list[dict[str, Any]] = [
            {"name": name, "datatype": "FP32", "shape": one.shape} for name, one in answers.items()
        ]
        contents = {}
        if self._asked.binary:
            contents["raw_output_contents"] = [one.tobytes() for one in answers.values()]
        else:
            for output, one in zip(outputs, answers.values(), strict=True):
                output["contents"] = {"fp32_contents": one.ravel()}
        return MESSAGES["ModelInferResponse"](model_name="bright", outputs=outputs, **contents)
