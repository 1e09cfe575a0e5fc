"""The command line. Each command imports what it needs, so that `airgate --help` is quick."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from adapters.errors import AdapterError
from gateway.cli_models import models
from gateway.errors import GatewayError
from gateway.settings import Settings

app = typer.Typer(
    help="Airgate: DICOM studies in; AI results as DICOM objects and FHIR out. Research use only.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
rules = typer.Typer(help="Routing rules.", no_args_is_help=True)
batch = typer.Typer(help="One model over many studies.", no_args_is_help=True)
index = typer.Typer(help="The index of what the archive holds.", no_args_is_help=True)
workitems = typer.Typer(help="The worklist.")
app.add_typer(models, name="models")
app.add_typer(rules, name="rules")
app.add_typer(batch, name="batch")
app.add_typer(index, name="index")
app.add_typer(workitems, name="workitems")


def _flag(setting: str) -> object:
    """A flag for one setting of gateway/settings.py; its help is the setting's description."""
    field = Settings.model_fields[setting]
    default = False if field.default is None else str(field.default)
    return typer.Option(
        f"--{setting.replace('_', '-')}",
        help=f"{field.description} [AIRGATE_{setting.upper()}]",
        show_default=default,
    )


@app.command()
def serve(
    data: Annotated[Path | None, _flag("data")] = None,
    http: Annotated[str | None, _flag("http")] = None,
    public_url: Annotated[str | None, _flag("public_url")] = None,
    dicom: Annotated[str | None, _flag("dicom")] = None,
    archive: Annotated[str | None, _flag("archive")] = None,
    database_url: Annotated[str | None, _flag("database_url")] = None,
    token: Annotated[str | None, _flag("token")] = None,
    workers: Annotated[int | None, _flag("workers")] = None,
    quiet_seconds: Annotated[float | None, _flag("quiet_seconds")] = None,
    rules_file: Annotated[Path | None, _flag("rules")] = None,
) -> None:
    """Run the gateway: HTTP, DIMSE, workers, and the child Orthanc where it is the archive."""
    flags = {
        "data": data,
        "http": http,
        "public_url": public_url,
        "dicom": dicom,
        "archive": archive,
        "database_url": database_url,
        "token": token,
        "workers": workers,
        "quiet_seconds": quiet_seconds,
        "rules": rules_file,
    }
    settings = settings_with(flags)  # first, since a wrong one is told at once
    from gateway.commands.serve import serve as run

    run(settings)


@app.command()
def worker(
    slot: Annotated[int, typer.Option(help="Number of this worker on this machine.")] = 0,
    queues: Annotated[
        str, typer.Option(help="Whose jobs it takes: cpu, gpu, with commas between.")
    ] = "cpu,gpu",
) -> None:
    """Run one worker process beside a `serve` (AIRGATE_WORKERS=0) on this or another machine."""
    from gateway.jobs import QUEUES

    chosen = queues.split(",")
    if unknown := sorted(set(chosen) - set(QUEUES)):
        raise typer.BadParameter(f"{unknown[0]!r} is no queue; expected some of {','.join(QUEUES)}")
    from gateway.worker_process import run

    run(settings_with({}), slot, chosen)


@app.command(hidden=True)
def dimse() -> None:
    """The DIMSE listener process that `serve` starts."""
    from gateway.dimse_process import run

    run(settings_with({}))


@app.command(hidden=True)
def follow() -> None:
    """The process that `serve` starts to follow the changes of its Orthanc."""
    from gateway.following.process import run

    run(settings_with({}))


@app.command()
def demo(
    once: Annotated[bool, typer.Option("--once", help="Exit when all is verified.")] = False,
) -> None:
    """Start the gateway, send it a real chest CT, show what comes back."""
    from gateway.commands.demo import demo as run

    raise typer.Exit(run(settings_with({}), once))


@app.command()
def doctor() -> None:
    """Say what is missing or misconfigured, and how to mend it."""
    from gateway.commands.doctor import doctor as run

    raise typer.Exit(run(settings_with({})))


