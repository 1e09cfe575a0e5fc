"""Compressed pixel data decoded in processes of their own.

The decoders are native code that meets bytes from anywhere: GDCM was seen to abort its whole
process on an odd image. Here that costs one answer and not the server, and a decoder, which holds
the interpreter lock, does not hold up the other requests.
"""

import multiprocessing
import os
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from io import BytesIO
from typing import TypeVar

import numpy as np
from pydicom import Dataset, dcmread, dcmwrite
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import ExplicitVRLittleEndian

from gateway.retrieve.errors import NotDecodable

PROCESSES = 2
T = TypeVar("T")

LONGEST_SECONDS = 120.0  # for one frame or instance; then the process is taken for stuck


def decoded_frame(image: Dataset, *, raw: bool) -> np.ndarray:
    """The only frame of an image, compressed in the transfer syntax that its file meta tells.

    raw:  YBR stays YBR. Raises NotDecodable.
    """
    return _decoders.run(_decode, image.file_meta.TransferSyntaxUID, image, raw)


def decompressed_file(content: bytes, transfer_syntax_uid: str) -> bytes:
    """A Part 10 file with its pixel data decompressed. Raises NotDecodable."""
    return _decoders.run(_decompress, transfer_syntax_uid, content)


def _decode(image: Dataset, raw: bool) -> np.ndarray:
    decoder = get_decoder(image.file_meta.TransferSyntaxUID)
    frame, _ = decoder.as_array(image, index=0, raw=raw)
    return frame


def _decompress(content: bytes) -> bytes:
    dataset = dcmread(BytesIO(content), force=True)
    if "PixelData" in dataset:
        dataset.decompress(as_rgb=True, generate_instance_uid=False)
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    written = BytesIO()
    dcmwrite(written, dataset, implicit_vr=False, little_endian=True)
    return written.getvalue()


class _Decoders:
    """The processes, started at the first need and anew after one has died."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None

    def run(self, function: Callable[..., T], transfer_syntax_uid: str, *arguments: object) -> T:
        pool = self._started()
        try:
            return pool.submit(function, *arguments).result(LONGEST_SECONDS)
        except BrokenProcessPool as error:
            self._give_up(pool)
            raise NotDecodable(transfer_syntax_uid, "the decoder crashed on them") from error
        except TimeoutError as error:
            self._give_up(pool)
            raise NotDecodable(transfer_syntax_uid, "the decoder did not end") from error
        except Exception as error:  # decoders of five packages, each with errors of its own
            raise NotDecodable(transfer_syntax_uid, f"{type(error).__name__}: {error}") from error

    def _started(self) -> ProcessPoolExecutor:
        with self._lock:
            if self._pool is None:
                context = multiprocessing.get_context("spawn")  # a fork would copy held locks
                self._pool = ProcessPoolExecutor(PROCESSES, context, _end_with_parent)
            return self._pool

    def _give_up(self, pool: ProcessPoolExecutor) -> None:
        with self._lock:
            if self._pool is pool:
                self._pool = None
        for process in list((getattr(pool, "_processes", None) or {}).values()):
            process.kill()  # a stuck decoder ends no other way
        pool.shutdown(wait=False, cancel_futures=True)


def _end_with_parent() -> None:
    """Run in each process: a server that is killed leaves no decoder behind."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=lambda: (parent.join(), os._exit(0)), daemon=True).start()


_decoders = _Decoders()
