"""The registry's database: its tables, its transactions, and its migrations.

A change is one transaction, and writers take turns: SQLite locks the file at the start (``BEGIN IMMEDIATE``),
other databases lock the model's row; the unique keys guard what is left.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

# The newest migration; raised together with a new file in `migrations/versions`.
HEAD = "0001"
# How long a writer waits for its turn.
WAIT_SECONDS = 30

_METADATA = sa.MetaData()
MODELS = sa.Table(
    "models",
    _METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String),
    sa.Column("created", sa.String),
)
VERSIONS = sa.Table(
    "versions",
    _METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("model_id", sa.Integer),
    sa.Column("number", sa.Integer),
    sa.Column("sha256", sa.String),
    sa.Column("size", sa.Integer),
    sa.Column("created", sa.String),
    sa.Column("metrics", sa.JSON),
    sa.Column("run", sa.Text),
    sa.Column("data", sa.Text),
    sa.Column("held_out", sa.Text),
    sa.Column("notes", sa.Text),
)
MOVES = sa.Table(
    "moves",
    _METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("model_id", sa.Integer),
    sa.Column("alias", sa.String),
    sa.Column("step", sa.Integer),
    sa.Column("kind", sa.String),
    sa.Column("from_number", sa.Integer),
    sa.Column("to_number", sa.Integer),
    sa.Column("made", sa.String),
    sa.Column("why", sa.Text),
)


class RegistryError(ValueError):
    """The registry cannot do what was asked; the message says why and what to do."""


class Store:
    """A database with the registry's tables in their newest form.

    Parameters
    ----------
    url : sqlalchemy.URL
        Of any database that SQLAlchemy speaks to.
    """

    def __init__(self, url: sa.URL) -> None:
        sqlite = url.get_backend_name() == "sqlite"
        self._where = url.database if sqlite else url.render_as_string(hide_password=True)
        waiting = {"connect_args": {"timeout": WAIT_SECONDS}} if sqlite else {"pool_pre_ping": True}
        try:
            self._engine = sa.create_engine(url, **waiting)
        except (SQLAlchemyError, ModuleNotFoundError) as error:
            raise RegistryError(f"the registry's address {self._where!r} cannot be used: {error}") from error
        if self._engine.dialect.name == "sqlite":
            sa.event.listen(self._engine, "connect", _connected)
            sa.event.listen(self._engine, "begin", _begun)
        with self._speaking():
            self._migrate()

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """One consistent look at the tables."""
        with self._speaking(), self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """One change: all of it is kept, or nothing."""
        engine = self._engine.execution_options(immediate=True)
        with self._speaking(), engine.connect() as connection, connection.begin():
            yield connection

    def close(self) -> None:
        self._engine.dispose()

    def _migrate(self) -> None:
        with self._engine.connect() as connection, connection.begin():
            if self._is_current(connection):
                return
        with self.writing() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(7035267417)"))
            if not self._is_current(connection):  # another process may have been first
                _upgrade(connection)

    def _is_current(self, connection: sa.Connection) -> bool:
        if not sa.inspect(connection).has_table("alembic_version"):
            return False
        found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
        if found is not None and found > HEAD:
            raise RegistryError(
                f"the registry {self._where} was written by a newer version of ferroflow; update ferroflow"
            )
        return found == HEAD

    @contextmanager
    def _speaking(self) -> Iterator[None]:
        """Turn the database's errors into ours."""
        try:
            yield
        except SQLAlchemyError as error:
            told = getattr(error, "orig", None) or error
            hint = ""
            if "locked" in str(told):
                hint = "; another process has held it for long: try again"
            elif "not a database" in str(told):
                hint = "; name another file with --registry, or restore this one from a copy"
            raise RegistryError(f"the registry {self._where} cannot be used: {told}{hint}") from error


def _connected(connection, _record) -> None:
    # SQLAlchemy begins transactions (below), not the driver, which would begin them too late.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")


def _begun(connection: sa.Connection) -> None:
    immediate = connection.get_execution_options().get("immediate", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _upgrade(connection: sa.Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    # A "%" in the path would be read as the start of a name.
    place = str(Path(__file__).with_name("migrations")).replace("%", "%%")
    config.set_main_option("script_location", place)
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