@app.command()
def conformance(
    out: Annotated[Path | None, typer.Option(help="File to write it to; else it is shown.")] = None,
) -> None:
    """Write the DICOM Conformance Statement of this version."""
    from gateway.conformance.statement import statement

    if out is None:
        typer.echo(statement(), nl=False)
    else:
        out.write_text(statement(), "utf-8")


@app.command()
def send(
    paths: Annotated[list[Path], typer.Argument(help="DICOM files or folders.", exists=True)],
) -> None:
    """Store DICOM files in the running gateway by STOW-RS."""
    from gateway.commands.send import send as run

    raise typer.Exit(run(settings_with({}), paths))


@app.command(name="run")
def run_model(
    model: Annotated[str, typer.Argument(help="Name of a bundled model, or a model's folder.")],
    paths: Annotated[list[Path], typer.Argument(help="DICOM files or folders.", exists=True)],
    out: Annotated[Path, typer.Option(help="Folder for the result objects.")],
) -> None:
    """Run one model on local files, with no server; write its DICOM objects and FHIR resources."""
    from gateway.commands.run import run

    raise typer.Exit(run(model, paths, out))


@rules.command("list")
def rules_list() -> None:
    """The routing rules of the running gateway, in order."""
    from gateway.commands.rules import print_rules

    print_rules(settings_with({}))


@rules.command("export")
def rules_export(
    out: Annotated[Path | None, typer.Option(help="File to write it to; else it is shown.")] = None,
) -> None:
    """The routing rules of the running gateway as YAML."""
    from gateway.commands.rules import export

    export(settings_with({}), out)


@rules.command("put")
def rules_put(
    source: Annotated[Path, typer.Argument(help="YAML file with all rules.", exists=True)],
) -> None:
    """Put a whole set in place of the routing rules of the running gateway."""
    from gateway.commands.rules import put

    put(settings_with({}), source)


@rules.command("try")
def rules_try(
    source: Annotated[Path, typer.Argument(help="YAML file with all rules.", exists=True)],
    days: Annotated[float, typer.Option(help="Of how many days the studies are tried.")] = 7,
    limit: Annotated[int, typer.Option(help="How many of them, the latest first.")] = 50,
) -> None:
    """Show what these rules would run on studies that came, and what they would change.

    Each line begins with + added, - removed, ~ changed, = as now.
    """
    from gateway.commands.rules import try_out

    try_out(settings_with({}), source, days, limit)


@rules.command("versions")
def rules_versions() -> None:
    """Who changed the routing rules, and when."""
    from gateway.commands.rules import print_versions

    print_versions(settings_with({}))


@rules.command("restore")
def rules_restore(
    number: Annotated[int, typer.Argument(help="Version, see `airgate rules versions`.", min=1)],
) -> None:
    """Make the routing rules of an earlier version the newest one."""
    from gateway.commands.rules import restore

    restore(settings_with({}), number)


