"""Documents as text that a browser shows, and encapsulated ones as they are (PS3.18 8.7.4)."""

import json
import re
from collections.abc import Callable

from pydicom import Dataset

from gateway.rendering.attributes import number, text
from gateway.rendering.errors import NotRenderable
from gateway.rendering.frame import Rendered
from gateway.rendering.parameters import Rendering
from standards.dicom_xml import native_xml
from standards.sr_html import CONTENT_SECURITY_POLICY, Link, report_html
from standards.sr_text import report_text

HTML, PLAIN, XML = "text/html", "text/plain", "text/xml"
DOCUMENT_TYPES = (HTML, PLAIN, XML)  # the default first

_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+-]{0,60}")
# When MIME Type of Encapsulated Document (0042,0012) is absent: PS3.4 B.5, PS3.3 A.45 and A.85.
ENCAPSULATED_TYPES = {
    "1.2.840.10008.5.1.4.1.1.104.1": "application/pdf",
    "1.2.840.10008.5.1.4.1.1.104.2": "text/xml",
    "1.2.840.10008.5.1.4.1.1.104.3": "model/stl",
    "1.2.840.10008.5.1.4.1.1.104.4": "model/obj",
    "1.2.840.10008.5.1.4.1.1.104.5": "model/mtl",
}
# A document from anyone must not act in the name of who looks at it.
_STRANGER = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"


def rendered_document(
    dataset: Dataset, media_type: str, link: Link, json_header: Callable[[], bytes]
) -> Rendered:
    """An SR or Key Object document.

    media_type: one of DOCUMENT_TYPES; XML is the Native DICOM Model.
    link: as standards.sr_html has it.   json_header: the header as DICOM JSON, links included.
    """
    if media_type == HTML:
        headers = {"Content-Security-Policy": CONTENT_SECURITY_POLICY} | _NO_SNIFFING
        content = report_html(dataset, link).encode("utf-8", "replace")
        return Rendered(content, f"{HTML}; charset=utf-8", headers=headers)
    if media_type == PLAIN:
        content = report_text(dataset).encode("utf-8", "replace")
        return Rendered(content, f"{PLAIN}; charset=utf-8", headers=_NO_SNIFFING)
    headers = {"Content-Security-Policy": _STRANGER} | _NO_SNIFFING
    return Rendered(native_xml(json.loads(json_header())), XML, headers=headers)


def charset_notes(rendering: Rendering, media_type: str) -> tuple[str, ...]:
    """Text is given as UTF-8; another charset is passed over (PS3.18 8.8.1), and that is told."""
    wanted = re.split(r"[,;\s]+", (rendering.charset or "").lower())
    is_text = media_type.startswith("text/")
    if rendering.charset is None or not is_text or {"utf-8", "utf8", "*"} & set(wanted):
        return ()
    return ("charset is passed over: text is given as UTF-8",)


def usual_type(sop_class_uid: str) -> tuple[str, ...]:
    """What an encapsulated document of this SOP Class mostly is; none where that is open."""
    return (ENCAPSULATED_TYPES[sop_class_uid],) if sop_class_uid in ENCAPSULATED_TYPES else ()


def encapsulated_type(dataset: Dataset) -> str:
    """The media type of an encapsulated document. Raises NotRenderable without a known one."""
    told = text(dataset, "MIMETypeOfEncapsulatedDocument").lower()
    usual = ENCAPSULATED_TYPES.get(text(dataset, "SOPClassUID"), "")
    media_type = told or usual
    if not _MEDIA_TYPE.fullmatch(media_type):
        uid = text(dataset, "SOPInstanceUID")
        raise NotRenderable("encapsulated document", uid, "it does not say what kind it is")
    return media_type


def encapsulated(dataset: Dataset) -> Rendered:
    """The document within, as it was put in, without the byte that makes its length even."""
    media_type = encapsulated_type(dataset)
    content = dataset.get("EncapsulatedDocument")
    if not isinstance(content, bytes) or not content:
        uid = text(dataset, "SOPInstanceUID")
        raise NotRenderable("encapsulated document", uid, "nothing is encapsulated in it")
    length = number(dataset, "EncapsulatedDocumentLength")
    if length is not None and 0 < length <= len(content):
        content = content[: int(length)]
    elif content[-1:] == b"\0":
        content = content[:-1]
    headers = dict(_NO_SNIFFING)
    if media_type.startswith(("text/", "image/svg")) or media_type.endswith("xml"):
        headers["Content-Security-Policy"] = _STRANGER
    return Rendered(content, media_type, headers=headers)


_NO_SNIFFING = {"X-Content-Type-Options": "nosniff"}
