"""What WADO-RS gives: instances, frames and bulk data, each in the form the client accepts."""

import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, islice

from adapters.archive import Archive
from gateway.ahead import ahead
from gateway.retrieve.bulk_data import bulk_value, path_of
from gateway.retrieve.cache import PixelCache
from gateway.retrieve.errors import InvalidFrameList, NoSuchFrame, NotDecodable
from gateway.retrieve.forms import DICOM, OCTET_STREAM, Form, frame_form, frames_offered
from gateway.retrieve.forms import instance_form as form_of_instance
from gateway.retrieve.located import Located, Scope, locate, locate_one
from gateway.retrieve.pixels import StoredPixels
from gateway.retrieve.transcoding import explicit_little_endian
from gateway.store.database import Database
from gateway.web_errors import NotAcceptable
from standards.dicomweb import MultipartWriter, Part
from standards.media_types import MediaType
from standards.part10 import PIXEL_DATA

log = logging.getLogger(__name__)

AHEAD = 3  # instances of a study or series being read while one is sent
READ_AT_ONCE = 16 << 20  # bytes; larger files are streamed, and never held whole

_FRAME_LIST = re.compile(r"[0-9]{1,9}(?:,[0-9]{1,9})*")


@dataclass(frozen=True)
class Answer:
    """A body in pieces, and its Content-Type. A single piece is given as bytes."""

    content_type: str
    body: Iterable[bytes] | bytes


@dataclass(frozen=True)
class Retrieval:
    """The read side of one gateway: its index, its archive, and what was read a moment ago."""

    database: Database
    archive: Archive
    cache: PixelCache = field(default_factory=PixelCache)

    def instances(self, scope: Scope, accepted: Sequence[MediaType], root: str) -> Answer:
        """Part 10 files of a study, series or instance (PS3.18 10.4.1.1.1).

        root:  what gateway.public_url.public_root gives, for Content-Location.
        Raises NoSuchResource, NotAcceptable, and for a single instance NotDecodable.
        """
        located = locate(self.database, scope)
        single = scope.instance is not None
        forms = [
            form_of_instance(accepted, each.transfer_syntax_uid, single_part=single)
            for each in located
        ]
        if None in forms:
            stored = located[forms.index(None)].transfer_syntax_uid
            raise NotAcceptable(f"instances stored in {stored}", _instances_offered(single))
        chosen = [(each, form) for each, form in zip(located, forms, strict=True) if form]
        if not single:
            jobs = [partial(self._part, each, form, root) for each, form in chosen]
            return _multipart(DICOM, ahead(jobs, AHEAD, AHEAD + 1))
        ((instance, form),) = chosen
        content = self._content(instance, form)
        if not form.multipart:
            return Answer(form.content_type, _begun(content))
        return _multipart(DICOM, [Part(form.content_type, content, instance.url(root))])

    def frames(self, scope: Scope, frame_list: str, accepted: Sequence[MediaType]) -> Answer:
        """Frames of one instance in the order asked for (PS3.18 10.4.1.1.6).

        frame_list:  numbers from 1, with commas between.
        Raises InvalidFrameList, NoSuchResource, NoSuchFrame, NoPixelData, NotAcceptable.
        """
        if not _FRAME_LIST.fullmatch(frame_list):
            raise InvalidFrameList(frame_list)
        numbers = [int(number) for number in frame_list.split(",")]
        pixels = self.pixels(locate_one(self.database, scope))
        for number in numbers:
            if not 1 <= number <= pixels.number_of_frames:
                raise NoSuchFrame(number, pixels.number_of_frames)
        form = _frame_form(pixels, accepted, single_part=len(numbers) == 1)
        return _frames(pixels, numbers, form)

    def bulk_data(self, scope: Scope, path: str, accepted: Sequence[MediaType], url: str) -> Answer:
        """One value of an instance by its path in the metadata (PS3.18 10.4.1.1.5).

        Compressed pixel data come frame by frame, one part each; other values are one part.
        Raises NoBulkData, NoSuchResource, NotAcceptable.
        """
        steps = path_of(path)
        instance = locate_one(self.database, scope)
        if len(steps) == 1 and steps[0] in PIXEL_DATA:
            return self._pixel_data(instance, accepted, url)
        value = bulk_value(self.archive.read(instance.archive_key), steps)
        return _octets(value, accepted, url)

    def pixels(self, instance: Located) -> StoredPixels:
        """The frames of an instance; those of multi-frame ones stay in memory for a while.

        Raises NoPixelData, UnusablePixelData.
        """
        held = self.cache.get(instance.archive_key)
        if held is not None:
            return held
        content = self.archive.read(instance.archive_key)
        pixels = StoredPixels(content, instance.sop_instance_uid)
        if pixels.number_of_frames > 1:
            self.cache.put(instance.archive_key, pixels)
        return pixels

    def _pixel_data(self, instance: Located, accepted: Sequence[MediaType], url: str) -> Answer:
        pixels = self.pixels(instance)
        if not pixels.is_encapsulated:
            return _octets(pixels.pixel_value(), accepted, url)
        form = _frame_form(pixels, accepted, single_part=pixels.number_of_frames == 1)
        return _frames(pixels, range(1, pixels.number_of_frames + 1), form)

    def _content(self, instance: Located, form: Form) -> Iterable[bytes]:
        if form.stored and instance.size > READ_AT_ONCE:
            return self.archive.stream(instance.archive_key)
        content = self.archive.read(instance.archive_key)
        if form.stored:
            return [content]
        return [explicit_little_endian(content, instance.transfer_syntax_uid)]

    def _part(self, instance: Located, form: Form, root: str) -> Part:
        """One part of many. What cannot be decoded is given as stored, and says so.

        By then the status is sent, and an answer that breaks off would lose the others too.
        """
        url = instance.url(root)
        try:
            return Part(form.content_type, self._content(instance, form), url)
        except NotDecodable:
            log.warning(
                "instance given as stored, not decodable",
                extra={
                    "sop_instance_uid": instance.sop_instance_uid,
                    "transfer_syntax_uid": instance.transfer_syntax_uid,
                },
            )
            stored = f"{DICOM}; transfer-syntax={instance.transfer_syntax_uid}"
            return Part(stored, self.archive.stream(instance.archive_key), url)