@index.command("verify")
def index_verify(
    repair: Annotated[
        bool, typer.Option("--repair", help="Index what lacks, drop what is lost, count anew.")
    ] = False,
    drop_missing: Annotated[
        bool,
        typer.Option("--drop-missing", help="With --repair: also if it seems the wrong archive."),
    ] = False,
    deep: Annotated[
        bool, typer.Option("--deep", help="Read every instance and compare its content too.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare index and archive, beside a working gateway or without one.

    Exit status 0: they agree; 1: differences are left; 2: they could not be compared.
    """
    from gateway.commands.index import verify
    from gateway.following.verification import Order

    order = Order(repair=repair, drop_missing=drop_missing, deep=deep)
    raise typer.Exit(verify(settings_with({}), order, as_json=as_json))


@workitems.callback(invoke_without_command=True)
def workitems_list(
    context: typer.Context,
    dead: Annotated[bool, typer.Option("--dead", help="Only those that want a person.")] = False,
) -> None:
    """The newest workitems of the running gateway; or cancel or replay one of them."""
    from gateway.commands.tables import print_workitems

    if context.invoked_subcommand is None:
        print_workitems(settings_with({}), dead=dead)


@workitems.command("cancel")
def workitems_cancel(
    uid: Annotated[str, typer.Argument(help="UID of a workitem.")],
    reason: Annotated[str, typer.Option(help="Why; it is told in the worklist.")] = "",
) -> None:
    """Ask for a workitem to be canceled; a model that works on it is stopped."""
    from gateway.commands.tables import cancel_workitem

    cancel_workitem(settings_with({}), uid, reason)


@workitems.command("replay")
def workitems_replay(uid: Annotated[str, typer.Argument(help="UID of a workitem.")]) -> None:
    """Order the work of a workitem that ended without a result again."""
    from gateway.commands.tables import replay_workitem

    replay_workitem(settings_with({}), uid)


@batch.command("run")
def batch_run(
    model: Annotated[str, typer.Argument(help="Name of a registered model.")],
    csv: Annotated[
        Path, typer.Option(help="One column, StudyInstanceUID or AccessionNumber.", exists=True)
    ],
    version: Annotated[str | None, typer.Option(help="Of the model; unset = the newest.")] = None,
    stage: Annotated[
        str, typer.Option(help="`shadow` keeps results apart, `study` is clinical.")
    ] = "shadow",
    wait: Annotated[bool, typer.Option(help="Show the progress until all is done.")] = True,
) -> None:
    """Run a model over a list of studies, behind all clinical work."""
    from gateway.commands.batches import run

    raise typer.Exit(run(settings_with({}), model, csv, version=version, stage=stage, wait=wait))


@batch.command("show")
def batch_show(identifier: Annotated[str, typer.Argument(help="Id of a batch.")]) -> None:
    """What became of each line."""
    from gateway.commands.batches import show

    show(settings_with({}), identifier)


@batch.command("pause")
def batch_pause(identifier: Annotated[str, typer.Argument(help="Id of a batch.")]) -> None:
    """Queue nothing more of a batch for now."""
    from gateway.commands.batches import change

    change(settings_with({}), identifier, "pause")


@batch.command("resume")
def batch_resume(identifier: Annotated[str, typer.Argument(help="Id of a batch.")]) -> None:
    """Go on with a paused batch."""
    from gateway.commands.batches import change

    change(settings_with({}), identifier, "resume")


@batch.command("cancel")
def batch_cancel(identifier: Annotated[str, typer.Argument(help="Id of a batch.")]) -> None:
    """End a batch for good."""
    from gateway.commands.batches import change

    change(settings_with({}), identifier, "cancel")


@batch.command("delete")
def batch_delete(identifier: Annotated[str, typer.Argument(help="Id of a batch.")]) -> None:
    """Free the lines and shadow objects of a batch that has ended."""
    from gateway.commands.batches import delete

    delete(settings_with({}), identifier)


@app.command()
def batches() -> None:
    """The newest batches of the running gateway."""
    from gateway.commands.batches import print_batches

    print_batches(settings_with({}))


def settings_with(flags: dict[str, object]) -> Settings:
    """Settings from the environment and these flags, which are handed to child processes too."""
    for name, value in flags.items():
        if value is not None:
            os.environ[f"AIRGATE_{name.upper()}"] = str(value)
    return Settings()


def main() -> None:
    """Run a command; what the user can mend ends in one line and an exit code, no traceback."""
    try:
        app()
    except ValidationError as error:
        for one in error.errors(include_url=False):
            setting = str(one["loc"][0])
            wanted = Settings.model_fields[setting].description
            told = f"AIRGATE_{setting.upper()} is {one['input']!r}; expected {wanted}"
            print(f"airgate: {told} ({one['msg']})", file=sys.stderr)
        sys.exit(2)
    except (GatewayError, AdapterError) as error:
        print(f"airgate: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
