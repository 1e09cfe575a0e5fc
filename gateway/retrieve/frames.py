"""Frames of one instance (PS3.18 10.4.1.1.6)."""

import re
from collections.abc import Iterator, Sequence
from functools import partial

from gateway.ahead import ahead
from gateway.retrieve.answers import Answer, multipart, whole
from gateway.retrieve.codec_processes import PROCESSES
from gateway.retrieve.codecs import encodable
from gateway.retrieve.decoding import converted_frame
from gateway.retrieve.errors import InvalidFrameList, NoSuchFrame, UnusablePixelData
from gateway.retrieve.forms import Form, frame_form, frames_offered
from gateway.retrieve.located import Scope, locate_one
from gateway.retrieve.pixels import StoredPixels
from gateway.retrieve.retrieval import Retrieval
from gateway.web_errors import NotAcceptable
from standards.dicomweb import Part
from standards.media_types import MediaType

_FRAME_LIST = re.compile(r"[0-9]{1,9}(?:,[0-9]{1,9})*")


def frames(
    house: Retrieval, scope: Scope, frame_list: str, accepted: Sequence[MediaType]
) -> Answer:
    """Frames in the order asked for.

    frame_list:  numbers from 1, with commas between.
    Raises InvalidFrameList, NoSuchResource, NoSuchFrame, NoPixelData, UnusablePixelData,
    NotAcceptable, NotDecodable, NotEncodable.
    """
    if not _FRAME_LIST.fullmatch(frame_list):
        raise InvalidFrameList(frame_list)
    numbers = [int(number) for number in frame_list.split(",")]
    instance = locate_one(house.database, scope)
    pixels = house.pixels(instance)
    for number in numbers:
        if not 1 <= number <= pixels.number_of_frames:
            raise NoSuchFrame(number, pixels.number_of_frames)
    if pixels.is_film:
        raise UnusablePixelData("a film cannot be cut into frames; ask for its pixeldata")
    form = form_of_frames(pixels, accepted, single_part=len(numbers) == 1)
    given = given_frames(pixels, numbers, form)
    first = next(given)  # before the answer begins, so that what fails still has a status
    if not form.multipart:
        return Answer(form.content_type, first, [instance])
    part = Part(form.content_type, [first])
    if len(numbers) == 1:
        return whole(form.media_type, part, [instance], form.transfer_syntax_uid)
    return multipart(
        form.media_type, _parts(part, given, form), [instance], form.transfer_syntax_uid
    )


def form_of_frames(
    pixels: StoredPixels, accepted: Sequence[MediaType], *, single_part: bool
) -> Form:
    """Raises NotAcceptable, which tells what is possible."""
    stored = pixels.frame_syntax
    possible = encodable(pixels.dataset, pixels.keyword)
    form = frame_form(accepted, stored, single_part=single_part, encodable=possible)
    if form is None:
        raise NotAcceptable(f"frames stored in {stored}", frames_offered(stored, possible))
    return form


def given_frames(pixels: StoredPixels, numbers: Sequence[int], form: Form) -> Iterator[bytes]:
    """Frames in this form, a few being converted at a time.

    Raises UnusablePixelData, NotDecodable, NotEncodable.
    """
    if form.stored:
        return (pixels.stored(number) for number in numbers)
    give = partial(_converted, pixels, transfer_syntax_uid=form.transfer_syntax_uid)
    if len(numbers) == 1:
        return iter([give(numbers[0])])
    return ahead((partial(give, number) for number in numbers), PROCESSES, PROCESSES + 1)


def _converted(pixels: StoredPixels, number: int, transfer_syntax_uid: str) -> bytes:
    return converted_frame(pixels.image(number), transfer_syntax_uid).frame


def _parts(first: Part, others: Iterator[bytes], form: Form) -> Iterator[Part]:
    yield first
    for frame in others:
        yield Part(form.content_type, [frame])
