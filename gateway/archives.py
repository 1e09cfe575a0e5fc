"""The archive that the settings name."""

from adapters.archive import Archive
from adapters.folder import FolderArchive
from adapters.orthanc import OrthancArchive
from adapters.orthanc_process import child_url
from gateway.errors import NotConfigured
from gateway.settings import Settings


def connect(settings: Settings) -> Archive:
    """The archive, not yet spoken to. Raises NotConfigured for a setting that names none."""
    if settings.archive == "folder":
        return FolderArchive(settings.data / "archive")
    if settings.archive == "orthanc":
        return OrthancArchive(child_url(settings.data))
    if settings.archive.startswith(("http://", "https://")):
        return OrthancArchive(settings.archive, shared=True)
    raise NotConfigured(
        f"AIRGATE_ARCHIVE is {settings.archive!r}; expected `orthanc`, `folder` or the http(s) URL "
        "of an Orthanc, as in http://user:password@host:8042"
    )
