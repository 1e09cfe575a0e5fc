"""How the run of a container can end without findings; each is told as the model's failure."""

from pathlib import PurePath


class ContainerError(Exception):
    """Base."""


class NoContainerEngine(ContainerError):
    """wanted: the engine that the operator named, "" for any."""

    def __init__(self, wanted: str) -> None:
        self.wanted = wanted
        super().__init__(
            f"no container engine is here: found no command {wanted or 'docker or podman'} on "
            "PATH; install one on each machine with workers, or name one with "
            "AIRGATE_CONTAINER_ENGINE (docker, podman, kubernetes)"
        )


class EngineUnfit(ContainerError):
    """What the engine lacks to run any container."""

    def __init__(self, lacking: str, expected: str) -> None:
        self.lacking, self.expected = lacking, expected
        super().__init__(f"the container engine lacks {lacking}; expected {expected}")


class ImageNotHere(ContainerError):
    """told: by the engine that was asked for it."""

    def __init__(self, image: str, told: str) -> None:
        self.image, self.told = image, told
        super().__init__(
            f"the image {image} is not on this machine and could not be pulled: {told}; pull or "
            "load it there, or mend runtime.image of the card"
        )


class UnfitManifest(ContainerError):
    """app.json or pkg.json of a package cannot be used."""

    def __init__(self, file: str, found: str) -> None:
        self.file, self.found = file, found
        super().__init__(
            f"{file} of the package: {found}; expected a manifest as the MONAI Application Package "
            "specification has it"
        )


class ContainerRefused(ContainerError):
    """The engine did not start it. exit_code: of the engine's command."""

    def __init__(self, exit_code: int) -> None:
        self.exit_code = exit_code
        super().__init__(
            f"the container engine could not start the container (exit code {exit_code}); the log "
            "of the model tells why: a command that is not in the image, an option that this "
            "version does not know, a device that is not there"
        )


class ContainerEnded(ContainerError):
    """The program in the container says by its exit code that it failed."""

    def __init__(self, exit_code: int) -> None:
        self.exit_code = exit_code
        super().__init__(
            f"the container ended with exit code {exit_code}; expected 0; the log of the model has "
            "the end of what it printed"
        )


class ContainerKilled(ContainerError):
    """It was ended by SIGKILL, from outside or for its memory. limit_mb: what it may have."""

    def __init__(self, limit_mb: int) -> None:
        self.limit_mb = limit_mb
        super().__init__(
            "the container was killed (exit code 137): most often it took more than the "
            f"{limit_mb} MiB of its card; raise resources.memory_mb"
        )


class ContainerTimedOut(ContainerError):
    """seconds: what is allowed. limit: by whom."""

    def __init__(self, seconds: float, limit: str = "its own app.json (timeout)") -> None:
        self.seconds, self.limit = seconds, limit
        super().__init__(
            f"the container took longer than the {seconds:g} s of {limit} and was removed"
        )


class JobFailed(ContainerError):
    """Kubernetes gave the Job up, whatever the program did. reason, told: its own words."""

    def __init__(self, reason: str, told: str) -> None:
        self.reason, self.told = reason, told
        super().__init__(
            f"Kubernetes ended the Job: {reason}: {told[:500] or 'it said no more'}; expected a "
            "pod that starts and ends by itself; mend the card, or what the cluster lacks"
        )


class TooMuchWritten(ContainerError):
    """limit: in words."""

    def __init__(self, limit: str) -> None:
        self.limit = limit
        super().__init__(f"the container wrote more than {limit} into its output folder")


class NothingWritten(ContainerError):
    """others: files that are neither DICOM nor named by the card."""

    def __init__(self, others: int) -> None:
        self.others = others
        found = f"{others} file(s) of other kinds" if others else "nothing"
        super().__init__(
            f"the container ended well, but its output folder holds {found}; expected DICOM "
            "objects (Segmentation, SR by TID 1500), or the files that runtime.files of the card "
            "names"
        )


class FileNotWritten(ContainerError):
    """A file that the card names is not there."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"the container wrote no file {name}; expected it in its output folder, as "
            "runtime.files of the card says"
        )


class FileNotUnderstood(ContainerError):
    """file: below the output folder. found: what is wrong with it."""

    def __init__(self, file: PurePath | str, found: str, expected: str) -> None:
        self.file, self.found, self.expected = str(file), found, expected
        super().__init__(f"the container wrote {file}: found {found}; expected {expected}")


class ForeignObject(ContainerError):
    """A DICOM object that is not about the input. attribute: in which it differs."""

    def __init__(self, file: PurePath | str, attribute: str) -> None:
        self.file, self.attribute = str(file), attribute
        super().__init__(
            f"the container wrote {file}, a DICOM object of another {attribute} than its input; "
            "expected that of the input: nothing of it was taken over"
        )
