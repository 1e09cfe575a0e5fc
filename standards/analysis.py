"""One run of one algorithm on one series: what every carrier of its findings needs to know."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal

from pydicom import Dataset

from standards.findings import Findings, Region, Structure
from standards.identity import Algorithm, Equipment
from standards.source_images import named_instances
from standards.uids import derived_uid

Carrier = Literal[  # one series each
    "segmentation", "report", "presentation state", "key image", "parametric map", "no result"
]


def result_uid(device_uid: str, instances: Iterable[str], *parts: str, again: str = "") -> str:
    """The UID of one thing that one model build, named by its Device UID, made of these instances.

    instances: their SOP Instance UIDs in any order. again: see Analysis.
    """
    repeat = (again,) if again else ()
    return derived_uid("result", device_uid, ",".join(sorted(instances)), *parts, *repeat)


@dataclass(frozen=True, slots=True)
class Document:
    """A structured report in the study of an analysis."""

    sop_class_uid: str
    sop_instance_uid: str
    series_instance_uid: str


@dataclass(frozen=True, slots=True)
class Superseded:
    """What an analysis takes the place of, since more of the study has come.

    documents: its structured report and, before that, those that later failures made in vain.
    report_id: of its DiagnosticReport, "" where none stands.
    """

    documents: tuple[Document, ...]
    report_id: str


@dataclass(frozen=True, eq=False)
class Analysis:
    """Everything that is equal for all objects of one result.

    source: headers of the instances the model saw, without pixel data; in slice order where they
        make a volume, else in the order of standards/images.py.
    started: when the analysis began (aware); Content Date and Time of every object, IHE AIR
        6.5.3.1, and the reason why repeating the same work writes the same bytes.
    again: UID of the work that repeats earlier work on these instances: their content has changed.
    supersedes: the last result for the study that this one takes the place of.
    UIDs follow from the model build and the input instances: the same work names itself alike.
    """

    algorithm: Algorithm
    equipment: Equipment
    source: tuple[Dataset, ...]
    started: datetime
    again: str = ""
    supersedes: Superseded | None = None

    @cached_property
    def instances(self) -> Sequence[Dataset]:
        """The source as every object refers to it (standards/source_images.py).

        Made once: for hundreds of slices it takes longer than some of the objects do.
        """
        return named_instances(self.source)

    @property
    def study_instance_uid(self) -> str:
        return str(self.source[0].StudyInstanceUID)

    @property
    def replaces(self) -> str:
        """The id of the DiagnosticReport that this one's takes the place of, or ""."""
        return self.supersedes.report_id if self.supersedes else ""

    def uid(self, *parts: str) -> str:
        """The UID of one thing of this result, for instance uid("seg", "series")."""
        instances = {str(header.SOPInstanceUID) for header in self.source}  # one for all its frames
        return result_uid(self.algorithm.device_uid, instances, *parts, again=self.again)

    def tracking_uid(self, structure: Structure) -> str:
        """Tracking Unique Identifier (112040) of a structure, the same in SEG and SR."""
        return self.uid("tracking", structure.name)

    def region_uid(self, number: int) -> str:
        """Tracking Unique Identifier (112040) of a region, the same in SR, GSPS and FHIR.

        number: its place among the regions, from 1, since several may have one name.
        """
        return self.uid("tracking region", str(number))

    def place_of(self, region: Region) -> tuple[str | None, int | None]:
        """SOP Instance UID and frame of the image that a region lies on; None without them."""
        if region.image_index is None:
            return None, None
        header = self.source[region.image_index]
        frame = region.frame or header.get("ReferencedFrameNumber")  # a slice may be a frame
        return str(header.SOPInstanceUID), None if frame is None else int(frame)

    def classification_uid(self, number: int) -> str:
        """Tracking Unique Identifier (112040) of a classification, by its place, from 1."""
        return self.uid("tracking classification", str(number))


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """Findings with the analysis that made them: the one input of every carrier."""

    analysis: Analysis
    findings: Findings
