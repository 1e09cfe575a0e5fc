"""`airgate rules`: the rule set of the running gateway, its versions, and trying a draft."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from gateway.client import Client
from gateway.settings import Settings

RULES = "/api/v1/rules"
YAML = "application/yaml"
MARKS = {"added": "+", "removed": "-", "changed": "~", "same": "=", "none": " "}


def print_rules(settings: Settings) -> None:
    table = Table("rule", "when", "run", "how")
    for rule in Client(settings).json(RULES):
        if "set_aside" in rule:
            table.add_row(rule["name"], "", "", f"set aside: {rule['set_aside']}")
            continue
        table.add_row(rule["name"], _when(rule), rule["run"], _how(rule))
    _console().print(table)


def export(settings: Settings, out: Path | None) -> None:
    """The set in force as YAML, to a file or to standard output."""
    text = Client(settings).get(RULES, headers={"Accept": YAML}).text
    if out is None:
        print(text, end="")
    else:
        out.write_text(text, "utf-8")


def put(settings: Settings, source: Path) -> None:
    rules = Client(settings).put(RULES, source.read_bytes(), YAML)
    _console().print(f"{len(rules)} rule(s) are in force")


def print_versions(settings: Settings) -> None:
    table = Table("version", "when (UTC)", "who", "what")
    for one in Client(settings).json(f"{RULES}/versions"):
        when = datetime.fromtimestamp(one["at"], UTC).strftime("%Y-%m-%d %H:%M:%S")
        table.add_row(str(one["number"]), when, one["changed_by"], one["change"])
    _console().print(table)


def restore(settings: Settings, number: int) -> None:
    rules = Client(settings).post(f"{RULES}/versions/{number}/restore", b"", YAML)
    _console().print(f"{len(rules)} rule(s) of version {number} are in force again")


def try_out(settings: Settings, source: Path, days: float, limit: int) -> None:
    """Print what the draft would change: one line for each model of each study."""
    query = f"?days={days:g}&limit={limit}"
    answer = Client(settings).post(f"{RULES}/try{query}", source.read_bytes(), YAML)
    console = _console()
    for study in answer["studies"]:
        console.print(f"study {study['study_instance_uid']}", soft_wrap=True)
        for run in study["runs"]:
            console.print(f"  {MARKS[run['change']]} {_run(run)}", soft_wrap=True)
        if not study["runs"]:
            console.print(f"    nothing: {study['reason']}", soft_wrap=True)
    told = ", ".join(f"{count} {change}" for change, count in sorted(answer["counts"].items()))
    seen = f"{len(answer['studies'])} of {answer['studies_in_all']} studies"
    console.print(f"{seen} against version {answer['rules_version']}: {told or 'nothing runs'}")


def _run(run: dict[str, Any]) -> str:
    view = run["draft"] or run["live"]
    marks = [*run["what"], *(["shadow"] if view["stage"] == "shadow" else [])]
    what = f" ({', '.join(marks)})" if marks else ""
    if run["reason"]:
        return f"{run['model']}{what}: {run['reason']}"
    chosen = "; ".join(f"{one['name']} {one['because']}" for one in view["inputs"])
    return f"{run['model']} by rule {view['rule']}{what}: {chosen}"


def _when(rule: dict[str, Any]) -> str:
    told = "; ".join(map(_test, rule["when"]))
    either = " or ".join(map(_test, rule["any"]))
    return "; ".join(part for part in (told, either) if part) or "always"


def _how(rule: dict[str, Any]) -> str:
    marks = [name for name in ("default", "stop") if rule[name]]
    if rule["priority"]:
        marks.append(rule["priority"].lower())
    if rule["stage"] != "live":
        marks.append(rule["stage"])
    return ", ".join(marks if rule["enabled"] else ["disabled", *marks])


def _test(one: dict[str, Any]) -> str:
    if "expression" in one:
        return one["expression"]
    tests = {k: v for k, v in one.items() if k != "attribute" and v is not None}
    told = " ".join(f"{name.replace('_', ' ')} {value}" for name, value in tests.items())
    return f"{one['attribute']} {told}"


def _console() -> Console:
    return Console(markup=False, highlight=False)
