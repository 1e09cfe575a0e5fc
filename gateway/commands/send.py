"""`airgate send`: store files in the running gateway."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from gateway.client import Client, files_of
from gateway.settings import Settings

AT_ONCE = 50  # files in one request, so that progress shows


def send(settings: Settings, paths: Sequence[Path]) -> int:
    """Store all files; exit status 0 only if the gateway keeps every one."""
    console, files = Console(markup=False, highlight=False), files_of(paths)
    client = Client(settings)
    stored, failed = 0, 0
    with console.status("") as status:
        for start in range(0, len(files), AT_ONCE):
            status.update(f"{start} of {len(files)} files sent")
            _, answer = client.store(files[start : start + AT_ONCE])
            stored += len(_items(answer, "00081199"))
            for tag in ("00081198", "0008119A"):
                for item in _items(answer, tag):
                    failed += 1
                    console.print(_failure(item))
    console.print(f"{stored} stored, {failed} refused, of {len(files)} files")
    return 1 if failed or stored < len(files) else 0


def _items(answer: dict[str, Any], tag: str) -> list[dict[str, Any]]:
    return answer.get(tag, {}).get("Value", [])


def _failure(item: dict[str, Any]) -> str:
    reason = item.get("00081197", {}).get("Value", ["?"])[0]
    uid = item.get("00081155", {}).get("Value", ["an unreadable part"])[0]
    return f"refused {uid}: Failure Reason {reason} (PS3.18 Annex I; see /api/v1/quarantine)"
