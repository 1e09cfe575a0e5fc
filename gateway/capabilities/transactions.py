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
from gateway.data_set_forms import OFFERED
from gateway.rendering.documents import DOCUMENT_TYPES, ENCAPSULATED_TYPES
from gateway.rendering.encoding import image_types
from gateway.rendering.parameters import ANNOTATIONS, COLOUR_SPACES
from gateway.rendering.videos import VIDEO_TYPES
from gateway.retrieve import metadata
from gateway.retrieve.forms import DICOM, MEDIA_TYPES, OCTET_STREAM
from gateway.retrieve.request import FRAMES, INSTANCE, SERIES, STUDY
from gateway.store_answer import JSON, PLAIN_JSON, XML
from gateway.ups.requests import MEDIA_TYPES as WORKITEM_TYPES

PREFIX = "/dicom-web"
STUDIES, WORKLIST = "Studies", "Worklist"
WORKITEM = "/workitems/{workitem_uid}"
SUBSCRIBER = WORKITEM + "/subscribers/{aetitle}"
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

    name: as PS3.18 calls it.   kind: as PS3.2 tells of it, such as Retrieve, Store, Search.
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

_WORKITEM_UID = Parameter("{workitem}", "a UID alone, or as workitem=UID: of the new workitem")
_TRANSACTION_UID = Parameter(
    "{transaction-uid}", "a UID alone, or as transaction-uid=UID, in place of the data set's"
)
_DELETION_LOCK = Parameter("deletionlock", "keep workitems once they are final", _SWITCH)
_FILTER = Parameter("filter", "attribute=value,...: of the filtered worklist (11.10.1.2)")

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
        name,
        STUDIES,
        "Search",
        "10.6",
        statuses.SEARCH,
        OFFERED,
        (),
        _SEARCH_PARAMETERS,
    )


def _retrieve(
    name: str, response: Sequence[str], query: Sequence[Parameter] = (ACCEPT,)
) -> Transaction:
    return Transaction(name, STUDIES, "Retrieve", "10.4", statuses.RETRIEVE, response, (), query)


def _store(name: str) -> Transaction:
    return Transaction(name, STUDIES, "Store", "10.5", statuses.STORE, _TOLD, _STORED)


def _delete(name: str) -> Transaction:
    return Transaction(name, STUDIES, "Delete", "", statuses.DELETE, ())


def _workitem(
    name: str, kind: str, section: str, told: Statuses, query: Sequence[Parameter] = ()
) -> Transaction:
    return Transaction(name, WORKLIST, kind, section, told, (), WORKITEM_TYPES, query)


def _events(
    name: str, section: str, told: Statuses, query: Sequence[Parameter] = ()
) -> Transaction:
    return Transaction(name, WORKLIST, name, section, told, (), (), query)


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
    ("GET", "/workitems"): Transaction(
        "Search for Workitems",
        WORKLIST,
        "Search",
        "11.9",
        statuses.SEARCH,
        OFFERED,
        (),
        _SEARCH_PARAMETERS,
    ),
    ("POST", "/workitems"): _workitem(
        "Create Workitem", "Create", "11.4", statuses.CREATE_WORKITEM, (_WORKITEM_UID,)
    ),
    ("GET", WORKITEM): Transaction(
        "Retrieve Workitem",
        WORKLIST,
        "Retrieve",
        "11.5",
        statuses.RETRIEVE_WORKITEM,
        OFFERED,
        (),
        (ACCEPT,),
    ),
    ("POST", WORKITEM): _workitem(
        "Update Workitem", "Update", "11.6", statuses.UPDATE_WORKITEM, (_TRANSACTION_UID,)
    ),
    ("PUT", f"{WORKITEM}/state"): _workitem(
        "Change Workitem State", "Change State", "11.7", statuses.CHANGE_STATE, (_TRANSACTION_UID,)
    ),
    ("POST", f"{WORKITEM}/cancelrequest"): _workitem(
        "Request Cancellation", "Request Cancellation", "11.8", statuses.REQUEST_CANCEL
    ),
    ("POST", SUBSCRIBER): _events(
        "Subscribe", "11.10", statuses.SUBSCRIBE, (_DELETION_LOCK, _FILTER)
    ),
    ("DELETE", SUBSCRIBER): _events("Unsubscribe", "11.11", statuses.UNSUBSCRIBE),
    ("POST", f"{SUBSCRIBER}/suspend"): _events("Suspend Subscription", "11.12", statuses.SUSPEND),
    ("GET", "/subscribers/{aetitle}"): _events(
        "Open Notification Connection", "8.10.4", statuses.OPEN_CHANNEL
    ),
}


def methods_of(path: str) -> list[str]:
    """The methods of a resource, given its template below PREFIX; HEAD goes with GET."""
    methods = [method for method, known in TRANSACTIONS if known == path]
    return [*methods, *(["HEAD"] if "GET" in methods else []), "OPTIONS"]
