"""The command line. It starts in a blink: the stages, and what they import, are loaded by the command that runs."""

from __future__ import annotations

import sys
from typing import Annotated, Any, NoReturn

import typer

_HELP = """
From a raw table to a served model.

\b
  ferroflow init titanic.csv --target survived    look at the data, write workflow.toml
  ferroflow explore titanic.csv                   see the data: report.html
  ferroflow run workflow.toml                     clean, split, tune, train, judge, freeze
  ferroflow predict runs/ID/model.ff new.csv      predictions as CSV
  ferroflow serve runs/ID/model.ff                POST /predict on http://127.0.0.1:8080
  ferroflow models list                           the registry: compare, promote, roll back

Each command explains itself: ferroflow init --help
"""

app = typer.Typer(
    name="ferroflow",
    help=_HELP,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Source = Annotated[
    str,
    typer.Argument(
        metavar="DATA", help="CSV (also .gz), Parquet or SQLite file, or a URL like sqlite:///films.db"
    ),
]
Query = Annotated[str | None, typer.Option("--query", "-q", help="SQL that gives the table, for a database")]
Encoding = Annotated[
    str | None, typer.Option(help="of a CSV file, like latin-1; found by itself if left out")
]
Header = Annotated[
    bool, typer.Option("--header", help="the first line holds names even if it looks like data")
]
TaskOption = Annotated[
    str | None, typer.Option(help="classification or regression; by default what the target suggests")
]


def _version(wanted: bool) -> None:
    if wanted:
        from ferroflow import __version__

        typer.echo(f"ferroflow {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="print the version and leave")
    ] = False,
) -> None:
    pass


@app.command()
def init(
    data: Source,
    target: Annotated[str, typer.Option("--target", "-t", help="the column to be predicted")],
    query: Query = None,
    task: TaskOption = None,
    encoding: Encoding = None,
    header: Header = False,
    force: Annotated[
        bool, typer.Option("--force", "-f", help="overwrite a workflow.toml that is there")
    ] = False,
) -> None:
    """Look at the data, write workflow.toml.

    Each choice in the file has its reason beside it.

    \b
      ferroflow init titanic.csv --target survived
      ferroflow init houses.parquet --target price --task regression
      ferroflow init films.db --target rating --query "SELECT * FROM films"

    Read the file, change what you know better, then: ferroflow run workflow.toml
    """
    _check_task(task)
    from ferroflow.workflow import init as write

    config, found = write(
        data,
        target,
        query=query,
        task=task,
        encoding=encoding,
        header=header,
        force=force,
    )
    typer.echo(f"{found.rows:,} rows, {len(found.columns)} columns; {config.target.task} of {target!r}")
    for role in ("numeric", "categorical", "drop"):
        names = found.named(role)
        word = "left out" if role == "drop" else role
        typer.echo(f"  {word:12}{len(names):4}  {', '.join(names)}")
    for warning in found.warnings:
        typer.echo(f"  ! {warning}")
    typer.echo("Wrote workflow.toml. Read it, then: ferroflow run workflow.toml")


@app.command()
def explore(
    data: Source,
    target: Annotated[
        str | None,
        typer.Option("--target", "-t", help="the column to be predicted: shows what tells it, and leaks"),
    ] = None,
    output: Annotated[str, typer.Option("--output", "-o", help="the page to write")] = "report.html",
    query: Query = None,
    task: TaskOption = None,
    encoding: Encoding = None,
    header: Header = False,
) -> None:
    """Show the data on one HTML page.

    The page is one file and opens without a network.

    \b
      ferroflow explore titanic.csv
      ferroflow explore titanic.csv --target survived --output titanic.html
    """
    _check_task(task)
    from ferroflow.workflow import explore as write

    found = write(
        data,
        target,
        query=query,
        task=task,
        encoding=encoding,
        header=header,
        output=output,
    )
    typer.echo(f"{found.rows:,} rows, {len(found.columns)} columns; to look at: {len(found.warnings)}")
    for warning in found.warnings:
        typer.echo(f"  ! {warning}")
    typer.echo(f"Wrote {output}")


