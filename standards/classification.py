"""A judgement of a model: whether something is there, or which of several answers is right."""

from dataclasses import dataclass

from pydicom.sr.coding import Code

from standards import codes
from standards.errors import StandardsError


@dataclass(frozen=True, slots=True)
class Classification:
    """A finding or a question with its answer, about the whole input (PS3.16 TID 1500, TID 1501).

    concept: what was judged, for instance (36118008, SCT, "Pneumothorax").
    value: codes.PRESENT or codes.ABSENT (CID 240), or one of the concept's own values.
    probability: 0 to 1, that `value` is right. A model that gives 0.03 for a pneumothorax says
        ABSENT with 0.97.
    calibration: how far the probability may be taken at its word, for people, in English, for
        instance "isotonic regression on 2 000 radiographs of three hospitals".
    site: finding site; laterality: CID 244, of the site.
    """

    concept: Code
    value: Code
    probability: float | None = None
    calibration: str = ""
    site: Code | None = None
    laterality: Code | None = None

    def __post_init__(self) -> None:
        check_probability(self.concept, self.probability)
        check_calibration(self.concept, self.calibration)
        if self.laterality is not None and self.site is None:
            raise StandardsError(
                f"classification {self.concept.meaning!r} has a laterality without a site; "
                "expected the site that it is the side of"
            )

    @property
    def is_present(self) -> bool:
        return self.value == codes.PRESENT

    @property
    def percent(self) -> float | None:
        return percent_of(self.probability)


def check_probability(concept: Code, probability: float | None) -> None:
    """Raises StandardsError unless it is none, or from 0 to 1."""
    if probability is not None and not 0 <= probability <= 1:  # neither is NaN
        raise StandardsError(
            f"the probability of {concept.meaning!r} is {probability}; expected 0 to 1, or none"
        )


def check_calibration(concept: Code, note: str) -> None:
    """Raises StandardsError for more than a text value of a report can hold."""
    if len(note) > 1024:
        raise StandardsError(
            f"the note on calibration of {concept.meaning!r} has {len(note)} characters; "
            "expected 1024 at most"
        )


def percent_of(probability: float | None) -> float | None:
    """A probability as every carrier writes it: in percent, with one decimal."""
    return None if probability is None else round(probability * 100, 1)
