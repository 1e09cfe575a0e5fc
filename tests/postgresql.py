"""A PostgreSQL server that the tests start, use and stop themselves."""

import itertools
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import psycopg


def postgresql_binaries() -> Path | None:
    """The folder with initdb and pg_ctl: on PATH, or where Debian puts it."""
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return installed[-1].parent if installed else None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class PostgreSQL:
    """One cluster in a folder of its own. Root cannot run it; then the user `postgres` does, and
    pytest's temporary folders are closed to that one.
    """

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="airgate-postgresql-"))
        self._folder.chmod(0o755)
        binaries = postgresql_binaries()
        assert binaries is not None
        self._binaries, self._data, self.port = binaries, self._folder / "data", free_port()
        self._numbers = itertools.count(1)
        self._user = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
        if self._user:
            os.chown(self._folder, self._user.pw_uid, self._user.pw_gid)
        self._run("initdb", "-D", str(self._data), "-U", "airgate", "--auth=trust", "-N")
        self.start()

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''"
        log = str(self._data / "log")
        self._run("pg_ctl", "-D", str(self._data), "-w", "-l", log, "-o", options, "start")

    def restart(self) -> None:
        """As after a crash: connections break, what was committed is there again."""
        self._run("pg_ctl", "-D", str(self._data), "-w", "-m", "immediate", "stop")
        self.start()

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self._data), "-w", "-m", "immediate", "stop")
        shutil.rmtree(self._folder)

    def new_database(self) -> str:
        """The URL of a new, empty database."""
        name = f"airgate{next(self._numbers)}"
        with psycopg.connect(self._address("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')  # type: ignore[call-overload]
        return self._address(name)

    def _address(self, name: str) -> str:
        return f"postgresql://airgate@127.0.0.1:{self.port}/{name}"

    def _run(self, program: str, *arguments: str) -> None:
        identity = {"user": self._user.pw_uid, "group": self._user.pw_gid} if self._user else {}
        subprocess.run(
            [self._binaries / program, *arguments],
            check=True,
            stdout=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            cwd="/",
            **identity,
        )
