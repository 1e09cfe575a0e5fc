"""Bulk data and pixel data resources: one value, or all of a study, series or instance.

PS3.18 10.4.1.1.5 and 10.4.1.1.6; payloads 10.4.3.3.5 and 10.4.3.3.6: each part of a multipart body
carries in Content-Location the URI that the metadata have for its value.
"""

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain

from pydicom.uid import ExplicitVRLittleEndian
from sqlalchemy import bindparam, select

from gateway.ahead import ahead
from gateway.retrieve.answers import Answer, multipart, with_beginning
from gateway.retrieve.bulk_data import bulk_value, path_of
from gateway.retrieve.errors import (
    NoBulkData,
    NoPixelData,
    NotDecodable,
    NotEncodable,
    UnusablePixelData,
)
from gateway.retrieve.forms import OCTET_STREAM, Form, is_multipart
from gateway.retrieve.frames import form_of_frames, given_frames
from gateway.retrieve.located import Located, Scope, locate, locate_one
from gateway.retrieve.pixels import StoredPixels
from gateway.retrieve.retrieval import Retrieval
from gateway.store.tables import InstanceRow
from gateway.web_errors import NotAcceptable
from standards.dicom_json import BULK_DATA
from standards.dicomweb import Part
from standards.media_types import MediaType
from standards.part10 import PIXEL_DATA, read_header

log = logging.getLogger(__name__)

AHEAD = 2  # instances being read while one is sent
_HEADERS_AT_ONCE = 100
_HEADERS = select(InstanceRow.sop_instance_uid, InstanceRow.header).where(
    InstanceRow.sop_instance_uid.in_(bindparam("uids", expanding=True))
)
_LINK = re.compile(rf'"{BULK_DATA}([0-9A-F/]+)"'.encode())
_PIXEL_PATHS = frozenset(f"{tag:08X}" for tag in PIXEL_DATA)
_AS_STORED = (MediaType("multipart/related", {"type": "*/*", "transfer-syntax": "*"}),)
_NOT_SO = (NotDecodable, NotEncodable, NotAcceptable)


def bulk_data(
    house: Retrieval, scope: Scope, path: str, accepted: Sequence[MediaType], root: str
) -> Answer:
    """One value of an instance by its path in the metadata.

    root:  what gateway.public_url.public_root gives, for Content-Location.
    Raises NoBulkData, NoSuchResource, NotAcceptable, and for pixel data what frames raise.
    """
    path = path.upper()
    steps = path_of(path)
    instance = locate_one(house.database, scope)
    if path in _PIXEL_PATHS:
        return _pixels(house, instance, accepted, root)
    multipart_wanted = _octets(accepted)
    dataset = read_header(house.hold.of(instance).content).dataset
    value = bulk_value(dataset, steps)
    if not multipart_wanted:
        return Answer(OCTET_STREAM, value, [instance], len(value))
    part = Part(OCTET_STREAM, [value], _url(instance, path, root))
    return multipart(OCTET_STREAM, [part], [instance])


def pixel_data(house: Retrieval, scope: Scope, accepted: Sequence[MediaType], root: str) -> Answer:
    """The pixel data of every instance that has any, Icon Images apart.

    Raises NoSuchResource, NotAcceptable, and NoPixelData once the body is read.
    """
    if scope.instance is not None:
        return _pixels(house, locate_one(house.database, scope), accepted, root)
    return _everything(house, scope, accepted, root, _PIXEL_PATHS)


def all_bulk_data(
    house: Retrieval, scope: Scope, accepted: Sequence[MediaType], root: str
) -> Answer:
    """Every value for which the metadata have a BulkDataURI, in the order of the metadata.

    Raises NoSuchResource, NotAcceptable, and NoBulkData once the body is read.
    """
    return _everything(house, scope, accepted, root, None)


def _pixels(
    house: Retrieval, instance: Located, accepted: Sequence[MediaType], root: str
) -> Answer:
    """The pixel data of one instance: uncompressed one value, compressed a part for each frame."""
    pixels = house.pixels(instance)
    form = form_of_frames(pixels, _in_one_piece(pixels, accepted), single_part=True)
    if form.multipart:
        parts = _pixel_parts(pixels, form, _url(instance, pixels.path, root))
        return multipart(form.media_type, parts, [instance], form.transfer_syntax_uid)
    length = pixels.value_length if form.stored and not pixels.is_encapsulated else None
    return Answer(form.content_type, _value(pixels, form), [instance], length)


def _in_one_piece(pixels: StoredPixels, accepted: Sequence[MediaType]) -> list[MediaType]:
    """Without the single parts that would have to hold several code streams."""
    if pixels.number_of_frames == 1 or pixels.is_film:
        return list(accepted)
    uncompressed = (None, ExplicitVRLittleEndian, *([] if pixels.is_encapsulated else ["*"]))
    return [
        media_type
        for media_type in accepted
        if is_multipart(media_type)
        or (media_type.covers(OCTET_STREAM) and media_type.transfer_syntax in uncompressed)
    ]


