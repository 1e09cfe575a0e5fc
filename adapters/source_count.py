"""How many instances of a study its source has: QIDO-RS (PS3.18 10.6), or C-FIND (PS3.4 C).

Number of Study Related Instances (0020,1208) is asked for on the study level. Bounded in time and
in what is read of an answer.
"""

import re

import httpx
from pydicom import Dataset
from pynetdicom import AE
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind  # type: ignore[attr-defined]

from adapters.errors import SourceSilent

SECONDS = 5.0  # for each step of an exchange
DIMSE_SOURCE = re.compile(r"([^@\s]{1,16})@([^:@/\s]+):(\d{1,5})")
_LARGEST_ANSWER = 1 << 20  # bytes
_PENDING = (0xFF00, 0xFF01)  # PS3.4 Table C.4-1
_COUNT = "00201208"


def count_at(source: str, study_instance_uid: str, calling_ae_title: str) -> int:
    """source: root of a QIDO-RS service, or AET@host:port. Raises SourceSilent."""
    if node := DIMSE_SOURCE.fullmatch(source):
        title, host, port = node.groups()
        return _by_find((title, host, int(port)), study_instance_uid, calling_ae_title)
    return _by_qido(source, study_instance_uid)


def _by_qido(root: str, study: str) -> int:
    url, query = f"{root.rstrip('/')}/studies", {"StudyInstanceUID": study, "includefield": _COUNT}
    headers = {"Accept": "application/dicom+json"}
    content = b""
    try:
        with httpx.stream("GET", url, params=query, headers=headers, timeout=SECONDS) as reply:
            if reply.status_code == 204:
                return 0
            if reply.status_code != 200:
                raise SourceSilent(f"HTTP {reply.status_code}")
            for piece in reply.iter_bytes():
                content += piece
                if len(content) > _LARGEST_ANSWER:
                    raise SourceSilent("an answer of more than 1 MiB about one study")
        found = httpx.Response(200, content=content).json()
        return int(found[0][_COUNT]["Value"][0]) if found else 0
    except httpx.HTTPError as error:
        raise SourceSilent(type(error).__name__) from error
    except (ValueError, LookupError, TypeError) as error:
        raise SourceSilent("an answer without Number of Study Related Instances") from error


def _by_find(node: tuple[str, str, int], study: str, calling_ae_title: str) -> int:
    title, host, port = node
    asker = AE(calling_ae_title)
    asker.acse_timeout = asker.dimse_timeout = asker.network_timeout = SECONDS
    asker.connection_timeout = SECONDS
    asker.add_requested_context(StudyRootQueryRetrieveInformationModelFind)
    association = asker.associate(host, port, ae_title=title)
    if not association.is_established:
        raise SourceSilent("no association")
    query = Dataset()
    query.QueryRetrieveLevel = "STUDY"
    query.StudyInstanceUID = study
    query.NumberOfStudyRelatedInstances = None
    try:
        answers = list(association.send_c_find(query, StudyRootQueryRetrieveInformationModelFind))
    finally:
        association.release()
    return _counted([(status.get("Status"), identifier) for status, identifier in answers])


def _counted(answers: list[tuple[int | None, Dataset | None]]) -> int:
    """Of the answers to one C-FIND: 0 where there is no match."""
    if not answers or answers[-1][0] != 0:
        raise SourceSilent("no success of the C-FIND")
    matches = [identifier for status, identifier in answers if status in _PENDING and identifier]
    if not matches:
        return 0
    count = matches[0].get("NumberOfStudyRelatedInstances")
    if count is None:
        raise SourceSilent("an answer without Number of Study Related Instances")
    return int(count)
