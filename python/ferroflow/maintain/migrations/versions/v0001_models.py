"""Models, their versions, and the moves of aliases."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "models",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(200), nullable=False, unique=True),
        sa.Column("created", sa.String(32), nullable=False),
    )
    op.create_table(
        "versions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("model_id", sa.Integer, sa.ForeignKey("models.id"), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("created", sa.String(32), nullable=False),
        sa.Column("metrics", sa.JSON, nullable=False),
        sa.Column("run", sa.Text),
        sa.Column("data", sa.Text),
        sa.Column("held_out", sa.Text),
        sa.Column("notes", sa.Text, nullable=False),
        sa.UniqueConstraint("model_id", "number"),
        sa.UniqueConstraint("model_id", "sha256"),
    )
    op.create_table(
        "moves",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("model_id", sa.Integer, sa.ForeignKey("models.id"), nullable=False),
        sa.Column("alias", sa.String(64), nullable=False),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("from_number", sa.Integer),
        sa.Column("to_number", sa.Integer, nullable=False),
        sa.Column("made", sa.String(32), nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.UniqueConstraint("model_id", "alias", "step"),
        sa.ForeignKeyConstraint(["model_id", "to_number"], ["versions.model_id", "versions.number"]),
    )
    # The history of aliases is only ever added to. Elsewhere than in SQLite this is for the rights of the database.
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER moves_no_{verb.lower()} BEFORE {verb} ON moves "
                "BEGIN SELECT RAISE(ABORT, 'the history of aliases is append-only'); END"
            )
