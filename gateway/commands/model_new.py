"""`airgate models new`: a folder with a model that works, to be replaced piece by piece."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from string import Template

from pydantic import TypeAdapter, ValidationError

from ai_models import templates
from ai_models.card import Name
from gateway.errors import Conflict, Unprocessable

TEMPLATES = Path(templates.__file__).parent
SHARED = TEMPLATES / "shared"
EXPORT = "export.py"
_RUN = "airgate run . FOLDER_OF_DICOM --out out"
_EXPORT_AGAIN = f"python {EXPORT}                        # after each change of the network\n{_RUN}"


@dataclass(frozen=True)
class Kind:
    """how, then: for its README: how the model works, and what follows the check.

    encoding: of the tensor it gives, where it gives one.
    """

    how: str
    then: str = _EXPORT_AGAIN
    encoding: str = "softmax"


KINDS = {
    "python": Kind("`model.py` has the class that does it.", f"{_RUN}\npytest test_model.py", ""),
    "torchscript": Kind(f"`network.py` has the network, `{EXPORT}` writes it to `model.ts`."),
    "torch-export": Kind(f"`network.py` has the network, `{EXPORT}` writes it to `model.pt2`."),
    "onnx": Kind(f"`network.py` has the network, `{EXPORT}` writes it to `model.onnx`."),
    "monai-bundle": Kind(
        f"`configs/inference.json` has the network and what is around it, `{EXPORT}` its weights.",
        encoding="labels",  # as the bundle's AsDiscreted leaves it
    ),
    "ups": Kind(
        "A performer outside claims the work and stores what it finds.",
        "airgate models register card.toml       # with a gateway that runs",
        "",
    ),
}
_SECONDS = 300


def new(name: str, kind: str, parent: Path) -> Path:
    """The folder, which `airgate models check` accepts.

    Raises Unprocessable for a name that is none, and for what cannot be exported here; Conflict
    where the folder is there already.
    """
    try:
        TypeAdapter(Name).validate_python(name)
    except ValidationError as error:
        raise Unprocessable(
            f"{name!r} is no name of a model; expected a to z, then also 0 to 9, _ and -, "
            "63 characters at most"
        ) from error
    folder = parent / name
    if folder.exists():
        raise Conflict(f"{folder} is there already; choose another name, or --folder")
    own = shutil.ignore_patterns("runtime.toml", "__pycache__")  # a part of the card, and rubbish
    shutil.copytree(TEMPLATES / kind, folder, ignore=own)
    (folder / "card.toml").write_text(_card(name, kind), "utf-8")
    (folder / "README.md").write_text(_readme(name, kind), "utf-8")
    if (folder / EXPORT).exists():
        shutil.copy(SHARED / "network.py", folder)
        _export(folder)
    return folder


def _card(name: str, kind: str) -> str:
    encoding, outputs = KINDS[kind].encoding, ""
    if encoding:
        outputs = _filled(SHARED / "outputs.toml", encoding=encoding)
    runtime = _filled(TEMPLATES / kind / "runtime.toml", worklist=name.upper())
    card = SHARED / "card.toml"
    return _filled(card, name=name, title=_title(name), runtime=runtime, outputs=outputs)


def _readme(name: str, kind: str) -> str:
    about = KINDS[kind]
    return _filled(SHARED / "README.md", title=_title(name), how=about.how, then=about.then)


def _title(name: str) -> str:
    return name.replace("_", " ").replace("-", " ").capitalize()


def _filled(path: Path, **values: str) -> str:
    return Template(path.read_text("utf-8")).substitute(values)


def _export(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, EXPORT],
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
    )
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ["nothing said"])[-1]
        raise Unprocessable(
            f"{folder} is written, but its {EXPORT} ended with: {why}; install what lacks "
            f"(pip install 'airgate[models]', onnx), then run: cd {folder} && python {EXPORT}"
        )
