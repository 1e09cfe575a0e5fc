"""Every resource of the DICOMweb services, by method and path (PS3.18 Table H-1).

A test compares the keys with the routes of the application, so that what OPTIONS, the OpenAPI
document and the conformance statement say is what there is. Media types and parameters are taken
from the modules that obey them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.body_metadata import METADATA_TYPES
from gateway.capabilities import statuses
from gateway.capabilities.statuses import Statuses
from gateway.rendering.documents import DOCUMENT_TYPES, ENCAPSULATED_TYPES
from gateway.rendering.encoding import image_types
from gateway.rendering.parameters import ANNOTATIONS, COLOUR_SPACES
from gateway.rendering.videos import VIDEO_TYPES
from gateway.retrieve import metadata
from gateway.retrieve.forms import DICOM, MEDIA_TYPES, OCTET_STREAM
from gateway.retrieve.request import FRAMES, INSTANCE, SERIES, STUDY
from gateway.routers import search
from gateway.store_answer import JSON, PLAIN_JSON, XML

PREFIX = "/dicom-web"
STUDIES, WORKLIST = "Studies", "Worklist"
SERVICES = {STUDIES: "PS3.18 10", WORKLIST: "PS3.18 11"}


@dataclass(frozen=True)
class Parameter:
    """A query parameter. options: its values, where there are few."""

    name: str
    meaning: str
    options: Sequence[str] = ()


@dataclass(frozen=True)
class Transaction:
    """What one method does on one resource.

    name: as PS3.18 calls it.   kind: Retrieve, Store, Search, Delete; of those that PS3.2 tells of.
    request, response: media types, the default first.
    """

    name: str
    service: str
    kind: str
    section: str
    statuses: Statuses
    response: Sequence[str]
    request: Sequence[str] = ()
    query: Sequence[Parameter] = ()

    @property
    def id(self) -> str:
        return self.name.replace(" ", "")


def _related(*names: str) -> tuple[str, ...]:
    return tuple(f'multipart/related; type="{name}"' for name in names)


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


ACCEPT = Parameter("accept", "media types, in place of the Accept header (PS3.18 8.3.3.1)")
_SWITCH = ("true", "false")
_SEARCH_PARAMETERS = (
    Parameter("{attribute}", "a keyword, tag or path, and the value that it must match (8.3.4.1)"),
    Parameter("includefield", "attributes to be returned beyond the usual; repeatable", ("all",)),
    Parameter("fuzzymatching", "match names by their words, in any order and form", _SWITCH),
    Parameter("emptyvaluematching", "an empty value matches what has none", _SWITCH),
    Parameter("multiplevaluematching", "a list of values matches any of them", _SWITCH),
    Parameter("limit", "the most matches to be returned"),
    Parameter("offset", "how many matches are skipped"),
    ACCEPT,
)
_RENDER_PARAMETERS = (
    Parameter("annotation", "what is written into the picture (8.3.5.1.1)", ANNOTATIONS),
    Parameter("quality", "of JPEG, from 1 to 100 (8.3.5.1.2)"),
    Parameter("viewport", "width,height[,x,y,width,height] (8.3.5.1.3)"),
    Parameter("window", "center,width,function (8.3.5.1.4)"),
    Parameter("iccprofile", "the colour space of the picture (8.3.5.1.5)", COLOUR_SPACES),
    ACCEPT,
)
_THUMBNAIL_PARAMETERS = (Parameter("viewport", "width,height (8.3.5.2)"), ACCEPT)

_FILES = _related(DICOM)
_FRAME_TYPES = _unique((OCTET_STREAM, *MEDIA_TYPES.values()))
_MANY_FRAMES = _related(*_FRAME_TYPES)
_FRAMES = (*_MANY_FRAMES, *_FRAME_TYPES)
_ONE_RENDERED = _unique(
    (*image_types(), *DOCUMENT_TYPES, *VIDEO_TYPES.values(), *ENCAPSULATED_TYPES.values())
)
_RENDERED = (*_ONE_RENDERED, *_related(*_ONE_RENDERED))
_MANY_RENDERED = (*image_types(), *_related(*_ONE_RENDERED))
_STORED = (*_related(DICOM, *METADATA_TYPES), DICOM)
_TOLD = (JSON, XML, PLAIN_JSON, *_related(XML))


def _search(name: str) -> Transaction:
    return Transaction(
        name, STUDIES, "Search", "10.6", statuses.SEARCH, search.OFFERED, (), _SEARCH_PARAMETERS
    )


def _retrieve(
    name: str, response: Sequence[str], query: Sequence[Parameter] = (ACCEPT,)
) -> Transaction:
    return Transaction(name, STUDIES, "Retrieve", "10.4", statuses.RETRIEVE, response, (), query)


def _store(name: str) -> Transaction:
    return Transaction(name, STUDIES, "Store", "10.5", statuses.STORE, _TOLD, _STORED)


def _delete(name: str) -> Transaction:
    return Transaction(name, STUDIES, "Delete", "", statuses.DELETE, ())


TRANSACTIONS: Mapping[tuple[str, str], Transaction] = {
    ("GET", "/studies"): _search("Search for Studies"),
    ("POST", "/studies"): _store("Store Instances"),
    ("GET", STUDY): _retrieve("Retrieve Study", _FILES),
    ("POST", STUDY): _store("Store Study Instances"),
    ("DELETE", STUDY): _delete("Delete Study"),
    ("GET", f"{STUDY}/metadata"): _retrieve("Retrieve Study Metadata", metadata.OFFERED),
    ("GET", f"{STUDY}/rendered"): _retrieve(
        "Retrieve Rendered Study", _MANY_RENDERED, _RENDER_PARAMETERS
    ),
    ("GET", f"{STUDY}/thumbnail"): _retrieve(
        "Retrieve Study Thumbnail", image_types(), _THUMBNAIL_PARAMETERS
    ),
    ("GET", f"{STUDY}/series"): _search("Search for Study Series"),
    ("GET", f"{STUDY}/instances"): _search("Search for Study Instances"),
    ("GET", SERIES): _retrieve("Retrieve Series", _FILES),
    ("DELETE", SERIES): _delete("Delete Series"),
    ("GET", f"{SERIES}/metadata"): _retrieve("Retrieve Series Metadata", metadata.OFFERED),
    ("GET", f"{SERIES}/rendered"): _retrieve(
        "Retrieve Rendered Series", _MANY_RENDERED, _RENDER_PARAMETERS
    ),
    ("GET", f"{SERIES}/thumbnail"): _retrieve(
        "Retrieve Series Thumbnail", image_types(), _THUMBNAIL_PARAMETERS
    ),
    ("GET", f"{SERIES}/instances"): _search("Search for Study Series Instances"),
    ("GET", INSTANCE): _retrieve("Retrieve Instance", (*_FILES, DICOM)),
    ("DELETE", INSTANCE): _delete("Delete Instance"),
    ("GET", f"{INSTANCE}/metadata"): _retrieve("Retrieve Instance Metadata", metadata.OFFERED),
    ("GET", f"{INSTANCE}/rendered"): _retrieve(
        "Retrieve Rendered Instance", _RENDERED, _RENDER_PARAMETERS
    ),
    ("GET", f"{INSTANCE}/thumbnail"): _retrieve(
        "Retrieve Instance Thumbnail", image_types(), _THUMBNAIL_PARAMETERS
    ),
    ("GET", FRAMES): _retrieve("Retrieve Frames", _FRAMES),
    ("GET", f"{FRAMES}/rendered"): _retrieve(
        "Retrieve Rendered Frames", (*image_types(), *_related(*image_types())), _RENDER_PARAMETERS
    ),
    ("GET", f"{FRAMES}/thumbnail"): _retrieve(
        "Retrieve Frame Thumbnail", image_types(), _THUMBNAIL_PARAMETERS
    ),
    ("GET", f"{STUDY}/bulkdata"): _retrieve("Retrieve Study Bulkdata", _MANY_FRAMES),
    ("GET", f"{SERIES}/bulkdata"): _retrieve("Retrieve Series Bulkdata", _MANY_FRAMES),
    ("GET", f"{INSTANCE}/bulkdata"): _retrieve("Retrieve Instance Bulkdata", _MANY_FRAMES),
    ("GET", INSTANCE + "/bulkdata/{path:path}"): _retrieve("Retrieve Bulkdata", _FRAMES),
    ("GET", f"{STUDY}/pixeldata"): _retrieve("Retrieve Study Pixel Data", _MANY_FRAMES),
    ("GET", f"{SERIES}/pixeldata"): _retrieve("Retrieve Series Pixel Data", _MANY_FRAMES),
    ("GET", f"{INSTANCE}/pixeldata"): _retrieve("Retrieve Instance Pixel Data", _FRAMES),
    ("GET", "/series"): _search("Search for Series"),
    ("GET", "/instances"): _search("Search for Instances"),
    ("GET", "/workitems/{workitem_uid}"): Transaction(
        "Retrieve Workitem",
        WORKLIST,
        "Retrieve",
        "11.5",
        statuses.WORKITEM,
        ("application/dicom+json",),
    ),
}


def methods_of(path: str) -> list[str]:
    """The methods of a resource, given its template below PREFIX; HEAD goes with GET."""
    methods = [method for method, known in TRANSACTIONS if known == path]
    return [*methods, *(["HEAD"] if "GET" in methods else []), "OPTIONS"]
