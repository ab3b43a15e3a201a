"""The model registry: which models there are, how good they were, and which one is in use.

A model is a name with numbered versions; a version is a model file (kept by its SHA-256), with the scores and the
data that it came from. Aliases such as ``champion`` point to versions and move only by adding a line to their
history, so that who was in use when, and why, is never lost, and a roll-back is one line more.
"""

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from ferroflow.frozen import FrozenModel
from ferroflow.maintain import _artifacts
from ferroflow.maintain._store import MODELS, MOVES, VERSIONS, RegistryError, Store

__all__ = ["Model", "Move", "Registry", "RegistryError", "Version", "held_out_digest", "register_run"]

CHAMPION = "champion"
PROMOTE, ROLLBACK = "promote", "rollback"

DEFAULT = ".ferroflow/registry.db"
VARIABLE = "FERROFLOW_REGISTRY"
ARTIFACTS_VARIABLE = "FERROFLOW_ARTIFACTS"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,199}")
_ALIAS = re.compile(r"[a-z][a-z0-9_-]{0,63}")


@dataclass(frozen=True)
class Version:
    """A version of a model: what it is, how good it was, and where it came from."""

    name: str
    number: int
    sha256: str
    size: int
    created: str
    metrics: dict[str, Any]
    run: str | None
    data: str | None
    held_out: str | None
    notes: str
    aliases: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}:{self.number}"


@dataclass(frozen=True)
class Model:
    """A name, its versions (oldest first), and where its aliases point."""

    name: str
    versions: tuple[Version, ...]
    aliases: dict[str, int]


@dataclass(frozen=True)
class Move:
    """One line of an alias's history."""

    name: str
    alias: str
    step: int
    kind: str
    origin: int | None
    to: int
    made: str
    why: str


