"""`[runtime]`: how a model is run. Each kind has its own fields; `python` is meant where none is
named.
"""

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from ai_models.card.strict import Strict

Entry = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")]
# Below the folder of the model: no root, no `..`, no backslash.
RelativePath = Annotated[
    str, StringConstraints(pattern=r"^[\w+-][\w.+-]*(/[\w+-][\w.+-]*)*$", max_length=255)
]
# A name, its extras, versions, markers and hashes: no option of pip, no address.
Requirement = Annotated[
    str,
    StringConstraints(
        pattern=r"^[A-Za-z0-9][\w.-]*(\[[\w,. -]+\])?"
        r"( ?[\w.,<>=!~*+;()'\"][\w.,<>=!~*+;()'\"-]*)*( --hash=sha256:[0-9a-f]{64})*$",
        max_length=1024,
    ),
]
# What a container may write for [[outputs]].
OutputFile = Annotated[
    str,
    StringConstraints(
        pattern=r"^[\w+-][\w.+-]*(/[\w+-][\w.+-]*)*\.(nii|nii\.gz|npy|npz|json)$", max_length=255
    ),
]
_IMAGE = r"^([a-z0-9][\w./:-]*@)?sha256:[0-9a-f]{64}$"
OWN_WORKLIST = "AIRGATE"


class Python(Strict):
    """`entry` is `module:Class`, made without arguments."""

    kind: Literal["python"] = "python"
    entry: Entry
    requirements: tuple[Requirement, ...] = Field(
        default=(),
        max_length=200,
        description="installed into a virtual environment that only such models share; with "
        "`--hash=sha256:...` for one, all need theirs",
    )
    wheels: RelativePath | None = Field(
        default=None, description="folder with wheels in the archive; then no index is asked"
    )


class MonaiBundle(Strict):
    """A bundle as the MONAI Model Zoo lays it out: configs/metadata.json, models/model.pt."""

    kind: Literal["monai-bundle"]
    root: RelativePath | Literal["."] = Field(default=".", description="the bundle in the folder")
    config: RelativePath = Field(default="configs/inference.json", description="JSON or YAML")
    weights: RelativePath = Field(
        default="models/model.pt", description="state dict of `network_def`"
    )


class TorchScript(Strict):
    """What `torch.jit.save` wrote."""

    kind: Literal["torchscript"]
    file: RelativePath = "model.ts"


class TorchExport(Strict):
    """What `torch.export.save` wrote."""

    kind: Literal["torch-export"]
    file: RelativePath = "model.pt2"


class Onnx(Strict):
    kind: Literal["onnx"]
    file: RelativePath = "model.onnx"


def _with_digest(image: Any) -> Any:
    """Raises ValueError for a tag, which may be another image tomorrow, under the same build."""
    if isinstance(image, str) and not re.fullmatch(_IMAGE, image):
        raise ValueError(
            f"found {image!r}; expected an image with its digest, name@sha256:... (docker image "
            "inspect tells it as RepoDigests), or the id of one that was built here, sha256:..."
        )
    return image


class Container(Strict):
    """A MONAI Application Package, or any image that reads a folder and writes a folder."""

    kind: Literal["container"]
    image: Annotated[str, BeforeValidator(_with_digest)] = Field(
        pattern=_IMAGE, max_length=400, description="`name@sha256:...`, or `sha256:...`, its id"
    )
    command: tuple[str, ...] = Field(
        default=(), description="instead of what its app.json says, or the image's own"
    )
    files: tuple[OutputFile, ...] = Field(
        default=(),
        max_length=16,
        description="below the output folder, one for each tensor of [[outputs]], in their order; "
        "DICOM objects need none",
    )


class KServe(Strict):
    """A server of the Open Inference Protocol, version 2: Triton, MLServer, KServe."""

    kind: Literal["kserve"]
    url: str = Field(pattern=r"^(https?|grpcs?)://[^\s/?#@]+(/[^\s?#]*)?$", max_length=255)
    model: str = Field(pattern=r"^[\w.-]{1,128}$", description="its name on the server")
    model_version: str = Field(default="", pattern=r"^[\w.-]{0,64}$")


class Ups(Strict):
    """Not run here: a performer outside claims the work over UPS-RS."""

    kind: Literal["ups"]
    worklist: str = Field(
        default=OWN_WORKLIST,
        min_length=1,
        max_length=64,
        pattern=r"^[^\\\x00-\x1f*?]+$",
        description="Worklist Label (0074,1202) of its workitems",
    )


def _as_written_before(runtime: Any) -> Any:
    """`python` where no kind is named; and no fields of other kinds, which all kinds had once, so
    that stored cards may have them.
    """
    if not isinstance(runtime, dict):
        return runtime
    runtime = {"kind": "python"} | runtime
    foreign = {"python": ("worklist", OWN_WORKLIST), "ups": ("entry", "")}
    kind = str(runtime["kind"])
    return {name: value for name, value in runtime.items() if (name, value) != foreign.get(kind)}


Runtime = Annotated[
    Annotated[
        Python | MonaiBundle | TorchScript | TorchExport | Onnx | Container | KServe | Ups,
        Field(discriminator="kind"),
    ],
    BeforeValidator(_as_written_before),
]