def _check_task(task: str | None) -> None:
    if task not in (None, "classification", "regression"):
        raise typer.BadParameter("classification or regression", param_hint="--task")


# For commands that read their own arguments.
_PASSED_ON = {
    "ignore_unknown_options": True,
    "allow_extra_args": True,
    "allow_interspersed_args": False,
    "help_option_names": [],
}

# Commands of other rooms: where each lives, and the line that `ferroflow --help` shows for it.
_ELSEWHERE = {
    "run": (
        "ferroflow.workflow.cli_run",
        "run",
        "Clean, split, tune, train, judge, freeze.",
    ),
    "predict": ("ferroflow.workflow.cli_run", "predict", "Predict the rows of a table."),
    "container": (
        "ferroflow.workflow.cli_container",
        "container",
        "A container image of a model.",
    ),
    "models": ("ferroflow.workflow.cli_models", "app", "The registry: compare, promote, roll back."),
}


def _mount(name: str) -> None:
    """Mount a command by its place: its module is imported when the command runs, or its help is asked for."""
    module, attribute, line = _ELSEWHERE[name]

    @app.command(name, help=line, add_help_option=False, context_settings=_PASSED_ON)
    def forward(context: typer.Context) -> None:
        from importlib import import_module

        found = getattr(import_module(module), attribute)
        if not isinstance(found, typer.Typer):
            single = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
            single.command(name, context_settings={"help_option_names": ["-h", "--help"]})(found)
            found = single
        command = typer.main.get_command(found)
        _invoke(command, context.args, f"ferroflow {name}")


def _invoke(command: Any, arguments: list[str], name: str) -> None:
    """Run a command in place; its errors and its exit code reach `main`."""
    code = command.main(args=arguments, prog_name=name, standalone_mode=False)
    if isinstance(code, int) and code:
        raise typer.Exit(code)


_PROGRAM = {"serve": "Answer predictions over HTTP.", "keys": "Make keys for the server."}


def _mount_program(name: str) -> None:
    """Mount a command of the server's program: this process becomes it, so it has none of Python's weight."""

    @app.command(name, help=_PROGRAM[name], add_help_option=False, context_settings=_PASSED_ON)
    def forward(context: typer.Context) -> None:
        from ferroflow.deploy._program import become

        raise typer.Exit(become(f"ferroflow {name}", context.args))


for _name in _ELSEWHERE:
    _mount(_name)
for _name in _PROGRAM:
    _mount_program(_name)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and leave: 0 done, 1 failed, 2 wrong usage, 130 stopped by Ctrl-C."""
    sys.exit(_run(sys.argv[1:] if arguments is None else arguments))


def _run(arguments: list[str]) -> int:
    # By way of Typer's own name: it carries Click inside itself or takes the installed one, by its version.
    usage_error: Any = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")
    command = typer.main.get_command(app)
    try:
        code = command.main(args=arguments, prog_name="ferroflow", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except (KeyboardInterrupt, typer.Abort):
        typer.echo("Stopped.", err=True)
        return 130
    except usage_error as error:
        error.show()
        return error.exit_code
    except Exception as error:
        if not _for_people(error):
            raise
        typer.echo(f"ferroflow: {error}", err=True)
        return 1


def _for_people(error: Exception) -> bool:
    """Whether the message says what is wrong and what to do; anything else is a defect and shows its trace."""
    from ferroflow.workflow.problem import WorkflowError

    if isinstance(error, WorkflowError | OSError):
        return True
    if isinstance(error, ModuleNotFoundError) and not (error.name or "").startswith("ferroflow"):
        error.msg = f"{error.msg}. Install what the workflow needs: pip install 'ferroflow[workflow]'"
        return True
    # The library's own errors (a damaged model, a row that does not fit) are written for people too.
    return isinstance(error, ModuleNotFoundError) or type(error).__module__.startswith("ferroflow")


if __name__ == "__main__":
    main()
