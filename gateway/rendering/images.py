"""Images and presentation states of one study as pictures, films and parts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from gateway.rendering.answers import Given, Job, in_parts, whole
from gateway.rendering.encoding import GIF, image_types
from gateway.rendering.errors import InvalidRendering, NotRenderable
from gateway.rendering.films import animate
from gateway.rendering.frame import Limits, Order, Rendered, render
from gateway.rendering.negotiation import Choice, Wanted, choose
from gateway.rendering.parameters import Rendering, without_region
from gateway.rendering.presentation import PresentationState, of_frames
from gateway.rendering.representative import representative_frame
from gateway.retrieve.errors import InvalidFrameList, NoSuchFrame, NoSuchResource
from gateway.retrieve.located import Located, Scope, locate_one
from gateway.retrieve.pixels import StoredPixels
from gateway.retrieve.retrieval import Retrieval
from standards.media_types import MediaType
from standards.part10 import read_header

_MOST_FRAMES_ASKED = 10_000
_ANY_PARTS = MediaType("multipart/related", {"type": "image/*"})


@dataclass(frozen=True)
class Images:
    """root: what gateway.public_url.public_root gives."""

    retrieval: Retrieval
    root: str
    limits: Limits

    def instance(self, located: Located, wanted: Wanted) -> Given:
        """An image: the frame that stands for it, all its frames as a GIF, or a part for each."""
        pixels = self.retrieval.pixels(located)
        choice = choose(wanted.accepted, image_types(), image_types())
        every = range(1, pixels.number_of_frames + 1)
        has_all = choice.in_parts or choice.media_type == GIF
        numbers = every if has_all else [representative_frame(pixels)]
        return self._frames(located, pixels, numbers, choice, wanted.rendering)

    def frames(self, located: Located, frame_list: Sequence[int], wanted: Wanted) -> Given:
        """Frames in the order asked for. Raises InvalidFrameList, NoSuchFrame."""
        if len(frame_list) > _MOST_FRAMES_ASKED:
            raise InvalidFrameList(f"{len(frame_list)} frames")
        pixels = self.retrieval.pixels(located)
        for number in frame_list:
            if not 1 <= number <= pixels.number_of_frames:
                raise NoSuchFrame(number, pixels.number_of_frames)
        if len(frame_list) == 1:
            choice = choose(wanted.accepted, image_types(), image_types())
        else:  # whoever takes anything gets parts and no film
            accepted = [_ANY_PARTS if each.name == "*/*" else each for each in wanted.accepted]
            choice = choose(accepted, (GIF,), image_types())
        return self._frames(located, pixels, frame_list, choice, wanted.rendering)

    def picture(
        self, located: Located, frame: int, rendering: Rendering, media_type: str
    ) -> Rendered:
        """One frame of one image."""
        pixels = self.retrieval.pixels(located)
        return render(Order(pixels, frame, rendering, limits=self.limits), media_type)

    def presentation(self, located: Located, scope: Scope, wanted: Wanted) -> Given:
        """The images a presentation state shows, as it shows them; singly, the first of them.

        Raises InvalidRendering for a window, NotRenderable for what cannot be shown exactly.
        """
        choice = choose(wanted.accepted, image_types(), image_types())
        jobs = self.presented(located, scope, wanted.rendering, choice.media_type)
        return in_parts(jobs, []) if choice.in_parts else whole(next(jobs).work(), [])

    def presented(
        self, located: Located, scope: Scope, rendering: Rendering, media_type: str
    ) -> Iterator[Job]:
        """One job for each frame that a presentation state shows; at least one."""
        if rendering.window is not None:
            expected = "nothing for a presentation state, which has its own (PS3.18 8.3.5.1.4)"
            raise InvalidRendering("window", "given", expected)
        without_region(rendering.viewport, "with a region")
        content = self.retrieval.archive.read(located.archive_key)
        state = PresentationState(read_header(content).dataset)
        shown = list(self._shown(state, scope))
        if not shown:
            reason = "none of the images that it refers to is stored here"
            raise NotRenderable("presentation state", located.sop_instance_uid, reason)
        missing = len(state.references) - len({image.sop_instance_uid for image, _ in shown})
        if missing:
            told = f"{missing} referenced image(s) are not stored here"
            rendering = replace(rendering, notes=(*rendering.notes, told))
        return (
            Job(
                f"{image.url(self.root)}/frames/{frame}/rendered",
                media_type,
                partial(self._through, state, image, frame, rendering, media_type),
            )
            for image, frame in shown
        )

    def _through(
        self,
        state: PresentationState,
        image: Located,
        frame: int,
        rendering: Rendering,
        media_type: str,
    ) -> Rendered:
        pixels = self.retrieval.pixels(image)
        return render(Order(pixels, frame, rendering, state, limits=self.limits), media_type)

    def _shown(self, state: PresentationState, scope: Scope) -> Iterator[tuple[Located, int]]:
        """The images and frames of a presentation state that are stored here, in its order."""
        for reference in state.references:
            of_study = Scope(scope.study, None, reference.sop_instance_uid, scope.patient_id)
            try:
                image = locate_one(self.retrieval.database, of_study)
            except NoSuchResource:
                continue
            for frame in of_frames(reference, image.number_of_frames):
                yield image, frame

    def _frames(
        self,
        located: Located,
        pixels: StoredPixels,
        numbers: Sequence[int],
        choice: Choice,
        rendering: Rendering,
    ) -> Given:
        order = Order(pixels, numbers[0], rendering, limits=self.limits)
        url = located.url(self.root)
        if choice.in_parts:
            jobs = (
                Job(
                    f"{url}/frames/{number}/rendered",
                    choice.media_type,
                    partial(render, replace(order, frame=number), choice.media_type),
                )
                for number in numbers
            )
            return in_parts(jobs, [located])
        if len(numbers) > 1:
            return whole(animate(order, numbers, list(rendering.notes)), [located])
        location = f"{url}/frames/{numbers[0]}/rendered"
        return whole(render(order, choice.media_type), [located], location)
