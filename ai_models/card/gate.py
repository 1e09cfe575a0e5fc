"""`[gate]`: what is a matter of the model, and not of every image."""

from enum import StrEnum

from pydantic import Field, model_validator

from ai_models.card.strict import Strict


class Reaction(StrEnum):
    """refuse: the model does not see the input. warn: it does, and every reader is told."""

    REFUSE = "refuse"
    WARN = "warn"
    ACCEPT = "accept"


class GateRules(Strict):
    """What happens to an input that a check of the gate finds suspicious. docs/gate.md."""

    value_range: tuple[float, float] | None = Field(
        default=None,
        description="between which 98 % of the voxels must lie, in modality values; "
        "unset = as is plausible for the modality",
    )
    implausible_values: Reaction = Reaction.REFUSE
    constant_slices: Reaction | None = Field(
        default=None,
        description="slices or images of one single value; unset = refuse CT, else warn",
    )
    burned_in_annotation: Reaction = Reaction.REFUSE
    secondary_capture: Reaction = Field(
        default=Reaction.REFUSE, description="what looks like a screenshot"
    )
    writing: Reaction = Field(
        default=Reaction.REFUSE, description="a radiograph with writing all over it"
    )
    photometric_interpretation: Reaction = Field(
        default=Reaction.REFUSE,
        description="images whose Photometric Interpretation their class or values contradict",
    )
    bits_stored: Reaction = Field(
        default=Reaction.REFUSE, description="images with values of more bits than Bits Stored"
    )
    species: Reaction = Field(default=Reaction.REFUSE, description="a patient who is no human")
    body_part: Reaction = Field(
        default=Reaction.REFUSE, description="none of the input's `body_part_examined`"
    )
    laterality: Reaction = Field(
        default=Reaction.REFUSE, description="none of the input's `laterality`"
    )

    @model_validator(mode="after")
    def _range_is_one(self) -> "GateRules":
        if self.value_range is not None and self.value_range[0] >= self.value_range[1]:
            low, high = self.value_range
            raise ValueError(f"value_range is {low:g} to {high:g}; put the lower value first")
        return self