class Registry:
    """A model registry.

    Parameters
    ----------
    where : str or path-like, default=None
        A SQLite file, a folder that holds ``registry.db``, or a database URL. By default the environment's
        ``FERROFLOW_REGISTRY``, else ``.ferroflow/registry.db`` in the current folder. Model files lie in ``models/``
        beside a SQLite file; for another database ``FERROFLOW_ARTIFACTS`` names their folder.
    create : bool, default=False
        Make a registry that is not there yet.

    Raises
    ------
    RegistryError
        There is no registry, or it cannot be used.
    """

    def __init__(self, where: str | os.PathLike | None = None, *, create: bool = False) -> None:
        url, file, self._artifacts = _locate(where)
        if file is not None:
            if create:
                file.parent.mkdir(parents=True, exist_ok=True)
            elif not file.exists():
                raise RegistryError(
                    f"there is no registry at {file}; `ferroflow run` and `ferroflow models register` make one, "
                    f"--registry or {VARIABLE} names another"
                )
        self._store = Store(url)

    def close(self) -> None:
        """Close the connection to the database."""
        self._store.close()

    def __enter__(self) -> "Registry":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # reading

    def models(self) -> list[Model]:
        """Return every model, by name."""
        with self._store.reading() as c:
            names = c.execute(sa.select(MODELS.c.id, MODELS.c.name).order_by(MODELS.c.name)).all()
            return [self._model(c, key, name) for key, name in names]

    def model(self, name: str) -> Model:
        """Return one model."""
        with self._store.reading() as c:
            return self._model(c, _model_id(c, name), name)

    def version(self, what: str) -> Version:
        """Return one version.

        Parameters
        ----------
        what : str
            ``NAME:NUMBER``, ``NAME@ALIAS``, or ``NAME``: its champion, else its newest version.
        """
        name, number, alias = parse(what)
        model = self.model(name)
        if alias is not None:
            number = model.aliases.get(alias)
            if number is None:
                known = ", ".join(f"@{a}" for a in model.aliases) or "none yet"
                raise RegistryError(f"{name!r} has no alias {alias!r}; its aliases: {known}")
        elif number is None:
            number = model.aliases.get(CHAMPION, model.versions[-1].number)
        for version in model.versions:
            if version.number == number:
                return version
        raise RegistryError(_no_version(name, number, [v.number for v in model.versions]))

    def history(self, name: str, alias: str | None = None) -> list[Move]:
        """Return how the aliases of a model moved, oldest first."""
        with self._store.reading() as c:
            return _moves(c, _model_id(c, name), name, alias)

    def path(self, what: str) -> Path:
        """Return where the model file of a version lies, after checking that it is unaltered."""
        return _artifacts.checked(self._artifacts, self.version(what).sha256)

    def place(self, version: Version) -> Path:
        """Return where the model file of a version lies, unchecked."""
        return _artifacts.place(self._artifacts, version.sha256)

    def load(self, what: str) -> FrozenModel:
        """Load the model of a version."""
        return FrozenModel.load(self.path(what))

    # changing

    def register(
        self,
        model: str | os.PathLike | FrozenModel,
        *,
        name: str | None = None,
        metrics: Mapping[str, Any] | None = None,
        run: str | None = None,
        data: str | None = None,
        held_out: str | None = None,
        notes: str = "",
    ) -> Version:
        """Add a model file as the next version of its name.

        The same file under the same name is registered once: its version is returned as it is.

        Parameters
        ----------
        model : path or FrozenModel
            Checked whole before it is taken.
        name : str, default=None
            By default the name that the model calls itself.
        metrics : mapping, default=None
            Scores by name: numbers, or mappings with ``value``, ``low``, ``high``, ``baseline``.
        run, data, held_out : str, default=None
            The run it came from, the fingerprint of its data, and of the rows that judged it.
        notes : str, default=""

        Returns
        -------
        Version
        """
        try:
            frozen = model if isinstance(model, FrozenModel) else FrozenModel.load(model)
            scores = json.loads(json.dumps(dict(metrics or {}), allow_nan=False))
        except ValueError as error:
            raise RegistryError(str(error)) from error
        name = frozen.name if name is None else name
        if not _NAME.fullmatch(name):
            raise RegistryError(
                f"{name!r} cannot be a model's name: letters, digits, '.', '_', '-' and spaces, a letter or digit first"
            )
        digest = _artifacts.keep(self._artifacts, frozen.to_bytes())
        row = {
            "sha256": digest,
            "size": len(frozen.to_bytes()),
            "created": _now(),
            "metrics": scores,
            "run": run,
            "data": data,
            "held_out": held_out,
            "notes": notes,
        }
        try:
            number = self._add(name, row)
        except RegistryError as error:
            if not isinstance(error.__cause__, IntegrityError):
                raise
            number = self._add(name, row)  # another process made the same name at the same moment
        return self.version(f"{name}:{number}")

    def promote(self, what: str, alias: str = CHAMPION, why: str = "") -> Move | None:
        """Point an alias to a version, by one line of its history.

        Parameters
        ----------
        what : str
            The version, as for :meth:`version`.
        alias : str, default="champion"
        why : str, default=""
            The reason, for those who read the history.

        Returns
        -------
        Move or None
            None if it points there already.
        """
        if not _ALIAS.fullmatch(alias):
            raise RegistryError(f"{alias!r} cannot be an alias: lower-case letters, digits, '_' and '-'")
        version = self.version(what)
        with self._store.writing() as c:
            key = _model_id(c, version.name, lock=True)
            moves = _moves(c, key, version.name, alias)
            origin = moves[-1].to if moves else None
            if origin == version.number:
                return None
            return _append(c, key, version.name, alias, moves, PROMOTE, version.number, why)

    def rollback(self, name: str, alias: str = CHAMPION, why: str = "") -> Move:
        """Point an alias back to where it pointed before its last promotion; again goes back one further."""
        with self._store.writing() as c:
            key = _model_id(c, name, lock=True)
            moves = _moves(c, key, name, alias)
            stack: list[int] = []
            for move in moves:
                if move.kind == ROLLBACK:
                    stack.pop()
                else:
                    stack.append(move.to)
            if not stack:
                raise RegistryError(f"{name!r} has no alias {alias!r} yet: nothing to roll back")
            if len(stack) == 1:
                raise RegistryError(
                    f"{name}@{alias} is version {stack[0]} and pointed nowhere before: nothing to roll back to"
                )
            return _append(c, key, name, alias, moves, ROLLBACK, stack[-2], why)

    # inside

    def _add(self, name: str, row: dict[str, Any]) -> int:
        with self._store.writing() as c:
            find = sa.select(MODELS.c.id).where(MODELS.c.name == name).with_for_update()
            key = c.execute(find).scalar()
            if key is None:
                new = MODELS.insert().values(name=name, created=row["created"]).returning(MODELS.c.id)
                key = c.execute(new).scalar_one()
            known = c.execute(
                sa.select(VERSIONS.c.number).where(
                    VERSIONS.c.model_id == key, VERSIONS.c.sha256 == row["sha256"]
                )
            ).scalar()
            if known is not None:
                return known
            newest = c.execute(
                sa.select(sa.func.max(VERSIONS.c.number)).where(VERSIONS.c.model_id == key)
            ).scalar()
            number = (newest or 0) + 1
            c.execute(VERSIONS.insert().values(model_id=key, number=number, **row))
            return number

    @staticmethod
    def _model(c: sa.Connection, key: int, name: str) -> Model:
        aliases = {move.alias: move.to for move in _moves(c, key, name)}
        of: dict[int, list[str]] = {}
        for alias, number in sorted(aliases.items()):
            of.setdefault(number, []).append(alias)
        rows = c.execute(sa.select(VERSIONS).where(VERSIONS.c.model_id == key).order_by(VERSIONS.c.number))
        fields = ("number", "sha256", "size", "created", "metrics", "run", "data", "held_out", "notes")
        versions = tuple(
            Version(name=name, aliases=tuple(of.get(row.number, ())), **{f: row._mapping[f] for f in fields})
            for row in rows
        )
        return Model(name, versions, dict(sorted(aliases.items())))


