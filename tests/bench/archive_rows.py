"""An archive as rows of the index, made without a file: what a hospital keeps after some years.

275 studies a day, the newest of them today; three studies a patient; names from lists that give
as many different ones as a city has. Of series there are rows too, of instances only numbers: a
search for studies reads neither. What is derived is written down directly, many times faster than
gateway/search/derived.py does it; a test holds both against each other.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property, lru_cache
from typing import Any

from gateway.search.values import (
    BIRTH_DATE,
    MODALITIES_IN_STUDY,
    NAMES,
    SOP_CLASSES_IN_STUDY,
    STEP_DATE,
    sound_of,
)
from standards.dicom_json import dumps
from standards.person_names import folded_group, sounds

STUDIES_A_DAY = 275
SERIES, INSTANCES = 3, 100  # series of a study, instances of a series
NEWEST = date(2026, 1, 31)
RARE = "XC"  # of a device that came lately
_RARE_EVERY, _RARE_BEFORE = 50, 1_000
_MODALITIES = ("CT", "MR", "DX", "US", "CR", "MG", "NM", "PT", "RF", "XA")
_SHARES = (28, 18, 25, 14, 6, 4, 1, 1, 2, 1)
_DRAWN = [name for name, share in zip(_MODALITIES, _SHARES, strict=True) for _ in range(share)]
_EXAMINATIONS = (
    "Thorax", "Abdomen", "Head", "Knee left", "Knee right", "Lumbar spine", "Cervical spine",
    "Pelvis", "Hip left", "Hip right", "Shoulder left", "Shoulder right", "Foot", "Hand", "Neck",
)  # fmt: skip
_SYLLABLES = """
Ba Be Bo Da De Fi Ga Ge Ha He Ka Ke La Le Ma Me Mi Na Ne Pa Pe Ra Re Sa Scha Ste
ber der fer gel ler mer ner per rer ser ter wer man ben den ken len men nen ren
bach berg burg dorf er feld hardt hof kamp mann meier müller owski sen son stein
"""
_FAMILY = [line.split() for line in _SYLLABLES.strip().splitlines()]
_GIVEN_NAMES = """
Anna Ben Clara David Eva Felix Greta Hans Ida Jonas Karin Leon Maria Noah Olga Paul Rosa
Simon Tina Uwe Vera Wim Xenia Yusuf Zoe Änne Jérôme José Søren Łukasz
"""
_GIVEN = _GIVEN_NAMES.split()


def _drawn(choices: Sequence[str], number: int, purpose: int) -> str:
    """One of the choices, the same for the same numbers, as if drawn by chance."""
    mixed = (number * 2_654_435_761 + purpose * 40_503) % 2**32
    mixed = (mixed ^ mixed >> 15) * 2_246_822_519 % 2**32
    return choices[(mixed ^ mixed >> 13) % len(choices)]


@dataclass(frozen=True)
class Study:
    """Study `number` of an archive; the same number is always the same study."""

    number: int

    @property
    def uid(self) -> str:
        return f"1.2.826.0.1.3680043.8.498.{10**20 + self.number * 7919}.{self.number}"

    @property
    def patient(self) -> int:
        return self.number // 3

    @property
    def patient_id(self) -> str:
        return f"PAT{self.patient * 37 % 10_000_019:08d}"

    @property
    def accession_number(self) -> str:
        return f"ACC{self.number * 31 % 100_000_007:09d}"

    @property
    def family_name(self) -> str:
        return "".join(_drawn(part, self.patient, n) for n, part in enumerate(_FAMILY))

    @property
    def patient_name(self) -> str:
        return f"{self.family_name}^{_drawn(_GIVEN, self.patient, 3)}"

    @property
    def study_date(self) -> str:
        return (NEWEST - timedelta(days=self.number // STUDIES_A_DAY)).strftime("%Y%m%d")

    @property
    def study_time(self) -> str:
        second = self.number * 7717 % 86_400
        return f"{second // 3600:02d}{second // 60 % 60:02d}{second % 60:02d}"

    @property
    def birth_date(self) -> str:
        return f"{1930 + self.patient % 80}0{1 + self.patient % 9}15"

    @property
    def description(self) -> str:
        return f"{self.modality} {_EXAMINATIONS[self.number % len(_EXAMINATIONS)]}"

    @property
    def physician(self) -> str:
        return f"Doctor{self.number % 199}^Jo"

    @cached_property
    def modality(self) -> str:
        if self.number < _RARE_BEFORE and self.number % _RARE_EVERY == 0:
            return RARE
        return _drawn(_DRAWN, self.number, 4)

    @property
    def attributes(self) -> dict[str, Any]:
        texts = {
            "00080005": ("CS", "ISO_IR 192"),
            "00080020": ("DA", self.study_date),
            "00080030": ("TM", self.study_time),
            "00080050": ("SH", self.accession_number),
            "00080090": ("PN", {"Alphabetic": self.physician}),
            "00081030": ("LO", self.description),
            "00100010": ("PN", {"Alphabetic": self.patient_name}),
            "00100020": ("LO", self.patient_id),
            "00100030": ("DA", self.birth_date),
            "00100040": ("CS", "FMO"[self.patient % 3]),
            "0020000D": ("UI", self.uid),
            "00200010": ("SH", f"S{self.number}"),
        }
        return {tag: {"vr": vr, "Value": [value]} for tag, (vr, value) in texts.items()}

    def row(self) -> dict[str, Any]:
        return {
            "study_instance_uid": self.uid,
            "patient_id": self.patient_id,
            "patient_name": folded_group(self.patient_name),
            "study_date": self.study_date,
            "study_time": f"{self.study_time}.000000",
            "accession_number": self.accession_number,
            "study_id": f"S{self.number}",
            "study_description": self.description,
            "referring_physician_name": folded_group(self.physician),
            "number_of_series": SERIES,
            "number_of_instances": SERIES * INSTANCES,
            "attributes": dumps(self.attributes).decode(),
            "created_at": 0.0,
            "updated_at": 0.0,
            "state": "COMPLETE",
            "generation": 1,
            "first_arrival_at": float(-self.number),
            "last_arrival_at": float(-self.number),
            "calling_ae_title": "",
            "called_ae_title": "",
        }

    def series_rows(self) -> Iterator[dict[str, Any]]:
        for number in range(1, SERIES + 1):
            modality = self.modality if number < SERIES else "SR"
            attributes = {
                "00080060": {"vr": "CS", "Value": [modality]},
                "0008103E": {"vr": "LO", "Value": [f"Series {number}"]},
                "0020000D": {"vr": "UI", "Value": [self.uid]},
                "0020000E": {"vr": "UI", "Value": [f"{self.uid}.{number}"]},
                "00200011": {"vr": "IS", "Value": [number]},
                "00400244": {"vr": "DA", "Value": [self.study_date]},
            }
            yield {
                "series_instance_uid": f"{self.uid}.{number}",
                "study_instance_uid": self.uid,
                "modality": modality,
                "series_number": number,
                "series_description": f"Series {number}",
                "number_of_instances": INSTANCES,
                "attributes": dumps(attributes).decode(),
                "created_at": 0.0,
            }

    def value_rows(self) -> Iterator[dict[str, Any]]:
        found = (
            *_values_of_name(NAMES[0], self.patient_name),
            *_values_of_name(NAMES[1], self.physician),
            (BIRTH_DATE, self.birth_date),
            (MODALITIES_IN_STUDY, self.modality),
            (MODALITIES_IN_STUDY, "SR"),
            (SOP_CLASSES_IN_STUDY, f"1.2.840.10008.5.1.4.1.1.{_sop_class(self.modality)}"),
            (STEP_DATE, self.study_date),
        )
        for attribute, value in found:
            yield {
                "attribute": attribute,
                "value": value,
                "study_date": self.study_date,
                "study_time": f"{self.study_time}.000000",
                "study_instance_uid": self.uid,
            }


@lru_cache(maxsize=1_000_000)
def _values_of_name(tag: str, name: str) -> frozenset[tuple[str, str]]:
    return frozenset({(tag, folded_group(name)), *((sound_of(tag), s) for s in sounds(name))})


def _sop_class(modality: str) -> int:
    return (*_MODALITIES, RARE).index(modality) + 2
