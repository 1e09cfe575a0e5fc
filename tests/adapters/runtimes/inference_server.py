"""A server of the Open Inference Protocol that truly computes: `networks.Bright` behind HTTP, or
a difference of two tensors, with a box that is always the same.

It holds each request and each answer of its own against the published schema
(open_inference_rest.yaml of kserve/open-inference-protocol).
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import numpy as np
import torch
from jsonschema import validate

from tests.adapters.runtimes.networks import Bright

HEADER_LENGTH = "Inference-Header-Content-Length"
BOX = {
    "scores": np.array([[0.9]], np.float32),
    "boxes": np.array([[[8, 10, 16, 12, 20, 30]]], np.float32),
    "labels": np.zeros((1, 1), np.float32),
}
_TYPES = {"FP32": "<f4", "INT16": "<i2"}
_NAMED = {"name": {"type": "string"}, "parameters": {"type": "object"}}
_TENSOR = {
    "type": "object",
    "properties": _NAMED
    | {
        "datatype": {"type": "string"},
        "shape": {"type": "array", "items": {"type": "integer"}},
        "data": {"type": "array"},
    },
    "required": ["name", "shape", "datatype"],
    # `data`, or its size where the extension for binary tensors is used
    "anyOf": [
        {"required": ["data"]},
        {
            "required": ["parameters"],
            "properties": {"parameters": {"required": ["binary_data_size"]}},
        },
    ],
}
REQUEST = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "inputs": {"type": "array", "items": _TENSOR},
        "outputs": {
            "type": "array",
            "items": {"type": "object", "properties": _NAMED, "required": ["name"]},
        },
    },
    "required": ["inputs"],
    "additionalProperties": False,
}
RESPONSE = {
    "type": "object",
    "properties": {
        "model_name": {"type": "string"},
        "outputs": {"type": "array", "items": _TENSOR},
    },
    "required": ["model_name", "outputs"],
}


@dataclass
class Behaviour:
    """How the server is to behave; tests change it while it runs.

    binary: whether it has the extension. status: of the answer to an inference.
    """

    binary: bool = True
    ready: bool = True
    status: int = 200
    input_type: str = "FP32"
    input_names: tuple[str, ...] = ("x",)
    input_shape: tuple[int, ...] = (-1, 1, -1, -1, -1)
    output_shape: tuple[int, ...] = (-1, 2, -1, -1, -1)
    # of the inferences asked for: in which form, or that the server was too busy
    forms: list[str] = field(default_factory=list)
    asked_for: list[list[str]] = field(default_factory=list)  # outputs, of each inference

    @classmethod
    def of_two_tensors(cls, *, binary: bool) -> "Behaviour":
        return cls(binary=binary, input_names=("subtrahend", "minuend"))

    def answer(self, inputs: Mapping[str, np.ndarray], wanted: list[str]) -> dict[str, np.ndarray]:
        """The outputs that are wanted, in an order of their own."""
        self.asked_for.append(wanted)
        given = {name: torch.tensor(one.astype(np.float32)) for name, one in inputs.items()}
        if "minuend" not in given:
            with torch.inference_mode():
                return {"y": Bright()(given["x"]).numpy()}
        every = BOX | {"y": (given["minuend"] - given["subtrahend"]).numpy()}
        return {name: one for name, one in every.items() if name in wanted}

    @property
    def metadata(self) -> dict[str, Any]:
        return {
            "name": "bright",
            "versions": ["1"],
            "platform": "pytorch_libtorch",
            "inputs": [
                {"name": name, "datatype": self.input_type, "shape": list(self.input_shape)}
                for name in self.input_names
            ],
            "outputs": [
                {"name": name, "datatype": "FP32", "shape": list(shape)}
                for name, shape in self._outputs.items()
            ],
        }

    @property
    def _outputs(self) -> dict[str, tuple[int, ...]]:
        if self.input_names == ("x",):
            return {"y": self.output_shape}
        return {name: (-1, *one.shape[1:]) for name, one in BOX.items()} | {"y": self.input_shape}


@contextmanager
def inference_server(behaviour: Behaviour) -> Iterator[str]:
    """Its address, while it runs."""

    class Handler(_Handler):
        asked = behaviour

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    asked: Behaviour

    def log_message(self, format: str, *args: Any) -> None:
        """Not on the terminal of the tests."""

    def do_GET(self) -> None:
        extensions = ["binary_tensor_data"] if self.asked.binary else []
        known = {
            "/v2": {"name": "double", "version": "2", "extensions": extensions},
            "/v2/models/bright": self.asked.metadata,
            "/v2/models/bright/ready": {},
        }
        if self.path not in known:
            self._answer(404, {"error": "unknown model"})
        elif self.path.endswith("/ready") and not self.asked.ready:
            self._answer(400, {"error": "model is not ready"})
        else:
            self._answer(200, known[self.path])

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        length = int(self.headers.get(HEADER_LENGTH, len(body)))
        request = json.loads(body[:length])
        validate(request, REQUEST)
        if self.asked.status != 200:
            self.asked.forms.append("busy")
            self._answer(self.asked.status, {"error": "no more memory"})
            return
        binary, rest, inputs = "data" not in request["inputs"][0], body[length:], {}
        for told in request["inputs"]:
            if binary:
                size = told["parameters"]["binary_data_size"]
                values, rest = np.frombuffer(rest[:size], _TYPES[told["datatype"]]), rest[size:]
            else:
                values = np.array(told["data"])
            inputs[told["name"]] = values.reshape(told["shape"])
        self.asked.forms.append("binary" if binary else "json")
        wanted = [one["name"] for one in request["outputs"]]
        self._tensors(self.asked.answer(inputs, wanted), binary=binary)

    def _tensors(self, answers: Mapping[str, np.ndarray], *, binary: bool) -> None:
        tensors: list[dict[str, Any]] = []
        for name, one in answers.items():
            content = (
                {"parameters": {"binary_data_size": one.nbytes}}
                if binary
                else {"data": one.ravel().tolist()}
            )
            told = {"name": name, "datatype": "FP32", "shape": list(one.shape)}
            tensors.append(told | content)
        response = {"model_name": "bright", "outputs": tensors}
        validate(response, RESPONSE)
        contents = b"".join(one.tobytes() for one in answers.values())
        self._answer(200, response, contents if binary else b"")

    def _answer(self, status: int, told: dict[str, Any], rest: bytes = b"") -> None:
        header = json.dumps(told).encode()
        self.send_response(status)
        if rest:
            self.send_header(HEADER_LENGTH, str(len(header)))
        self.send_header("Content-Length", str(len(header) + len(rest)))
        self.end_headers()
        self.wfile.write(header + rest)
