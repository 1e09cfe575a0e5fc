"""Archives of models, good ones and others, made in memory."""

import io
import tarfile
import textwrap
import zipfile

CARD_TOML = """
    name = "packed"
    version = "1"
    title = "Packed"
    description = "Runs elsewhere, so that nothing is loaded."
    manufacturer = "Tests"
    intended_use = "Tests only."
    license = "Apache-2.0"
    runtime.kind = "ups"
    [[inputs]]
    modality = ["CT"]
"""


def zipped(*members: tuple[str | zipfile.ZipInfo, str | bytes]) -> bytes:
    """Members by name, or by an info that says more, in this order. The same bytes at any time."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as packed:
        for name, text in members:
            info = _file(name) if isinstance(name, str) else name
            packed.writestr(info, textwrap.dedent(text) if isinstance(text, str) else text)
    return content.getvalue()


def _file(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
    return info


def link(name: str) -> zipfile.ZipInfo:
    """A symbolic link as Info-ZIP stores one; its content is where it leads."""
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, 0o120777 << 16
    return info


def tarred(*members: tuple[str | tarfile.TarInfo, bytes]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as packed:
        for name, data in members:
            info = tarfile.TarInfo(name) if isinstance(name, str) else name
            info.size = len(data)
            packed.addfile(info, io.BytesIO(data))
    return content.getvalue()


def tar_link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info
