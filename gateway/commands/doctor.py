"""`airgate doctor`: what is missing or misconfigured, and how to mend it."""

import importlib.util
import shutil
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass

import httpx
from rich.console import Console
from rich.table import Table
from sqlalchemy import inspect
from sqlalchemy.exc import SQLAlchemyError

from adapters.artefact_store import ArtefactStore
from adapters.errors import AdapterError, ArtefactsUnavailable
from adapters.orthanc_process import orthanc_binary
from adapters.runtimes.kept_process import not_withheld
from ai_models.bundled import bundled_models
from gateway import services
from gateway.archives import connect
from gateway.errors import GatewayError
from gateway.following.lag import lag
from gateway.routing.reading import read_rules
from gateway.settings import Settings

LOW_DISK_BYTES = 5 * 1024**3


@dataclass(frozen=True)
class Finding:
    """ok: None for what is no fault but worth knowing. mend: what to do, empty when ok."""

    what: str
    ok: bool | None
    found: str
    mend: str = ""


def doctor(settings: Settings) -> int:
    """Print one line per check; exit status 1 when something must be mended."""
    findings = [check(settings) for check in CHECKS]
    table = Table("", "check", "found", box=None, padding=(0, 1, 0, 0))
    signs = {True: "ok", False: "MEND", None: "note"}
    for finding in findings:
        found = f"{finding.found}\n-> {finding.mend}" if finding.mend else finding.found
        table.add_row(signs[finding.ok], finding.what, found)
    Console(markup=False, highlight=False).print(table)
    return 1 if any(finding.ok is False for finding in findings) else 0


def _python(_settings: Settings) -> Finding:
    found = ".".join(str(part) for part in sys.version_info[:3])
    good = sys.version_info >= (3, 11)
    return Finding("Python", good, found, "" if good else "use Python 3.11 or newer")


def _data(settings: Settings) -> Finding:
    try:
        settings.data.mkdir(parents=True, exist_ok=True)
        probe = settings.data / ".doctor"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        mend = "set AIRGATE_DATA to a folder that this user may write"
        return Finding("data folder", False, f"{settings.data}: {error.strerror}", mend)
    free = shutil.disk_usage(settings.data).free
    found = f"{settings.data}, {free / 1024**3:.0f} GiB free"
    mend = "" if free > LOW_DISK_BYTES else "free disk space: studies are refused when it is full"
    return Finding("data folder", not mend or None, found, mend)


def _token(settings: Settings) -> Finding:
    path = settings.data / "token"
    if settings.token is not None:
        return Finding("token", True, "set by AIRGATE_TOKEN")
    if not path.exists():
        return Finding("token", None, "none yet; made at first start")
    mode = path.stat().st_mode & 0o777
    mend = "" if mode == 0o600 else f"chmod 600 {path}"
    return Finding("token", not mend, f"{path}, mode {mode:o}", mend)


def _database(settings: Settings) -> Finding:
    try:
        database = services.open_database(settings)
        tables = inspect(database.engine).get_table_names()
        database.close()
    except (SQLAlchemyError, OSError) as error:
        mend = "restore it from a backup, or name another by AIRGATE_DATABASE_URL"
        return Finding("database", False, str(getattr(error, "orig", None) or error), mend)
    url = database.url.render_as_string(hide_password=True)
    return Finding("database", True, f"{url} ({len(tables)} tables)")


def _orthanc(settings: Settings) -> Finding:
    try:
        if settings.archive == "orthanc":
            return Finding("archive", True, f"child Orthanc, {orthanc_binary()}")
        return Finding("archive", True, connect(settings).check())
    except (AdapterError, GatewayError) as error:
        found, _, mend = str(error).partition("; ")
        return Finding("archive", False, found, mend)


def _following(settings: Settings) -> Finding:
    what = "following"
    if settings.archive == "folder" or not settings.follow_changes:
        told = "nothing is followed; `airgate index verify` compares index and archive"
        return Finding(what, None, told)
    try:
        database = services.open_database(settings)
        found = lag(settings, database, connect(settings))
        database.close()
    except (AdapterError, GatewayError, SQLAlchemyError):
        return Finding(what, None, "nothing to tell: archive or database cannot be asked")
    if found is None or found.behind is None:
        return Finding(what, None, "not yet; begins with `airgate serve`")
    told = f"{found.behind} change(s) behind, {found.held} instances in the archive"
    if found.missing:
        mend = "see `airgate index verify`: it looks like another archive than before"
        return Finding(what, False, f"{told}, {found.missing} missing there", mend)
    return Finding(what, True, told)


def _viewer(settings: Settings) -> Finding:
    if (settings.ohif / "index.html").is_file():
        return Finding("OHIF viewer", True, str(settings.ohif))
    return Finding("OHIF viewer", None, f"nothing in {settings.ohif}", "run `make setup`")


def _rules(settings: Settings) -> Finding:
    try:
        rules = read_rules(settings.rules)
    except GatewayError as error:
        found, _, mend = str(error).partition("; ")
        return Finding("routing rules", False, found, mend)
    known = {card.name for card in bundled_models().values()}
    foreign = sorted({rule.run for rule in rules} - known)
    found = f"{len(rules)} rule(s)" + (f"; not bundled: {', '.join(foreign)}" if foreign else "")
    mend = "register these models by POST /api/v1/models" if foreign else ""
    return Finding("routing rules", None if foreign else True, found, mend)


def _torch(_settings: Settings) -> Finding:
    missing = [name for name in ("torch", "monai") if importlib.util.find_spec(name) is None]
    if not missing:
        return Finding("torch, monai", True, "installed")
    mend = "pip install 'airgate[models]' where workers run such models"
    return Finding("torch, monai", None, f"missing: {', '.join(missing)}", mend)


def _port(settings: Settings) -> Finding:
    try:
        reply = httpx.get(f"http://{settings.http}/health/live", timeout=2)
    except httpx.TransportError:
        return _free(settings)
    if reply.is_success and reply.json() == {"status": "live"}:
        return Finding("HTTP port", True, f"a gateway serves at {settings.http}")
    return Finding("HTTP port", False, f"{settings.http} is another program's", "set AIRGATE_HTTP")


def _free(settings: Settings) -> Finding:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(settings.http_address)
        except OSError as error:
            found = f"{settings.http}: {error.strerror}"
            return Finding("HTTP port", False, found, "set AIRGATE_HTTP to a free address")
    return Finding("HTTP port", True, f"{settings.http} is free")


def _artefacts(settings: Settings) -> Finding:
    try:
        store = ArtefactStore(settings.artefacts_url)
        store.check()
    except ArtefactsUnavailable as error:
        return Finding("artefacts of models", False, error.found, "check AIRGATE_ARTEFACTS")
    return Finding("artefacts of models", True, store.where)


def _models_kept(settings: Settings) -> Finding:
    what = "limits of models"
    if told := not_withheld():
        needed = settings.model_network == "required"
        mend = "allow user namespaces and Landlock to workers; see docs/models.md"
        return Finding(what, False if needed else None, "; ".join(told), mend)
    return Finding(what, True, "network and files can be withheld from models")


CHECKS: tuple[Callable[[Settings], Finding], ...] = (
    _python,
    _data,
    _artefacts,
    _token,
    _database,
    _orthanc,
    _following,
    _port,
    _rules,
    _viewer,
    _torch,
    _models_kept,
)
