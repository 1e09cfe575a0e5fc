"""The frames of one stored instance, wherever its pixel data lie and however they are written."""

from io import BytesIO

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.encaps import encapsulate, encapsulate_extended
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from gateway.retrieve.errors import NoSuchFrame, UnusablePixelData
from gateway.retrieve.pixels import ENCAPSULATED_UNCOMPRESSED, StoredPixels
from tests.gateway.index_helper import written
from tests.gateway.retrieve_example import BITS, COLUMNS, FILES, PIXELS, ROWS, UIDS, image

EIGHT = {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7}


def test_frames_beyond_the_end_of_the_pixel_data_are_said_to_be_missing():
    """Ingest refuses such a file; one that came into the archive another way must not crash."""
    content = written(image("multi", 4, PixelData=PIXELS[:2].tobytes()))
    pixels = StoredPixels(content, UIDS["multi"])

    assert pixels.stored(2) == PIXELS[1].tobytes()
    with pytest.raises(UnusablePixelData, match="140 bytes, before the end of frame 3"):
        pixels.stored(3)
    with pytest.raises(NoSuchFrame, match="no frame 5; the instance has 4"):
        pixels.stored(5)


def test_code_streams_that_are_not_there_are_said_to_be_missing():
    content = dcmread(BytesIO(FILES["multi_rle"]))
    content.NumberOfFrames = 9
    pixels = StoredPixels(written(content, content.file_meta.TransferSyntaxUID), "1")

    assert pixels.stored(4) == StoredPixels(FILES["multi_rle"], "1").stored(4)
    with pytest.raises(UnusablePixelData, match="4 of 9 frames are there"):
        pixels.stored(5)


def test_pixel_data_that_contradict_their_transfer_syntax_are_not_given_a_wrong_name():
    raw = FILES["explicit"].replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.5\0")
    assert StoredPixels(raw, "1").frame_syntax == ExplicitVRLittleEndian

    compressed = FILES["rle"].replace(b"1.2.840.10008.1.2.5\0", b"1.2.840.10008.1.2.1\0")
    with pytest.raises(UnusablePixelData, match="compressed in a file"):
        StoredPixels(compressed, "1")


@pytest.mark.parametrize("name", ["multi", "multi_rle", "implicit", "rle", "jpegls", "planes_rle"])
def test_a_frame_is_read_where_it_is_said_to_lie(name):
    """Big-endian, deflated and single-bit frames must be made; all others lie there as given."""
    pixels = StoredPixels(FILES[name], "1")

    for number in range(1, pixels.number_of_frames + 1):
        spans = pixels.lies_at(number)
        assert spans
        found = b"".join(FILES[name][at : at + length] for at, length in spans)
        assert found == pixels.stored(number)


@pytest.mark.parametrize("name", ["big_endian", "deflated", "bits"])
def test_a_frame_that_must_be_made_lies_nowhere(name):
    assert StoredPixels(FILES[name], "1").lies_at(1) is None


@pytest.mark.parametrize("vr", ["OB", "OW"])
def test_big_endian_bytes_of_frames_with_odd_sizes_keep_their_order(vr):
    """Eight-bit pixels in big-endian words are swapped in pairs, across frames (PS3.5 7.3, 8.1)."""
    frames = np.arange(3 * ROWS * COLUMNS, dtype=np.uint8)
    value = frames.tobytes() + b"\0"
    swapped = np.frombuffer(value, ">u2").astype("<u2").tobytes() if vr == "OW" else value
    ds = image("multi", 3, PixelData=swapped, **EIGHT)
    ds["PixelData"].VR = vr
    pixels = StoredPixels(written(ds, ExplicitVRBigEndian), "1")

    found = [pixels.stored(number) for number in (1, 2, 3)]
    assert b"".join(found) == frames.tobytes()
    assert b"".join(pixels.value()) == value


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_the_whole_value_comes_in_pieces(syntax, monkeypatch):
    monkeypatch.setattr("gateway.retrieve.pixels._PIECE", 64)
    pixels = StoredPixels(written(image("multi", 4), syntax), "1")
    pieces = list(pixels.value())

    assert len(pieces) > 1
    assert b"".join(pieces) == PIXELS.tobytes()
    assert pixels.value_length == PIXELS.nbytes


def test_pixels_that_are_encapsulated_but_not_compressed_are_given_as_they_are():
    """Encapsulated Uncompressed Explicit VR Little Endian, PS3.5 A.4.11."""
    ds = image("multi", 4, PixelData=encapsulate([frame.tobytes() for frame in PIXELS]))
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    pixels = StoredPixels(written(ds, ENCAPSULATED_UNCOMPRESSED), "1")

    assert pixels.frame_syntax == ExplicitVRLittleEndian
    assert [pixels.stored(number) for number in (1, 4)] == [
        PIXELS[0].tobytes(),
        PIXELS[3].tobytes(),
    ]
    assert b"".join(pixels.value()) == PIXELS.tobytes()
    assert pixels.value_length == PIXELS.nbytes
    np.testing.assert_array_equal(pixels.array(2), PIXELS[1])


@pytest.mark.parametrize("fragments", [1, 3])
@pytest.mark.parametrize("table", ["basic", "none", "extended"])
def test_frames_are_found_with_and_without_offset_tables(table, fragments):
    streams = [StoredPixels(FILES["multi_rle"], "1").stored(number) for number in (1, 2, 3, 4)]
    ds = dcmread(BytesIO(FILES["multi_rle"]))
    if table == "extended":
        ds.PixelData, ds.ExtendedOffsetTable, ds.ExtendedOffsetTableLengths = encapsulate_extended(
            streams
        )
    else:
        has_table = table == "basic" or fragments > 1
        ds.PixelData = encapsulate(streams, fragments_per_frame=fragments, has_bot=has_table)
    content = written(ds, ds.file_meta.TransferSyntaxUID)

    pixels = StoredPixels(content, "1")
    assert [pixels.stored(number) for number in (1, 2, 3, 4)] == streams


def test_single_bits_are_decoded_frame_by_frame():
    pixels = StoredPixels(FILES["bits"], "1")

    for number, expected in enumerate(BITS, 1):
        np.testing.assert_array_equal(pixels.array(number), expected)
