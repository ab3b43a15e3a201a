"""`ferroflow models`: which models there are, how good they were, which one is in use, and changing that."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ferroflow.maintain.registry import Move, Registry, Version

_HELP = """
The registry of models: list, compare, promote, roll back.

Every finished run registers its model as the next version of its name. An alias says which version is in use;
it moves by promote and rollback, and its history keeps who moved, when and why.

\b
  ferroflow models list
  ferroflow models show titanic            its champion, else its newest version
  ferroflow models compare titanic:1 titanic:2
  ferroflow models promote titanic:2 --why "better AUC on the same rows"
  ferroflow models rollback titanic        the champion before this one again
  ferroflow serve "$(ferroflow models path titanic@champion)"

VERSION is NAME:NUMBER, NAME@ALIAS, or NAME alone. The registry is .ferroflow/registry.db in the current folder
(SQLite); --registry or the environment's FERROFLOW_REGISTRY names another file, or a database by URL, like
postgresql+psycopg://host/db (FERROFLOW_ARTIFACTS then names the folder of the model files).
"""

app = typer.Typer(
    name="models",
    help=_HELP,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

# The measures that a list shows.
_TELLING = ("roc_auc", "accuracy", "r2", "rmse")

Where = Annotated[
    str | None, typer.Option("--registry", metavar="URL", help="a SQLite file, its folder, or a database URL")
]
Json = Annotated[bool, typer.Option("--json", help="print JSON, for programs")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="the model's name")]
What = Annotated[str, typer.Argument(metavar="VERSION", help="NAME:NUMBER, NAME@ALIAS or NAME")]
Number = Annotated[str | None, typer.Argument(metavar="[NUMBER]", help="instead of NAME:NUMBER")]
Alias = Annotated[str, typer.Option("--alias", "-a", help="which alias")]
Why = Annotated[str, typer.Option("--why", "-w", help="the reason, kept in the history")]


@app.command("list")
def list_(registry: Where = None, as_json: Json = False) -> None:
    """List every model and its versions.

    \b
      ferroflow models list
      ferroflow models list --json
    """
    with _open(registry) as found:
        models = found.models()
    if as_json:
        return _print_json([asdict(model) for model in models])
    if not models:
        return typer.echo("No models yet. `ferroflow run workflow.toml` registers what it trains.")
    rows = [("MODEL", "ALIASES", "CREATED", "SCORES", "FROM")]
    for model in models:
        for v in reversed(model.versions):
            origin = f"run {v.run}" if v.run else v.notes[:40]
            rows.append((str(v), ", ".join(f"@{a}" for a in v.aliases), v.created, _headline(v), origin))
    return _print_table(rows)


@app.command()
def show(what: What, number: Number = None, registry: Where = None, as_json: Json = False) -> None:
    """Show one version: scores, origin, file.

    \b
      ferroflow models show titanic
      ferroflow models show titanic:2
      ferroflow models show titanic@challenger
    """
    with _open(registry) as found:
        version = found.version(_joined(what, number))
        place = found.place(version)
    if as_json:
        return _print_json({**asdict(version), "path": str(place)})
    facts = [
        ("version", f"{version}{''.join(f' @{a}' for a in version.aliases)}"),
        ("created", version.created),
        ("run", version.run or "-"),
        ("data", version.data or "-"),
        ("held out", version.held_out or "-"),
        ("sha256", version.sha256),
        ("file", f"{place} ({version.size / 1024:,.1f} KiB)"),
    ]
    if version.notes:
        facts.append(("notes", version.notes))
    _print_table(facts)
    if version.metrics:
        rows = [("", ""), ("SCORE", "VALUE", "95% INTERVAL", "BASELINE")]
        for name, score in version.metrics.items():
            rows.append((name, *_score_cells(score)))
        _print_table(rows)
    return None


@app.command()
def compare(
    first: Annotated[str, typer.Argument(metavar="A", help="NAME:NUMBER, NAME@ALIAS or NAME")],
    second: Annotated[str, typer.Argument(metavar="B", help="the same; differences are B minus A")],
    registry: Where = None,
    as_json: Json = False,
) -> None:
    """Put the scores of two versions side by side.

    Says so if the two were judged on different rows, for then the differences mean little.

    \b
      ferroflow models compare titanic:1 titanic:2
      ferroflow models compare titanic@champion titanic@challenger --json
    """
    from ferroflow.maintain.compare import compare as side_by_side

    with _open(registry) as found:
        result = side_by_side(found.version(first), found.version(second))
    if as_json:
        return _print_json(asdict(result))
    rows = [("SCORE", str(result.first), str(result.second), "DIFFERENCE", "")]
    for d in result.differences:
        told = "" if d.better is None else ("better" if d.better else "worse")
        change = "-" if d.difference is None else f"{d.difference:+.4g}"
        rows.append((d.measure, _number(d.first), _number(d.second), change, told))
    _print_table(rows)
    for warning in result.warnings:
        typer.echo(f"! {warning}", err=True)
    return None


@app.command()
def promote(
    what: What,
    number: Number = None,
    alias: Alias = "champion",
    why: Why = "",
    registry: Where = None,
    as_json: Json = False,
) -> None:
    """Point an alias to a version: put it in use.

    \b
      ferroflow models promote titanic:2 --why "better AUC on the same rows"
      ferroflow models promote titanic 2
      ferroflow models promote titanic:3 --alias challenger
    """
    with _open(registry) as found:
        version = found.version(_joined(what, number))
        move = found.promote(str(version), alias, why)
    if as_json:
        return _print_json(None if move is None else asdict(move))
    if move is None:
        return typer.echo(f"{version.name}@{alias} is version {version.number} already; nothing changed.")
    return typer.echo(_told(move))


@app.command()
def rollback(
    name: Name, alias: Alias = "champion", why: Why = "", registry: Where = None, as_json: Json = False
) -> None:
    """Take the last promotion back; again goes back one further.

    \b
      ferroflow models rollback titanic --why "complaints since noon"
    """
    with _open(registry) as found:
        move = found.rollback(name, alias, why)
    return _print_json(asdict(move)) if as_json else typer.echo(_told(move))


@app.command()
def history(
    name: Name,
    alias: Annotated[str | None, typer.Option("--alias", "-a", help="this alias alone")] = None,
    registry: Where = None,
    as_json: Json = False,
) -> None:
    """Show how the aliases of a model moved, oldest first.

    \b
      ferroflow models history titanic
      ferroflow models history titanic --alias champion --json
    """
    with _open(registry) as found:
        moves = found.history(name, alias)
    if as_json:
        return _print_json([asdict(move) for move in moves])
    if not moves:
        return typer.echo(f"No alias of {name} has moved yet: ferroflow models promote {name}:NUMBER")
    rows = [("WHEN", "ALIAS", "WHAT", "FROM", "TO", "WHY")]
    rows += [(m.made, f"@{m.alias}", m.kind, str(m.origin or "-"), str(m.to), m.why) for m in moves]
    return _print_table(rows)


@app.command()
def register(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="a model file, like model.ff")],
    name: Annotated[
        str | None, typer.Option("--name", "-n", help="by default what the model calls itself")
    ] = None,
    scores: Annotated[
        Path | None, typer.Option("--scores", help="JSON: {measure: number, ...} or a run's scores.json")
    ] = None,
    notes: Annotated[str, typer.Option("--notes", help="anything worth knowing")] = "",
    registry: Where = None,
    as_json: Json = False,
) -> None:
    """Add a model file by hand, as the next version of its name.

    Runs do this by themselves. The same file under the same name is registered once.

    \b
      ferroflow models register model.ff --name titanic --notes "trained by Ada"
      ferroflow models register model.ff --scores scores.json
    """
    with _open(registry, create=True) as found:
        version = found.register(
            model, name=name, metrics=_read_scores(scores) if scores else None, notes=notes
        )
    return _print_json(asdict(version)) if as_json else typer.echo(str(version))


@app.command()
def path(what: What, number: Number = None, registry: Where = None) -> None:
    """Print where a version's file lies, after checking it.

    \b
      ferroflow serve "$(ferroflow models path titanic@champion)"
      cp "$(ferroflow models path titanic:2)" model.ff
    """
    with _open(registry) as found:
        typer.echo(found.path(_joined(what, number)))


def _open(where: str | None, *, create: bool = False) -> Registry:
    from ferroflow.maintain.registry import Registry

    return Registry(where, create=create)


def _joined(what: str, number: str | None) -> str:
    if number is None:
        return what
    if ":" in what or "@" in what:
        raise typer.BadParameter(f"{what!r} names a version already", param_hint="NUMBER")
    return f"{what}:{number}"


def _read_scores(path: Path) -> dict[str, Any]:
    from ferroflow.maintain.registry import RegistryError

    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise RegistryError(f"{path} is not JSON: {error}") from None
    if isinstance(found, dict) and isinstance(found.get("measures"), dict):
        found = found["measures"]
    if not isinstance(found, dict):
        raise RegistryError(f'{path} holds no scores: give an object like {{"accuracy": 0.9}}')
    return found


def _told(move: Move) -> str:
    origin = f"version {move.origin}" if move.origin else "nothing"
    return f"{move.name}@{move.alias}: {origin} -> version {move.to}"


def _headline(version: Version) -> str:
    from ferroflow.maintain.compare import values

    found = values(version)
    first: list[str] = [name for name in _TELLING if name in found] or list(found)
    return ", ".join(f"{name} {_number(found[name])}" for name in first[:2])


def _score_cells(score: Any) -> tuple[str, str, str]:
    from ferroflow.maintain.compare import value_of

    if not isinstance(score, dict):
        score = {"value": score}
    low, high = value_of(score.get("low")), value_of(score.get("high"))
    interval = "" if low is None or high is None else f"{_number(low)} to {_number(high)}"
    baseline = value_of(score.get("baseline"))
    return _number(value_of(score)), interval, "" if baseline is None else _number(baseline)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=1, ensure_ascii=False))


def _print_table(rows: list[Any]) -> None:
    """Print rows of texts in columns."""
    columns = max(len(row) for row in rows)
    full = [[*row, *[""] * (columns - len(row))] for row in rows]
    widths = [max(len(row[j]) for row in full) for j in range(columns)]
    for row in full:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
