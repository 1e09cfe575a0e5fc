"""The checks of the gate, and what becomes of what they find.

Geometry, photometric interpretation and rescale are settled before, where a volume is made
(standards/volume.py). Each check here is a function from what is seen to a suspicion or None.
"""

from collections.abc import Callable, Sequence
from functools import partial

from ai_models.card import GateRules, InputSeries, Reaction
from ai_models.gate import pictures
from ai_models.gate.headers import (
    body_part,
    burned_in_annotation,
    laterality,
    modality,
    secondary_capture,
    species,
    wants_radiographs,
)
from ai_models.gate.photometric import photometric_interpretation
from ai_models.gate.suspicion import Claim, Pictures, Seen, Suspicion, Values
from ai_models.gate.values import constant_image, constant_slices, implausible_values
from standards.errors import UnfitSeries
from standards.findings import Caveat
from standards.images import Image
from standards.volume import Volume

# In this order; those that the card's `[gate]` names too are a matter of the model.
OF_IMAGES: dict[str, Claim] = {
    "modality": modality,
    "species": species,
    "body_part": body_part,
    "laterality": laterality,
}
OF_SLICES: dict[str, Claim] = {
    "secondary_capture": secondary_capture,
    "burned_in_annotation": burned_in_annotation,
}
OF_VOXELS: dict[str, Values] = {
    "constant_image": constant_image,
    "constant_slices": constant_slices,
    "implausible_values": implausible_values,
}
OF_PICTURES: dict[str, Pictures] = {
    "photometric_interpretation": photometric_interpretation,
    "bits_stored": pictures.bits_stored,
    "constant_image": pictures.constant_image,
    "constant_images": pictures.constant_images,
    "implausible_values": pictures.implausible_values,
}
OF_RADIOGRAPHS: dict[str, Pictures] = {"writing": pictures.writing}


_RULES = {"constant_images": "constant_slices"}  # where a rule has not the name of its check


def examine(volume: Volume, wanted: InputSeries, rules: GateRules) -> list[Caveat]:
    """What must be told of a volume that the model may see.

    wanted: the input of the card; rules: its `[gate]`. Raises UnfitSeries with the name of the
    check, what it found and what it expected, for what the model may not see.
    """
    seen = Seen(volume.instances, wanted, rules)
    checks = {name: partial(check, seen) for name, check in (OF_IMAGES | OF_SLICES).items()}
    checks |= {name: partial(check, seen, volume.voxels) for name, check in OF_VOXELS.items()}
    return _told(seen, checks)


def examine_images(images: Sequence[Image], wanted: InputSeries, rules: GateRules) -> list[Caveat]:
    """As `examine`, of images for themselves, whose pixels are decoded for it.

    Screenshots and text are looked for where the card asks for radiographs alone: elsewhere they
    may be the point.
    """
    seen = Seen([image.instance for image in images], wanted, rules)
    claims, values = OF_IMAGES, OF_PICTURES
    if wants_radiographs(wanted):
        claims, values = claims | OF_SLICES, values | OF_RADIOGRAPHS
    checks = {name: partial(check, seen) for name, check in claims.items()}
    checks |= {name: partial(check, seen, images) for name, check in values.items()}
    return _told(seen, checks)


def _told(seen: Seen, checks: dict[str, Callable[[], Suspicion | None]]) -> list[Caveat]:
    caveats = []
    for name, check in checks.items():
        reaction = _reaction(name, seen)
        suspicion = check() if reaction is not Reaction.ACCEPT else None
        if suspicion is None:
            continue
        unfit = UnfitSeries(name.replace("_", " "), suspicion.found, suspicion.expected)
        if reaction is Reaction.REFUSE:
            raise unfit
        caveats.append(Caveat(f"Input {seen.wanted.name}: {unfit}."))
    return caveats


def _reaction(name: str, seen: Seen) -> Reaction:
    wanted = getattr(seen.rules, _RULES.get(name, name), Reaction.REFUSE)
    if wanted is None:  # constant slices: a scanner makes none in CT, a mask does in MR
        return Reaction.REFUSE if seen.modality == "CT" else Reaction.WARN
    return wanted
