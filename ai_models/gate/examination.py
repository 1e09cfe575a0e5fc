"""The checks of the gate, and what becomes of what they find.

Geometry, photometric interpretation and rescale are settled before, where a volume is made
(standards/volume.py). Each check here is a function from what is seen to a suspicion or None.
"""

from ai_models.card import GateRules, InputSeries, Reaction
from ai_models.gate.headers import (
    body_part,
    burned_in_annotation,
    modality,
    secondary_capture,
    species,
)
from ai_models.gate.suspicion import Check, Seen
from ai_models.gate.values import constant_image, constant_slices, implausible_values
from standards.errors import UnfitSeries
from standards.findings import Caveat
from standards.volume import Volume

# In this order; those that the card's `[gate]` names too are a matter of the model.
CHECKS: dict[str, Check] = {
    "modality": modality,
    "species": species,
    "body_part": body_part,
    "secondary_capture": secondary_capture,
    "burned_in_annotation": burned_in_annotation,
    "constant_image": constant_image,
    "constant_slices": constant_slices,
    "implausible_values": implausible_values,
}


def examine(volume: Volume, wanted: InputSeries, rules: GateRules) -> tuple[Caveat, ...]:
    """What must be told of an input that the model may see.

    wanted: the input of the card; rules: its `[gate]`. Raises UnfitSeries with the name of the
    check, what it found and what it expected, for what the model may not see.
    """
    seen = Seen(volume, wanted, rules)
    caveats = []
    for name, check in CHECKS.items():
        reaction = _reaction(name, seen)
        suspicion = check(seen) if reaction is not Reaction.ACCEPT else None
        if suspicion is None:
            continue
        unfit = UnfitSeries(name.replace("_", " "), suspicion.found, suspicion.expected)
        if reaction is Reaction.REFUSE:
            raise unfit
        caveats.append(Caveat(f"Input {wanted.name}: {unfit}."))
    return tuple(caveats)


def _reaction(name: str, seen: Seen) -> Reaction:
    wanted = getattr(seen.rules, name, Reaction.REFUSE)
    if wanted is None:  # constant slices: a scanner makes none in CT, a mask does in MR
        return Reaction.REFUSE if seen.modality == "CT" else Reaction.WARN
    return wanted
