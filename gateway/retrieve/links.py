"""Absolute URLs of studies, series and instances, and of the bulk data in their headers."""

from standards.dicom_json import BULK_DATA

_LINK = f'"{BULK_DATA}'.encode()  # the quotation mark: where a JSON string begins with it


def study_url(root: str, study: str) -> str:
    """root: what gateway.public_url.public_root gives."""
    return f"{root}/dicom-web/studies/{study}"


def series_url(root: str, study: str, series: str) -> str:
    return f"{study_url(root, study)}/series/{series}"


def instance_url(root: str, study: str, series: str, instance: str) -> str:
    return f"{series_url(root, study, series)}/instances/{instance}"


def with_links(header: bytes, url: str) -> bytes:
    """A header of the index with absolute links to its bulk data.

    Bytes are replaced and no JSON is read, so metadata cost next to nothing.
    """
    return header.replace(_LINK, f'"{url}/bulkdata/'.encode())