def register_run(
    folder: Path,
    *,
    name: str,
    measures: Mapping[str, Any],
    data: str | None,
    held_out: str | None,
    where: str | os.PathLike | None = None,
) -> str:
    """Register the model of a finished run, in the registry beside ``runs/``.

    Parameters
    ----------
    folder : Path
        The run's folder, ``<home>/runs/<id>``, with ``model.ff``.
    name : str
        What the model predicts; characters that a model's name may not have become ``_``.
    measures : mapping
        As in ``scores.json``.
    data, held_out : str
        Fingerprints of the table and of the rows that judged the model.
    where : str or path-like, default=None
        Another registry; the environment's ``FERROFLOW_REGISTRY`` counts too.

    Returns
    -------
    str
        ``NAME:NUMBER``.
    """
    where = where or os.environ.get(VARIABLE) or folder.parent.parent / DEFAULT
    slug = re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._-")[:200] or "model"
    with Registry(where, create=True) as registry:
        version = registry.register(
            folder / "model.ff", name=slug, metrics=measures, run=folder.name, data=data, held_out=held_out
        )
    return str(version)


def held_out_digest(data: str, target: str, rows: np.ndarray) -> str:
    """Say in 64 digits which rows judged a model: the table, the target, and the rows' places in the table.

    Parameters
    ----------
    data : str
        Fingerprint of the table.
    target : str
    rows : ndarray of int

    Returns
    -------
    str
    """
    places = np.sort(np.asarray(rows, dtype="<i8"))
    return sha256(f"{data}\0{target}\0".encode() + places.tobytes()).hexdigest()


def parse(what: str) -> tuple[str, int | None, str | None]:
    """Read ``NAME``, ``NAME:NUMBER`` or ``NAME@ALIAS``."""
    if "@" in what:
        name, alias = what.split("@", 1)
        return name, None, alias
    name, colon, number = what.partition(":")
    if not colon:
        return name, None, None
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        raise RegistryError(f"{what!r} names no version: write NAME:NUMBER, NAME@ALIAS or NAME")
    return name, int(number), None


def _locate(where: str | os.PathLike | None) -> tuple[sa.URL, Path | None, Path]:
    """Return the database's URL, its file if it is one, and the folder of model files."""
    where = where or os.environ.get(VARIABLE) or DEFAULT
    text = os.fspath(where)
    if "://" in text:
        try:
            url = sa.make_url(text)
        except sa.exc.ArgumentError as error:
            raise RegistryError(f"the registry's address {text!r} is no database URL: {error}") from None
        if url.get_backend_name() != "sqlite":
            folder = os.environ.get(ARTIFACTS_VARIABLE)
            if not folder:
                raise RegistryError(
                    f"set {ARTIFACTS_VARIABLE} to the folder that holds the model files of this registry"
                )
            return url, None, Path(folder)
        if not url.database or url.database == ":memory:":
            raise RegistryError("a registry in memory would be lost: name a file, like sqlite:///registry.db")
        file = Path(url.database)
    else:
        file = Path(text).expanduser()
        if file.is_dir():
            file = file / "registry.db"
    return sa.URL.create("sqlite", database=str(file)), file, file.parent / "models"


def _model_id(c: sa.Connection, name: str, *, lock: bool = False) -> int:
    find = sa.select(MODELS.c.id).where(MODELS.c.name == name)
    key = c.execute(find.with_for_update() if lock else find).scalar()
    if key is None:
        known = c.execute(sa.select(MODELS.c.name).order_by(MODELS.c.name)).scalars().all()
        some = ", ".join(known[:20]) + (", ..." if len(known) > 20 else "")
        raise RegistryError(f"there is no model {name!r}; known: {some or 'none yet'}")
    return key


def _no_version(name: str, number: int, known: Sequence[int]) -> str:
    return f"{name!r} has no version {number}; it has 1 to {max(known)}"


def _moves(c: sa.Connection, key: int, name: str, alias: str | None = None) -> list[Move]:
    find = sa.select(MOVES).where(MOVES.c.model_id == key).order_by(MOVES.c.id)
    if alias is not None:
        find = find.where(MOVES.c.alias == alias)
    return [
        Move(name, row.alias, row.step, row.kind, row.from_number, row.to_number, row.made, row.why)
        for row in c.execute(find)
    ]


def _append(
    c: sa.Connection,
    key: int,
    name: str,
    alias: str,
    moves: Sequence[Move],
    kind: str,
    to: int,
    why: str,
) -> Move:
    move = Move(name, alias, len(moves) + 1, kind, moves[-1].to if moves else None, to, _now(), why)
    c.execute(
        MOVES.insert().values(
            model_id=key,
            alias=alias,
            step=move.step,
            kind=kind,
            from_number=move.origin,
            to_number=to,
            made=move.made,
            why=why,
        )
    )
    return move


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
