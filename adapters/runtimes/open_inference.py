"""The Open Inference Protocol, version 2: what its two transports, HTTP and gRPC, have in common.

https://github.com/kserve/open-inference-protocol
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

# Tensor Data Types of the protocol that numpy has; little endian where they go as bytes.
DATATYPES: dict[str, np.dtype] = {
    "BOOL": np.dtype("?"),
    "UINT8": np.dtype("u1"),
    "UINT16": np.dtype("<u2"),
    "UINT32": np.dtype("<u4"),
    "UINT64": np.dtype("<u8"),
    "INT8": np.dtype("i1"),
    "INT16": np.dtype("<i2"),
    "INT32": np.dtype("<i4"),
    "INT64": np.dtype("<i8"),
    "FP16": np.dtype("<f2"),
    "FP32": np.dtype("<f4"),
    "FP64": np.dtype("<f8"),
}
MESSAGE_CHARACTERS = 300  # as much of what a server says as an error may hold


@dataclass(frozen=True)
class TensorMetadata:
    """shape: -1 for any."""

    name: str
    datatype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class ModelMetadata:
    inputs: tuple[TensorMetadata, ...]
    outputs: tuple[TensorMetadata, ...]


class InferenceRefused(Exception):
    """The server is there, but will not do what was asked."""

    def __init__(self, address: str, told: str) -> None:
        self.address, self.told = address, told[:MESSAGE_CHARACTERS]
        super().__init__(
            f"the inference server {address} refuses: {self.told}; expected a model of the name "
            "and version in [runtime] that takes what the card prepares"
        )


class ProtocolBroken(Exception):
    """The server answered what the protocol does not have."""

    def __init__(self, found: str, expected: str) -> None:
        self.found, self.expected = found, expected
        super().__init__(f"the inference server answered {found}; expected {expected}")


class InferenceServer(Protocol):
    """One model on a server.

    All methods raise ModelServerAway, InferenceRefused and ProtocolBroken.
    """

    def metadata(self) -> ModelMetadata: ...

    def check_ready(self) -> None:
        """Raises ModelServerAway while the model is not ready."""

    def infer(
        self,
        inputs: Sequence[tuple[TensorMetadata, np.ndarray]],
        outputs: Sequence[TensorMetadata],
    ) -> list[np.ndarray]:
        """What the model answers to these tensors, in the order of the outputs asked for."""
        ...


def dtype_of(datatype: str) -> np.dtype:
    """Raises ProtocolBroken."""
    if datatype not in DATATYPES:
        raise ProtocolBroken(f"tensors of {datatype}", f"one of {', '.join(DATATYPES)}")
    return DATATYPES[datatype]


def from_values(values: np.ndarray, datatype: str, shape: Sequence[int]) -> np.ndarray:
    """values: of that type, or their bytes as uint8.

    Raises ProtocolBroken where they are not as many as the shape needs.
    """
    dtype = dtype_of(datatype)
    if values.nbytes != dtype.itemsize * int(np.prod(shape, dtype=np.int64)):
        raise ProtocolBroken(
            f"{values.nbytes} bytes of {datatype} in shape {list(shape)}", "as many as fill it"
        )
    return values.view(dtype).reshape(shape).copy()  # writable, as torch wants its tensors


def in_order(
    tensors: Mapping[str, np.ndarray], outputs: Sequence[TensorMetadata]
) -> list[np.ndarray]:
    """The tensors that were asked for. Raises ProtocolBroken where one is missing."""
    if missing := [one.name for one in outputs if one.name not in tensors]:
        raise ProtocolBroken(f"no tensor {', '.join(missing)}", "each output that it names")
    return [tensors[one.name] for one in outputs]