def _pixel_parts(pixels: StoredPixels, form: Form, url: str) -> Iterator[Part]:
    if form.transfer_syntax_uid == ExplicitVRLittleEndian or pixels.is_film:
        yield Part(form.content_type, with_beginning(_value(pixels, form)), url)
        return
    for frame in given_frames(pixels, range(1, pixels.number_of_frames + 1), form):
        yield Part(form.content_type, [frame], url)


def _value(pixels: StoredPixels, form: Form) -> Iterator[bytes]:
    """All frames, one after another."""
    if form.stored and not pixels.is_encapsulated:
        return pixels.value()
    frames = 1 if pixels.is_film else pixels.number_of_frames
    return given_frames(pixels, range(1, frames + 1), form)


def _everything(
    house: Retrieval,
    scope: Scope,
    accepted: Sequence[MediaType],
    root: str,
    wanted: frozenset[str] | None,
) -> Answer:
    """wanted: the paths to be given, None for all of them."""
    located = locate(house.database, scope)
    acceptable = [media_type for media_type in accepted if is_multipart(media_type)]
    if not any(_holds_values(media_type) for media_type in acceptable):
        raise NotAcceptable("bulk data", f'multipart/related; type="{OCTET_STREAM}"')
    jobs = (
        partial(_parts_of, house, instance, paths, acceptable, root)
        for instance, paths in _paths(house, located, wanted)
    )
    found = chain.from_iterable(ahead(jobs, AHEAD, AHEAD + 1))
    nothing = NoPixelData(*scope.name) if wanted else NoBulkData(" ".join(scope.name))
    return multipart(OCTET_STREAM, _at_least_one(found, nothing), located)


def _holds_values(media_type: MediaType) -> bool:
    return media_type.covers(OCTET_STREAM) or media_type.root.startswith(("image/", "video/"))


def _at_least_one(parts: Iterator[Part], otherwise: Exception) -> Iterator[Part]:
    first = next(parts, None)
    if first is None:
        raise otherwise
    yield first
    yield from parts


def _paths(
    house: Retrieval, located: Sequence[Located], wanted: frozenset[str] | None
) -> Iterator[tuple[Located, list[str]]]:
    """The paths of each instance's bulk data, out of its header in the index."""
    for start in range(0, len(located), _HEADERS_AT_ONCE):
        batch = located[start : start + _HEADERS_AT_ONCE]
        uids = [each.sop_instance_uid for each in batch]
        with house.database.read() as session:
            headers = dict(session.execute(_HEADERS, {"uids": uids}).tuples().all())
        for each in batch:
            found = _LINK.findall(headers.get(each.sop_instance_uid, b""))
            paths = [path.decode("ascii") for path in found]
            paths = [path for path in paths if wanted is None or path in wanted]
            if paths:
                yield each, paths


def _parts_of(
    house: Retrieval,
    instance: Located,
    paths: Sequence[str],
    accepted: Sequence[MediaType],
    root: str,
) -> Iterator[Part]:
    """The values of one instance, which is read now."""
    dataset = read_header(house.hold.of(instance).content).dataset
    octets = any(media_type.covers(OCTET_STREAM) for media_type in accepted)

    def parts(path: str, url: str) -> Iterable[Part]:
        if path in _PIXEL_PATHS:
            return _acceptable_parts(house.hold.pixels(instance), accepted, url)
        return [Part(OCTET_STREAM, [bulk_value(dataset, path_of(path))], url)] if octets else []

    return chain.from_iterable(
        _or_left_out(parts, path, _url(instance, path, root)) for path in paths
    )


def _or_left_out(
    parts: Callable[[str, str], Iterable[Part]], path: str, url: str
) -> Iterable[Part]:
    """By then the status is sent, and an answer that breaks off would lose the others too."""
    try:
        return parts(path, url)
    except (NoBulkData, NoPixelData, UnusablePixelData) as error:
        log.warning("bulk data left out", extra={"url": url, "reason": str(error)})
        return []


def _acceptable_parts(
    pixels: StoredPixels, accepted: Sequence[MediaType], url: str
) -> Iterator[Part]:
    """What cannot be had as asked for is given as stored, and says so."""
    try:
        form = form_of_frames(pixels, accepted, single_part=False)
        return with_beginning(_pixel_parts(pixels, form, url))
    except _NOT_SO as error:
        log.warning("pixel data given as stored", extra={"url": url, "reason": str(error)})
        form = form_of_frames(pixels, _AS_STORED, single_part=False)
        return with_beginning(_pixel_parts(pixels, form, url))


def _octets(accepted: Sequence[MediaType]) -> bool:
    """Whether a value is to be given as multipart. Raises NotAcceptable."""
    for media_type in accepted:
        if media_type.covers(OCTET_STREAM):
            return is_multipart(media_type)
    raise NotAcceptable("bulk data", OCTET_STREAM)


def _url(instance: Located, path: str, root: str) -> str:
    return f"{instance.url(root)}/bulkdata/{path}"
