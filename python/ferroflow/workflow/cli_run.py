"""``ferroflow run`` and ``ferroflow predict``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer


def run(
    config: Annotated[
        str, typer.Argument(metavar="WORKFLOW", help="the workflow.toml to run")
    ] = "workflow.toml",
    fresh: Annotated[
        bool, typer.Option("--fresh", help="run again even if these data and choices have a finished run")
    ] = False,
) -> None:
    """Clean, split, tune, train, judge, freeze.

    What comes out lies in runs/ID/ beside the configuration: report.html, scores.json, model.ff, the split, and the
    configuration as it was. ID follows from the configuration and the data: the same command after a kill goes on
    where it was, and after the end only says where the results are.

    \b
      ferroflow run workflow.toml
      ferroflow run --fresh
    """
    from ferroflow._bridge.progress import for_terminal
    from ferroflow.workflow._run import headline
    from ferroflow.workflow._run import run as run_config

    result = run_config(config, fresh=fresh, progress=for_terminal())
    if result.already_finished:
        typer.echo("This run is finished: the same choices on the same data (--fresh runs it again).")
    typer.echo(f"{result.scores['target']}: {headline(result.scores)}")
    for warning in result.scores["warnings"]:
        typer.echo(f"  ! {warning}")
    typer.echo(f"Report  {result.report}")
    typer.echo(
        f"Model   {result.model}" + (f"  ({result.version} in the registry)" if result.version else "")
    )
    typer.echo(f"Next    ferroflow predict {result.model} NEW.csv")


def predict(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="a model file, like runs/ID/model.ff")],
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA", help="CSV (also .gz) or Parquet file; - reads CSV from standard input"
        ),
    ],
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", help="write here, whole or not at all, and not to standard output"),
    ] = None,
    encoding: Annotated[
        str | None,
        typer.Option(
            help="of a CSV file, like latin-1; found by itself, but taken as utf-8 on standard input"
        ),
    ] = None,
    delimiter: Annotated[str | None, typer.Option(help="of a CSV file; found by itself")] = None,
) -> None:
    """Predict the rows of a table.

    Writes CSV, one line for each row of DATA in its order: prediction, and the probability of each class.

    The columns that the model needs are found by name, in any order; others are ignored, so that the table that the
    model was trained on will do. Texts that meant missing in training (like ?) do so here. A wrong cell ends the
    command with exit code 1 and a message that names its row and column; what was written to standard output before
    it stays, a file of --output is not written at all.

    \b
      ferroflow predict runs/ID/model.ff new.csv > predictions.csv
      ferroflow predict model.ff new.parquet --output predictions.csv
      cat new.csv | ferroflow predict model.ff -
    """
    from ferroflow.workflow._files import write_beside
    from ferroflow.workflow._predict import load_model, table_blocks, write_csv
    from ferroflow.workflow.problem import DataError

    if delimiter is not None and len(delimiter) != 1:
        raise typer.BadParameter("one character, like ';'", param_hint="--delimiter")
    frozen = load_model(model)
    blocks = table_blocks(data, frozen, encoding=encoding, delimiter=delimiter)
    name = "standard input" if data == "-" else data
    if output is None:
        try:
            write_csv(frozen, blocks, name, sys.stdout)
        except BrokenPipeError:
            # The reader has left (`| head`): not an error, and nothing may be written any more.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return
    path = Path(output)
    if not path.parent.is_dir():
        raise DataError(f"There is no folder {str(path.parent)!r} to write {path.name!r} in.")
    with write_beside(path) as file:
        rows = write_csv(frozen, blocks, name, file)
    typer.echo(f"Wrote {rows:,} predictions to {output}", err=True)
