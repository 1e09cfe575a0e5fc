"""What a check found, line by line, for a terminal and as JSON."""

import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum

from rich.console import Console
from rich.table import Table


class State(StrEnum):
    """A warning does not make a model unfit."""

    PASSED = "passed"
    WARNING = "warning"
    FAILED = "failed"


_SIGNS = {
    State.PASSED: ("✓", "green"),
    State.WARNING: ("!", "yellow"),
    State.FAILED: ("✗", "red"),
}


@dataclass(frozen=True)
class Line:
    """name: what was looked at. found: in words. do: what helps, unless all is well."""

    name: str
    state: State
    found: str
    do: str = ""


@dataclass
class Report:
    """measured: seconds of each step, and megabytes of memory, by name."""

    folder: str
    model: str = ""
    sample: str = ""
    lines: list[Line] = field(default_factory=list)
    measured: dict[str, float] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        return all(line.state is not State.FAILED for line in self.lines)

    def ok(self, name: str, found: str) -> None:
        self.lines.append(Line(name, State.PASSED, found))

    def warn(self, name: str, found: str, do: str) -> None:
        self.lines.append(Line(name, State.WARNING, found, do))

    def fail(self, name: str, found: str, do: str) -> None:
        self.lines.append(Line(name, State.FAILED, found, do))

    def json(self) -> str:
        return json.dumps({"passed": self.passed, **asdict(self)}, indent=2)

    def print(self, console: Console) -> None:
        sample = f", on {self.sample}" if self.sample else ""
        console.print(f"{self.model or self.folder}{sample}\n", style="bold")
        table = Table.grid("", "", "", padding=(0, 1))
        for line in self.lines:
            sign, colour = _SIGNS[line.state]
            table.add_row(f"[{colour}]{sign}[/]", line.name, _plain(line.found))
            if line.do:
                table.add_row("", "", f"[{colour}]→[/] {_plain(line.do)}")
        console.print(table)
        console.print(f"\n{self._end()}")

    def _end(self) -> str:
        failed = sum(line.state is State.FAILED for line in self.lines)
        if failed:
            return f"{counted(failed, 'thing')} to mend. Then check again."
        return "The gateway would take this model."


def counted(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _plain(text: str) -> str:
    return text.replace("[", r"\[")
