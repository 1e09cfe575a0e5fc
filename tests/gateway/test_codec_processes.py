"""Codecs run outside the server: what crashes, hangs or grows there costs one answer."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from gateway.retrieve import codec_processes
from gateway.retrieve.codec_processes import CodecFailed, CodecProcesses, codecs
from gateway.retrieve.decoding import converted_frame, decoded_frame
from gateway.retrieve.errors import NotDecodable, NotEncodable
from gateway.retrieve.pixels import StoredPixels
from tests.gateway.retrieve_example import FILES, PIXELS


def test_a_decoder_that_crashes_costs_one_answer_and_not_the_server():
    with pytest.raises(CodecFailed, match="crashed"):
        codecs.run(os.abort)

    np.testing.assert_array_equal(StoredPixels(FILES["rle"], "1").array(1), PIXELS[0])


def test_others_go_on_while_one_crashes():
    processes = CodecProcesses(3)
    with ThreadPoolExecutor(3) as threads:
        crashes = [threads.submit(processes.run, os.abort) for _ in range(4)]
        sums = list(threads.map(lambda n: processes.run(sum, range(n)), range(50)))

    assert sums == [sum(range(n)) for n in range(50)]
    assert all(isinstance(crash.exception(), CodecFailed) for crash in crashes)


def test_a_codec_that_does_not_end_is_ended(monkeypatch):
    processes = CodecProcesses(1)
    stuck = processes.run(os.getpid)

    monkeypatch.setattr(codec_processes, "LONGEST_SECONDS", 0.1)
    with pytest.raises(CodecFailed, match="did not end"):
        processes.run(time.sleep, 600)
    monkeypatch.undo()
    assert processes.run(os.getpid) != stuck
    with pytest.raises(ProcessLookupError):
        os.kill(stuck, 0)


def test_a_bomb_of_a_code_stream_does_not_take_all_memory():
    with pytest.raises(CodecFailed, match="MemoryError"):
        codecs.run(np.ones, 1 << 30)  # 8 GiB


def test_no_more_processes_than_allowed_answer_at_a_time():
    processes = CodecProcesses(2)
    barrier = threading.Barrier(6)

    def ask(_: int) -> int:
        barrier.wait()
        processes.run(time.sleep, 0.1)
        return processes.run(os.getpid)

    with ThreadPoolExecutor(6) as threads:
        assert len(set(threads.map(ask, range(6)))) <= 2


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.203"])
def test_garbage_is_told_as_such(syntax):
    image = StoredPixels(FILES["rle"], "1").image(1)
    image.file_meta.TransferSyntaxUID = syntax

    with pytest.raises(NotDecodable, match=syntax):
        decoded_frame(image, raw=True)
    with pytest.raises(NotDecodable, match=syntax):
        converted_frame(image, "1.2.840.10008.1.2.1")
    with pytest.raises(NotEncodable, match=r"4\.90"):
        converted_frame(image, "1.2.840.10008.1.2.4.90")
