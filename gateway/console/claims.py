"""What a result says beside its measurements: classifications and regions, as one short list."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Claim:
    """told: the answer of a classification, or where a region lies."""

    name: str
    told: str
    percent: float | None


def claims_of(results: Mapping[str, Any]) -> list[Claim]:
    """Of a result tree (gateway/air.py), without the structures of its label map."""
    judged = [_judgement(one) for one in results.get("classifications", ())]
    drawn = [_place(one) for one in results.get("regions", ()) if "shape" in one]
    return judged + drawn


def _judgement(one: Mapping[str, Any]) -> Claim:
    where = ", ".join(filter(None, (one["site"], one["laterality"])))
    return Claim(
        f"{one['concept']} ({where})" if where else one["concept"],
        one["value"],
        _percent(one["probability"]),
    )


def _place(one: Mapping[str, Any]) -> Claim:
    where = "on an image" if one["sop_instance_uid"] else "in the patient"
    frame = f", frame {one['frame']}" if one["frame"] else ""
    return Claim(one["name"], f"{one['shape']} {where}{frame}", _percent(one["probability"]))


def _percent(probability: float | None) -> float | None:
    return None if probability is None else probability * 100
