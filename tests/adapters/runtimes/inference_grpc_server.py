"""The gRPC side of the double of an inference server: it computes as the one over HTTP does."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
import numpy as np
import torch

from adapters.runtimes.open_inference_messages import MESSAGES, SERVICE
from tests.adapters.runtimes.inference_server import Behaviour
from tests.adapters.runtimes.networks import Bright


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
        (told,), (raw,) = request.inputs, request.raw_input_contents
        image = torch.tensor(np.frombuffer(raw, "<f4").reshape(tuple(told.shape)))
        with torch.inference_mode():
            answer = Bright()(image).numpy()
        self._asked.forms.append("binary" if self._asked.binary else "json")
        output: dict[str, Any] = {"name": "y", "datatype": "FP32", "shape": answer.shape}
        if self._asked.binary:
            contents = {"raw_output_contents": [answer.tobytes()]}
        else:
            contents, output["contents"] = {}, {"fp32_contents": answer.ravel()}
        return MESSAGES["ModelInferResponse"](model_name="bright", outputs=[output], **contents)
