"""Docker and Podman, by their commands."""

import contextlib
import io
import subprocess
import tarfile
from collections.abc import Mapping, Sequence

from adapters.runtimes.containers.command import removal_arguments, run_arguments
from adapters.runtimes.containers.errors import ContainerRefused, ImageNotHere
from adapters.runtimes.containers.map_layout import APP, IN_IMAGE, PKG
from adapters.runtimes.containers.task import Task, Watch
from adapters.runtimes.errors import ModelServerAway

_ASK_SECONDS = 20.0
_PULL_SECONDS = 90.0  # of the two minutes that loading a model may take
_LOOK_SECONDS = 0.5
_REFUSED = 125  # exit code of `run` where the engine itself failed
_LARGEST_MANIFEST = 1 << 20


class CommandLineEngine:
    """kind: DOCKER or PODMAN. program: path of the command. own: name for what is looked into."""

    def __init__(self, kind: str, program: str, own: str) -> None:
        self._kind, self._program, self._own = kind, program, own

    def prepare(self, image: str) -> Mapping[str, bytes]:
        """As Engine.prepare; the image is pulled where it is not here yet."""
        self._check()
        if self._ask("image", "inspect", image).returncode:
            self._pull(image)
        return self._manifests(image)

    def run(self, task: Task, watch: Watch) -> int:
        command = [self._program, *run_arguments(self._kind, task)]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL) as process:
            try:
                code = self._wait(process, watch)
            except BaseException:
                self.remove(task.name)
                process.kill()
                raise
        if code == _REFUSED:
            self._check()
            raise ContainerRefused(code)
        return code

    def remove(self, name: str) -> None:
        with contextlib.suppress(ModelServerAway):
            self._ask(*removal_arguments(self._kind, name))

    def names(self) -> list[str]:
        told = self._ask("ps", "--all", "--filter", "name=^airgate-", "--format", "{{.Names}}")
        return told.stdout.decode("utf-8", "replace").split()

    def _wait(self, process: subprocess.Popen[bytes], watch: Watch) -> int:
        while True:
            try:
                return process.wait(_LOOK_SECONDS)
            except subprocess.TimeoutExpired:
                watch()

    def _check(self) -> None:
        """Raises ModelServerAway where the engine's own server does not answer."""
        told = self._ask("version")
        if told.returncode:
            raise ModelServerAway(self._kind, _last_line(told.stderr))

    def _pull(self, image: str) -> None:
        told = self._ask("pull", "--quiet", image, seconds=_PULL_SECONDS)
        if told.returncode:
            raise ImageNotHere(image, _last_line(told.stderr))

    def _manifests(self, image: str) -> Mapping[str, bytes]:
        """Copied out of a container that is made and never started."""
        self.remove(self._own)
        made = self._ask("create", "--name", self._own, "--network", "none", image, "true")
        if made.returncode:
            raise ImageNotHere(image, _last_line(made.stderr))
        try:
            for folder in IN_IMAGE:
                found = {name: self._file(f"{folder}/{name}") for name in (APP, PKG)}
                if known := {name: one for name, one in found.items() if one is not None}:
                    return known
            return {}
        finally:
            self.remove(self._own)

    def _file(self, path: str) -> bytes | None:
        """The engine gives it as a tar stream; None where it is not there."""
        told = self._ask("cp", f"{self._own}:{path}", "-")
        if told.returncode or len(told.stdout) > _LARGEST_MANIFEST:
            return None
        with tarfile.open(fileobj=io.BytesIO(told.stdout)) as archive:
            content = archive.extractfile(archive.getmembers()[0])
            return content.read() if content else None

    def _ask(
        self, *arguments: str, seconds: float = _ASK_SECONDS
    ) -> subprocess.CompletedProcess[bytes]:
        """Raises ModelServerAway where no answer comes."""
        command: Sequence[str] = [self._program, *arguments]
        try:
            return subprocess.run(
                command,
                check=False,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=seconds,
            )
        except subprocess.TimeoutExpired as error:
            told = f"no answer to `{arguments[0]}` within {seconds:g} s"
            raise ModelServerAway(self._kind, told) from error


def _last_line(told: bytes) -> str:
    lines = told.decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:500] if lines else "it said nothing"
