"""`airgate models …`, named here and done in gateway/commands/models.py."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from gateway.settings import Settings

models = typer.Typer(help="Registered models.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name of a registered model.")]
Version = Annotated[str, typer.Argument(help="Version of it.")]
AnyVersion = Annotated[
    str | None, typer.Argument(help="Unset = the live one, or else the newest.", show_default=False)
]
Note = Annotated[str, typer.Option(help="Why; it is kept.")]
Displaced = Annotated[
    Literal["retired", "shadow"], typer.Option(help="What becomes of the version that is live.")
]


@models.command("list")
def models_list() -> None:
    """The models that the running gateway knows."""
    from gateway.commands.models import print_models

    print_models(Settings())


@models.command("show")
def models_show(name: Name, version: AnyVersion = None) -> None:
    """The facts of a version, and who moved it to which stage."""
    from gateway.commands.models import show

    show(Settings(), name, version)


@models.command("register")
def models_register(
    source: Annotated[
        Path, typer.Argument(help="A card.toml, a zip or tar.gz archive, or any file.", exists=True)
    ],
    card: Annotated[
        Path | None, typer.Option(help="Card of a file that brings none.", exists=True)
    ] = None,
) -> None:
    """Register a model with the running gateway."""
    from gateway.commands.models import register

    register(Settings(), source, card)


@models.command("new")
def models_new(
    name: Annotated[str, typer.Argument(help="Of the model, and of its folder.")],
    runtime: Annotated[
        Literal["python", "torchscript", "torch-export", "onnx", "monai-bundle", "ups"],
        typer.Option(help="What runs it."),
    ] = "python",
    folder: Annotated[
        Path, typer.Option(help="Where its folder is made.", exists=True, file_okay=False)
    ] = Path(),
) -> None:
    """Write a folder with a model that works, to put your own in its place."""
    from gateway.commands.model_new import new

    made = new(name, runtime, folder)
    typer.echo(f"wrote {made}; try it: airgate models check {made}")


@models.command("check")
def models_check(
    folder: Annotated[Path, typer.Argument(help="Folder of a model, with its card.toml.")],
    sample: Annotated[
        list[Path] | None,
        typer.Option(
            help="DICOM files or a folder to try it on; again for more. Unset = a sample of ours.",
            exists=True,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check a model before it is registered: card, loading, findings, objects. No server needed.

    Exit status 0: the gateway would take it; 1: something is to be mended.
    """
    from gateway.commands.model_check import print_check

    raise typer.Exit(print_check(folder, sample or [], as_json=as_json))


@models.command("promote")
def models_promote(
    name: Name,
    version: Version,
    to: Annotated[
        Literal["shadow", "live"] | None,
        typer.Option(help="Unset = the next: draft to shadow, shadow to live."),
    ] = None,
    note: Note = "",
    displaced: Displaced = "retired",
) -> None:
    """Move a version to shadow or live."""
    from gateway.commands.models import move

    order = {"to": to or "", "note": note, "displaced": displaced}
    move(Settings(), name, version, "promote", order)


@models.command("retire")
def models_retire(name: Name, version: Version, note: Note = "") -> None:
    """Give a version no new work."""
    from gateway.commands.models import move

    move(Settings(), name, version, "retire", {"note": note})


@models.command("delete")
def models_delete(name: Name, version: Version) -> None:
    """Forget a draft, or a retired version, that no result names."""
    from gateway.commands.models import delete

    delete(Settings(), name, version)


@models.command("roll-back")
def models_roll_back(name: Name, note: Note = "", displaced: Displaced = "retired") -> None:
    """Make the version live that was live before."""
    from gateway.commands.models import move

    move(Settings(), name, None, "roll-back", {"note": note, "displaced": displaced})


@models.command("try")
def models_try(
    name: Name,
    study: Annotated[str, typer.Argument(help="Study Instance UID of a stored study.")],
    version: Annotated[
        str | None, typer.Option(help="Unset = the live one, or else the newest.")
    ] = None,
    series: Annotated[
        list[str] | None, typer.Option(help="Series Instance UID; choose from these alone.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the result objects.")] = None,
) -> None:
    """Run a version on a stored study and publish nothing.

    Exit status 0: it gave a result, or had nothing to say.
    """
    from gateway.commands.models import try_out

    status = try_out(Settings(), name, study, version=version, series=series or [], out=out)
    raise typer.Exit(status)


@models.command("usage")
def models_usage(
    name: Name,
    version: AnyVersion = None,
    days: Annotated[float, typer.Option(help="Of how many days.")] = 30,
) -> None:
    """How the work of a version ended, and what took how long."""
    from gateway.commands.models import print_usage

    print_usage(Settings(), name, version, days)
