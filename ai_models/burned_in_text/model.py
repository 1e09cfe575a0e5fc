"""Burned-in text: where writing stands in the pixels of ultrasound, captures and radiographs."""

from collections.abc import Iterator, Sequence

from ai_models.burned_in_text.boxes import text_boxes
from ai_models.contract import Inputs
from standards import codes
from standards.findings import Caveat, Classification, Finding, Region, Shape
from standards.images import Image

FRAMES = 3  # looked at of a loop: the first, the middle and the last one
COLOUR = (255, 140, 0)
DENIED = Caveat(
    "Writing was found in images whose header says that there is none "
    "(Burned In Annotation (0028,0301) is NO)."
)


class BurnedInText:
    """Deterministic. The card says what it may see, README.md how good it is."""

    def predict(self, inputs: Inputs) -> Sequence[Finding]:
        """A box around each piece of writing, and whether there is any."""
        regions = []
        for index, image in enumerate(inputs.images):
            regions += _regions(image, index, len(regions))
            inputs.progress(100 * (index + 1) / len(inputs.images))
        found = codes.PRESENT if regions else codes.ABSENT
        return [
            Classification(codes.BURNED_IN_TEXT, found),
            *regions,
            *([DENIED] if regions and any(map(_denies, inputs.images)) else []),
        ]


def _denies(image: Image) -> bool:
    return image.instance.get("BurnedInAnnotation") == "NO"


def _regions(image: Image, index: int, known: int) -> Iterator[Region]:
    """The writing in one image; what stands at the same place in several frames is told once."""
    seen = set()
    for frame in _frames(image.frames):
        for box in text_boxes(image.pixels(frame)):
            if box not in seen:
                seen.add(box)
                yield Region(
                    Shape.BOX,
                    ((box.left, box.top), (box.right, box.bottom)),
                    f"Text {known + len(seen)}",
                    codes.BURNED_IN_TEXT,
                    image_index=index,
                    frame=frame if image.frames > 1 else None,
                    category=codes.PHYSICAL_OBJECT,
                    colour=COLOUR,
                )


def _frames(count: int) -> list[int]:
    """Numbers of the frames to look at, from 1."""
    return sorted({1 + (count - 1) * n // (FRAMES - 1) for n in range(FRAMES)})