def _frame_form(pixels: StoredPixels, accepted: Sequence[MediaType], *, single_part: bool) -> Form:
    stored = pixels.frame_syntax
    form = frame_form(accepted, stored, single_part=single_part)
    if form is None:
        raise NotAcceptable(f"frames stored in {stored}", frames_offered(stored))
    return form


def _frames(pixels: StoredPixels, numbers: Sequence[int], form: Form) -> Answer:
    give = pixels.stored if form.stored else pixels.uncompressed
    first = give(numbers[0])  # before the answer begins, so that what fails still has a status
    if not form.multipart:
        return Answer(form.content_type, first)
    if len(numbers) == 1:
        part = Part(form.content_type, [first])
        return _whole(form.media_type, part, form.transfer_syntax_uid)

    def parts() -> Iterator[Part]:
        yield Part(form.content_type, [first])
        for number in numbers[1:]:
            yield Part(form.content_type, [give(number)])

    return _multipart(form.media_type, parts(), form.transfer_syntax_uid)


def _octets(value: bytes, accepted: Sequence[MediaType], url: str) -> Answer:
    for media_type in accepted:
        if not media_type.covers(OCTET_STREAM):
            continue
        if media_type.is_multipart or media_type.name == "*/*":
            return _whole(OCTET_STREAM, Part(OCTET_STREAM, [value], url))
        return Answer(OCTET_STREAM, value)
    raise NotAcceptable("bulk data", OCTET_STREAM)


def _multipart(root: str, parts: Iterable[Part], transfer_syntax: str | None = None) -> Answer:
    writer = MultipartWriter(root, transfer_syntax)
    return Answer(writer.content_type, _begun(writer.body(parts)))


def _whole(root: str, part: Part, transfer_syntax: str | None = None) -> Answer:
    """A multipart of one part, in one piece: the usual answer to a viewer, and the fastest."""
    writer = MultipartWriter(root, transfer_syntax)
    return Answer(writer.content_type, b"".join(writer.body([part])))


def _begun(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same pieces with the first already read, so that what fails there has a status."""
    body = iter(pieces)
    beginning = list(islice(body, 2))  # the head of a part, and the start of its content
    return chain(beginning, body)


def _instances_offered(single: bool) -> str:
    offers = [f'multipart/related; type="{DICOM}"; transfer-syntax=*']
    return ", ".join([*offers, f"{DICOM}; transfer-syntax=*"] if single else offers)
