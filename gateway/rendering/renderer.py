"""What the rendered resources give: pictures, films and documents (PS3.18 10.4.1.1.3).

A request that accepts a plain picture gets one: the frame asked for, or the one that stands for
an instance, series or study. One that accepts multipart/related gets a part for every frame.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from pydicom import Dataset
from sqlalchemy import select

from gateway.rendering.answers import Given, Job, in_parts, whole
from gateway.rendering.documents import (
    charset_notes,
    encapsulated,
    encapsulated_type,
    rendered_document,
)
from gateway.rendering.errors import NotRenderable
from gateway.rendering.frame import Limits, Rendered
from gateway.rendering.images import Images
from gateway.rendering.negotiation import Wanted, choose, offered, part_type
from gateway.rendering.representative import representative_target
from gateway.rendering.targets import Category, Target, targets
from gateway.rendering.videos import stream_of
from gateway.retrieve.errors import InvalidFrameList
from gateway.retrieve.links import with_links
from gateway.retrieve.located import Located, Scope, locate_one
from gateway.retrieve.retrieval import Answer, Retrieval
from gateway.store.tables import InstanceRow
from gateway.web_errors import NotAcceptable
from standards.dicomweb import MultipartWriter, Part
from standards.media_types import MediaType
from standards.part10 import read_header

_FRAME_LIST = re.compile(r"[0-9]{1,9}(?:,[0-9]{1,9})*")


@dataclass(frozen=True)
class Renderer:
    """root: what gateway.public_url.public_root gives, for links."""

    retrieval: Retrieval
    root: str
    limits: Limits

    @property
    def images(self) -> Images:
        return Images(self.retrieval, self.root, self.limits)

    def resource(self, scope: Scope, wanted: Wanted) -> Given:
        """A study, series or instance.

        Raises NoSuchResource, NotAcceptable, NotRenderable, and as `render` does.
        """
        found = targets(self.retrieval.database, scope)
        if scope.instance:
            return self._instance(found[0], scope, wanted)
        for media_type in wanted.accepted:
            if media_type.is_multipart:
                if any(part_type([media_type], target) for target in found):
                    return self._all(found, scope, wanted)
                continue
            target = representative_target(self.retrieval.database, scope, found, media_type)
            if target is not None:
                return self._instance(target, scope, replace(wanted, accepted=(media_type,)))
        possible = dict.fromkeys(name for target in found for name in offered(target))
        if not possible:
            raise NotRenderable(*scope.name, "it holds neither images nor documents")
        raise NotAcceptable("this rendered resource", ", ".join(possible))

    def frames(self, scope: Scope, frame_list: str, wanted: Wanted) -> Given:
        """Frames of one instance, in the order asked for: a picture, a film, or parts.

        frame_list:  numbers from 1, with commas between.
        Raises InvalidFrameList, NoSuchFrame, and as `resource` does.
        """
        if not _FRAME_LIST.fullmatch(frame_list):
            raise InvalidFrameList(frame_list)
        located = locate_one(self.retrieval.database, scope)
        return self.images.frames(located, [int(n) for n in frame_list.split(",")], wanted)

    def _instance(self, target: Target, scope: Scope, wanted: Wanted) -> Given:
        if target.category is Category.IMAGE:
            return self.images.instance(target.located, wanted)
        if target.category is Category.PRESENTATION_STATE:
            return self.images.presentation(target.located, scope, wanted)
        if target.category is Category.VIDEO:
            return self._video(target, wanted)
        if target.category is Category.OTHER:
            uid = target.located.sop_instance_uid
            raise NotRenderable("instance", uid, "it is neither an image nor a document")
        return self._document(target, scope, wanted)

    def _video(self, target: Target, wanted: Wanted) -> Given:
        """The stream as stored; none of its frames can be decoded here."""
        choice = choose(wanted.accepted, offered(target), offered(target))
        pieces = stream_of(self.retrieval.archive.read(target.located.archive_key))
        body = (bytes(piece) for piece in pieces)
        if choice.in_parts:
            writer = MultipartWriter(choice.media_type)
            part = Part(choice.media_type, body, f"{target.located.url(self.root)}/rendered")
            return Given(Answer(writer.content_type, writer.body([part]), [target.located]))
        length = sum(len(piece) for piece in pieces)
        return Given(Answer(choice.media_type, body, [target.located], length))

    def _document(self, target: Target, scope: Scope, wanted: Wanted) -> Given:
        dataset = self._header(target.located)
        types = offered(target)
        if target.category is Category.ENCAPSULATED:
            types = (encapsulated_type(dataset),)
        choice = choose(wanted.accepted, types, types)
        if choice.in_parts:
            return in_parts([self._written(target, dataset, choice.media_type, scope)], [])
        made = self._written(target, dataset, choice.media_type, scope).work()
        notes = charset_notes(wanted.rendering, made.media_type)
        # No validators: the links of a document follow what else is in its study.
        return whole(replace(made, notes=notes), [])

    def _written(self, target: Target, dataset: Dataset, media_type: str, scope: Scope) -> Job:
        url = target.located.url(self.root)
        if target.category is Category.ENCAPSULATED:
            return Job(f"{url}/rendered", media_type, partial(encapsulated, dataset))
        header = partial(self._json_header, target.located)
        links = self._links(scope)
        work = partial(rendered_document, dataset, media_type, links, header)
        return Job(f"{url}/rendered", media_type, work)

    def _json_header(self, located: Located) -> bytes:
        uid = InstanceRow.sop_instance_uid == located.sop_instance_uid
        with self.retrieval.database.read() as session:
            header = session.execute(select(InstanceRow.header).where(uid)).scalar_one()
        return with_links(header, located.url(self.root))

    def _links(self, scope: Scope) -> Callable[[str], str | None]:
        """From an instance of the same study to where it can be looked at."""
        of_study = Scope(scope.study, patient_id=scope.patient_id)
        urls = {
            target.located.sop_instance_uid: f"{target.located.url(self.root)}/rendered"
            for target in targets(self.retrieval.database, of_study)
            if target.category is not Category.OTHER
        }
        return urls.get

    def _all(self, found: Sequence[Target], scope: Scope, wanted: Wanted) -> Given:
        """Every instance of a series or study that the client accepts, one part a frame."""
        chosen = [(t, kind) for t in found if (kind := part_type(wanted.accepted, t))]
        jobs = (job for t, kind in chosen for job in self._jobs(t, kind, scope, wanted))
        given = in_parts(jobs, [t.located for t, _ in chosen], forgiving=True)
        left_out = len(found) - len(chosen)
        if not left_out:
            return given
        told = f"{left_out} instance(s) that cannot be so rendered are left out"
        return replace(given, notes=(*given.notes, told))

    def _jobs(self, target: Target, media_type: str, scope: Scope, wanted: Wanted) -> Iterator[Job]:
        located, rendering = target.located, wanted.rendering
        if target.category is Category.IMAGE:
            for frame in range(1, located.number_of_frames + 1):
                work = partial(self.images.picture, located, frame, rendering, media_type)
                yield Job(f"{located.url(self.root)}/frames/{frame}/rendered", media_type, work)
            return
        work = partial(self._single, target, media_type, scope, wanted)
        yield Job(f"{located.url(self.root)}/rendered", media_type, work)

    def _single(self, target: Target, media_type: str, scope: Scope, wanted: Wanted) -> Rendered:
        """An instance that is no image as one part; of a presentation state, its first image."""
        accepted = (MediaType(media_type.lower()),)
        given = self._instance(target, scope, replace(wanted, accepted=accepted))
        body = given.answer.body
        content = body if isinstance(body, bytes) else b"".join(body)
        return Rendered(content, given.answer.content_type, given.notes)

    def _header(self, located: Located) -> Dataset:
        return read_header(self.retrieval.archive.read(located.archive_key)).dataset
