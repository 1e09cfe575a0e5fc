"""What can go wrong out there, said for the person who must mend it. No patient data."""


class AdapterError(Exception):
    """Base of what the outside can do to us."""


class ArchiveUnavailable(AdapterError):
    """The archive does not answer, or cannot work now. The same request may succeed later."""

    def __init__(self, where: str, found: str) -> None:
        self.where, self.found = where, found
        super().__init__(
            f"the archive {where} is not available: {found}; "
            "check that it runs and is reachable, then send again"
        )


class ArchiveFull(ArchiveUnavailable):
    """The archive, or the disk it writes to, has no room left."""

    def __init__(self, where: str, found: str) -> None:
        super().__init__(where, f"no room left ({found}); free disk space")


class ArchiveRefused(AdapterError):
    """The archive answered that it does not take these bytes; sending them again will not help."""

    def __init__(self, found: str) -> None:
        self.found = found
        super().__init__(f"the archive does not accept the instance: {found}")


class ArchiveConflict(AdapterError):
    """The archive already holds other bytes under the same identity; `key` names them."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(f"the archive holds another content of this instance, as {key}")


class NotInArchive(AdapterError):
    """The index names bytes that the archive does not have."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(
            f"the archive has no instance {key}; it was removed there, or another archive is in use"
        )


class ArtefactsUnavailable(AdapterError):
    """The store of the models' artefacts does not answer, or lacks one. `url`: of the store."""

    def __init__(self, url: str, found: str) -> None:
        self.url, self.found = url, found
        super().__init__(
            f"the artefacts of models at {url} are not available: {found}; "
            "check AIRGATE_ARTEFACTS, and that the store can be reached"
        )


class OrthancMissing(AdapterError):
    """No Orthanc binary on this machine."""

    def __init__(self) -> None:
        super().__init__(
            "Orthanc is not installed: no `Orthanc` on PATH nor /usr/sbin/Orthanc; install it with "
            "`apt-get install -y orthanc`, or name another archive by AIRGATE_ARCHIVE "
            "(an Orthanc's http URL, or `folder`)"
        )


class OrthancDidNotStart(AdapterError):
    """The child Orthanc ended, or did not answer in time. `log` is its log file."""

    def __init__(self, found: str, log: str) -> None:
        self.found, self.log = found, log
        super().__init__(f"the child Orthanc did not start: {found}; its log is {log}")


class DimseNotListening(AdapterError):
    """The DIMSE listener cannot use its address."""

    def __init__(self, address: str, found: str) -> None:
        self.address, self.found = address, found
        super().__init__(
            f"cannot listen for DICOM at {address}: {found}; "
            "set AIRGATE_DICOM to a free AET@host:port, or to `off`"
        )


class SourceSilent(AdapterError):
    """Where a study came from does not say how much of it there is. `found`: without an address."""

    def __init__(self, found: str) -> None:
        self.found = found
        super().__init__(
            f"the source of a study was asked for its count: {found}, expected a number; "
            "check its entry in AIRGATE_SOURCES"
        )
