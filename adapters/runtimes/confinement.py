"""What a model's process has no way to: the network, and files that are not its own.

    python -m adapters.runtimes.confinement

prints what this machine's kernel does not let us withhold, a line each.
"""

import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from adapters.runtimes import landlock, network
from adapters.runtimes.landlock import ALL, LIST, READ, Access

# required: what cannot be withheld is not run.
Network = Literal["withheld", "required", "open"]

_SYSTEM = (
    *("/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin", "/proc", "/sys"),
    *("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives"),
    *("/etc/localtime", "/etc/timezone", "/etc/passwd", "/etc/group", "/etc/nsswitch.conf"),
    *("/etc/hosts", "/etc/host.conf", "/etc/resolv.conf", "/etc/services", "/etc/mime.types"),
    *("/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/etc/pki/tls/certs", "/etc/OpenCL"),
)
_DEVICES = ("null", "zero", "full", "random", "urandom", "shm", "nvidia*", "dri", "kfd")
_OWN_PROCESS = "/proc/self"  # its counters of memory are reset there


class NotWithheld(Exception):
    """The kernel refuses to take the network away, without which the model may not run."""


@dataclass(frozen=True)
class Confinement:
    """allowed: paths, and what may be done at or below them; empty = whatever the user may."""

    network: Network
    allowed: Sequence[tuple[Path, Access]] = ()

    def told(self) -> str:
        """For a command line."""
        return json.dumps([self.network, [[str(path), access] for path, access in self.allowed]])

    @classmethod
    def read(cls, told: str) -> Self:
        chosen, allowed = json.loads(told)
        return cls(chosen, [(Path(path), Access(access)) for path, access in allowed])

    def enter(self) -> None:
        """For good, and as far as the kernel goes: `refusals` tells how far. For one thread.

        Raises NotWithheld.
        """
        if self.network != "open":
            try:
                network.withhold()
            except OSError as error:
                if self.network == "required":
                    raise NotWithheld from error
        if self.allowed:
            with suppress(OSError):
                landlock.restrict(self.allowed, tcp=self.network == "open")


def allowed(
    own: Iterable[Path], folder: Path, apart: Path | None, more: Iterable[Path]
) -> list[tuple[Path, Access]]:
    """What a model may see: this program, what it stands on, `own` and `more`; it may write to
    `folder`.

    apart: of this folder it sees no more than what is its own.
    """
    libraries = os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep)
    here = [*_SYSTEM, sys.prefix, sys.base_prefix, *sys.path, *filter(None, libraries)]
    apart = apart and apart.resolve()
    seen = {Path(path).resolve() for path in (*here, *more)}
    return [
        *((one, access) for path in sorted(seen) for one, access in _but(path, apart)),
        *((path, READ) for path in own),
        *((path, ALL) for name in _DEVICES for path in Path("/dev").glob(name)),
        *((path, ALL) for path in (Path(_OWN_PROCESS), folder)),
    ]


def _but(path: Path, apart: Path | None) -> Iterator[tuple[Path, Access]]:
    """All of a path but one folder in it. The names of its files cannot be kept from those who
    must find others beside it.
    """
    if apart is None or path not in apart.parents:
        yield path, READ
        return
    yield path, LIST
    with suppress(PermissionError):  # what we may not list, the model need not see
        for child in path.iterdir():
            if child != apart and not child.is_symlink():
                yield from _but(child, apart)


def refusals() -> Iterator[str]:
    """What cannot be withheld here. It is withheld from this process, where it can be."""
    for what, withhold in (
        ("network", network.withhold),
        ("files", lambda: landlock.restrict((), tcp=False)),
    ):
        try:
            withhold()
        except OSError as error:
            yield f"{what} not withheld from models: {error.strerror}"


if __name__ == "__main__":
    print(*refusals(), sep="\n", end="")
