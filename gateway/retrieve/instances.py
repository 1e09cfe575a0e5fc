"""Instances of a study, series or instance resource as Part 10 files (PS3.18 10.4.1.1.1)."""

import logging
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from gateway.retrieve.answers import Answer, multipart, with_beginning
from gateway.retrieve.codecs import ENCODABLE, encodable
from gateway.retrieve.disk_cache import LARGE
from gateway.retrieve.errors import (
    NoPixelData,
    NotDecodable,
    NotEncodable,
    UnusablePixelData,
)
from gateway.retrieve.forms import DICOM, Form, instance_form, instances_offered
from gateway.retrieve.located import Located, Scope, locate
from gateway.retrieve.retrieval import Retrieval
from gateway.retrieve.transcoding import transcoded
from gateway.web_errors import NotAcceptable
from standards.dicomweb import MultipartWriter, Part
from standards.elements import Buffer
from standards.media_types import MediaType

log = logging.getLogger(__name__)

THREADS = 3  # that read instances of a study or series while others are sent
AHEAD_BYTES = 8 << 20  # of what they may have read already
PIECE = 1 << 20  # bytes of a large file that are sent at a time
_NOT_THIS_ONE = (NotDecodable, NotEncodable, UnusablePixelData)


def instances(house: Retrieval, scope: Scope, accepted: Sequence[MediaType], root: str) -> Answer:
    """Every instance in the form that the client wants most.

    root:  what gateway.public_url.public_root gives, for Content-Location.
    Raises NoSuchResource, NotAcceptable; for a single instance, once its body is read,
    NotDecodable, NotEncodable, UnusablePixelData.
    """
    located = locate(house.database, scope)
    if scope.instance is not None:
        return _one(house, located[0], accepted, root)
    by_syntax = {syntax: instance_form(accepted, syntax) for syntax in _syntaxes(located)}
    chosen: list[tuple[Located, Form]] = []
    for each in located:
        form = by_syntax[each.transfer_syntax_uid]
        if form is None:
            raise _refusal(each, ENCODABLE)
        chosen.append((each, form))
    return _many(house, chosen, root)


def _syntaxes(located: Sequence[Located]) -> set[str]:
    return {each.transfer_syntax_uid for each in located}


def _many(house: Retrieval, chosen: Sequence[tuple[Located, Form]], root: str) -> Answer:
    """A multipart body; its length is known when every instance is given as it is stored."""
    writer = MultipartWriter(DICOM)
    length = None
    if all(form.stored for _, form in chosen):
        heads = (Part(form.content_type, (), each.url(root)) for each, form in chosen)
        length = sum(each.size for each, _ in chosen) + sum(map(len, writer.body(heads)))
    body = writer.body(_parts(house, chosen, root))
    located = [each for each, _ in chosen]
    return Answer(writer.content_type, body, located, content_length=length)


def _parts(house: Retrieval, chosen: Sequence[tuple[Located, Form]], root: str) -> Iterator[Part]:
    """In order. What is not at hand is read in threads, a few ahead of what is being sent."""
    keep = sum(each.size for each, _ in chosen) <= house.hold.most_at_once
    coming: deque[tuple[int, Future[Part]]] = deque()
    with ThreadPoolExecutor(THREADS, thread_name_prefix="instances") as threads:
        for each, form in chosen:
            held = house.hold.at_hand(each) if form.stored else None
            if held is None:
                read = threads.submit(_part, house, each, form, root, keep=keep)
                coming.append((each.size, read))
            while coming and (held or _is_enough(coming)):
                yield coming.popleft()[1].result()
            if held is not None:
                yield Part(form.content_type, _pieces(held.content), each.url(root))
        while coming:
            yield coming.popleft()[1].result()


def _is_enough(coming: Collection[tuple[int, Future[Part]]]) -> bool:
    return len(coming) > THREADS and sum(size for size, _ in coming) > AHEAD_BYTES


def _one(house: Retrieval, instance: Located, accepted: Sequence[MediaType], root: str) -> Answer:
    stored = instance.transfer_syntax_uid
    possible = _encodable(house, instance, accepted)
    form = instance_form(accepted, stored, single_part=True, encodable=possible)
    if form is None:
        raise _refusal(instance, possible, single_part=True)
    if form.multipart and form.stored:
        return _many(house, [(instance, form)], root)
    content = _content(house, instance, form)
    if form.multipart:
        return multipart(DICOM, [Part(form.content_type, content, instance.url(root))], [instance])
    if not form.stored:
        return Answer(form.content_type, content, [instance])
    return Answer(
        form.content_type,
        content,
        [instance],
        instance.size,
        lambda: house.hold.of(instance).content,
    )


def _encodable(house: Retrieval, instance: Located, accepted: Sequence[MediaType]) -> Sequence[str]:
    """What the instance can be put into; it is looked at only where somebody asks for that."""
    others = set(ENCODABLE) - {instance.transfer_syntax_uid}
    if not others & {media_type.transfer_syntax for media_type in accepted}:
        return ENCODABLE
    try:
        pixels = house.pixels(instance)
    except (NoPixelData, UnusablePixelData):
        return ()
    return encodable(pixels.dataset, pixels.keyword)


def _refusal(
    instance: Located, possible: Sequence[str], *, single_part: bool = False
) -> NotAcceptable:
    stored = instance.transfer_syntax_uid
    offered = instances_offered(stored, single_part=single_part, encodable=possible)
    return NotAcceptable(f"instances stored in {stored}", offered)


def _part(house: Retrieval, instance: Located, form: Form, root: str, *, keep: bool) -> Part:
    """One part of many. What cannot be converted is given as stored, and says so.

    By then the status is sent, and an answer that breaks off would lose the others too.
    """
    url = instance.url(root)
    try:
        content = _content(house, instance, form, keep=keep)
        small = instance.size < LARGE
        ready = list(content) if small else with_beginning(content)
        return Part(form.content_type, ready, url)
    except _NOT_THIS_ONE as error:
        log.warning(
            "instance given as stored, not converted",
            extra={
                "sop_instance_uid": instance.sop_instance_uid,
                "transfer_syntax_uid": instance.transfer_syntax_uid,
                "reason": str(error),
            },
        )
        syntax = instance.transfer_syntax_uid
        as_stored = Form(DICOM, syntax, stored=True, multipart=True)
        return Part(as_stored.content_type, _content(house, instance, as_stored), url)


def _content(
    house: Retrieval, instance: Located, form: Form, *, keep: bool = True
) -> Iterator[bytes]:
    """keep: what is small is kept at hand for whoever asks next."""
    held = house.hold.at_hand(instance)
    if form.stored and held is None and instance.size >= LARGE:
        yield from house.archive.stream(instance.archive_key)
    elif form.stored and held is None and not keep:
        yield house.archive.read(instance.archive_key)
    elif form.stored:
        yield from _pieces((held or house.hold.of(instance)).content)
    else:
        content = (held or house.hold.of(instance)).content
        yield from transcoded(content, instance.sop_instance_uid, form.transfer_syntax_uid)


def _pieces(content: Buffer) -> Iterable[bytes]:
    if isinstance(content, bytes):
        return [content]
    return (content[start : start + PIECE] for start in range(0, len(content), PIECE))
