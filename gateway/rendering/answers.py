"""Answers to requests for rendered resources: one body, or parts made one after the other."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.rendering.encoding import encoded, image_types
from gateway.rendering.errors import NotRenderable
from gateway.rendering.frame import Rendered
from gateway.rendering.icons import placeholder
from gateway.retrieve.errors import NoPixelData, NotDecodable, UnusablePixelData
from gateway.retrieve.located import Located
from gateway.retrieve.retrieval import Answer
from standards.dicomweb import MultipartWriter, Part

log = logging.getLogger(__name__)

_PLACEHOLDER = 256  # pixels
_NO_PICTURE = (NotDecodable, UnusablePixelData, NoPixelData, NotRenderable)


@dataclass(frozen=True)
class Given:
    """An answer with what goes beside it. notes: what it does not show, in words for people."""

    answer: Answer
    notes: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """One part to be made. location: its Content-Location."""

    location: str
    media_type: str
    work: Callable[[], Rendered]


def whole(rendered: Rendered, located: Sequence[Located], location: str = "") -> Given:
    """One body. located: what it was made from, for its validators; none where more counts."""
    answer = Answer(rendered.media_type, rendered.content, located, length=len(rendered.content))
    place = {"Content-Location": location} if location else {}
    return Given(answer, rendered.notes, {**rendered.headers, **place})


def in_parts(jobs: Iterable[Job], located: Sequence[Located], *, forgiving: bool = False) -> Given:
    """One part for each job, made while the answer is being sent, the first of them before.

    A part that cannot be made has words in its picture, since the status is sent by then.
    forgiving: even the first may be such a one; else what it raises is raised here.
    """
    waiting = iter(jobs)
    job = next(waiting)
    first = _made(job) if forgiving else job.work()
    writer = MultipartWriter(job.media_type)

    def parts() -> Iterator[Part]:
        yield Part(first.media_type, [first.content], job.location)
        for other in waiting:
            made = _made(other)
            yield Part(made.media_type, [made.content], other.location)

    return Given(Answer(writer.content_type, writer.body(parts()), located), first.notes)


def _made(job: Job) -> Rendered:
    try:
        return job.work()
    except _NO_PICTURE as error:
        log.warning("part not rendered", extra={"url": job.location, "error": str(error)})
        kind = job.media_type if job.media_type in image_types() else image_types()[0]
        picture = placeholder(str(error), _PLACEHOLDER, _PLACEHOLDER)
        return Rendered(encoded(picture, kind, None, None), kind)
