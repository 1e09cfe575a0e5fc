"""The layout of a MONAI Application Package: what its app.json and pkg.json ask of whoever runs it.

MONAI Deploy, guidelines/monai-application-package.md; Holoscan's packages (HAP) are the same with
other names. An image without manifests is run as one that has empty ones.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, Field, StringConstraints, ValidationError

from adapters.runtimes.containers.errors import UnfitManifest

APP, PKG = "app.json", "pkg.json"
IN_IMAGE = ("/etc/monai", "/etc/holoscan")  # folders that may hold both
_UNITS = {"": 1, "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40}
_SHELL = ("/bin/sh", "-c")
# Both generations of packages ask for their folders by these.
_INPUT_NAMES = ("HOLOSCAN_INPUT_PATH", "MONAI_INPUTPATH")
_OUTPUT_NAMES = ("HOLOSCAN_OUTPUT_PATH", "MONAI_OUTPUTPATH")


@dataclass(frozen=True)
class Layout:
    """Paths are those inside the container, absolute.

    command: empty = the image's own. timeout_seconds: 0 = none. memory: bytes that it asks for, 0 =
    it does not say. shared_memory: bytes of /dev/shm.
    """

    working_directory: PurePosixPath
    input: PurePosixPath
    output: PurePosixPath
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    timeout_seconds: float = 0
    memory: int = 0
    shared_memory: int = 64 << 20

    def variables(self) -> dict[str, str]:
        """The environment of the program, with its folders as they are mounted."""
        return {
            "HOME": "/tmp",  # noqa: S108 (inside, where nothing else can be written)
            **self.environment,
            **dict.fromkeys(_INPUT_NAMES, str(self.input)),
            **dict.fromkeys(_OUTPUT_NAMES, str(self.output)),
        }


def _arguments(command: Any) -> Any:
    """A command may be a list, a list in a text, or a line for a shell."""
    if not isinstance(command, str):
        return command
    return json.loads(command) if command.lstrip().startswith("[") else (*_SHELL, command)


def _bytes(size: Any) -> Any:
    found = re.fullmatch(r"(\d+)(Ki|Mi|Gi|Ti)?", str(size))
    if found is None:
        raise ValueError(f"found {size!r}; expected a size such as 512Mi or 4Gi")
    return int(found[1]) * _UNITS[found[2] or ""]


_Text = Annotated[str, StringConstraints(max_length=4096, pattern=r"^[^\x00]*$")]
_Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
# No comma, which would begin another option of a mount, and no `..`.
_Path = Annotated[
    str, StringConstraints(pattern=r"^/?[\w-][\w.-]*(/[\w-][\w.-]*)*/?$", max_length=255)
]
_Size = Annotated[int, BeforeValidator(_bytes)]


class _Input(BaseModel):
    path: _Path = "input/"


class _Output(BaseModel):
    path: _Path = "output/"


class _App(BaseModel):
    command: Annotated[tuple[_Text, ...], BeforeValidator(_arguments)] = ()
    environment: dict[_Variable, _Text] = {}
    input: _Input = _Input()
    output: _Output = _Output()
    workingDirectory: Annotated[_Path, StringConstraints(pattern="^/")] = "/var/monai"
    timeout: float = Field(default=0, ge=0)


class _Resources(BaseModel):
    memory: _Size = 0
    sharedMemory: _Size = 64 << 20


class _Pkg(BaseModel):
    resources: _Resources = _Resources()


Manifest = TypeVar("Manifest", bound=BaseModel)


def layout_of(manifests: Mapping[str, bytes]) -> Layout:
    """manifests: app.json and pkg.json by their names; either may be lacking.

    Raises UnfitManifest.
    """
    app = _read(_App, APP, manifests.get(APP))
    pkg = _read(_Pkg, PKG, manifests.get(PKG))
    work = PurePosixPath(app.workingDirectory)
    into, out = work / app.input.path, work / app.output.path
    for one, other in ((into, out), (out, into)):
        if one == other or one in other.parents:
            raise UnfitManifest(APP, f"input.path {into} and output.path {out} in one another")
    return Layout(
        work,
        into,
        out,
        app.command,
        app.environment,
        app.timeout,
        pkg.resources.memory,
        pkg.resources.sharedMemory,
    )


def _read(kind: type[Manifest], name: str, content: bytes | None) -> Manifest:
    if content is None:
        return kind()
    try:
        return kind.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise UnfitManifest(name, f"{place} {first['msg']}".strip()) from error
