"""What Alembic runs: the migrations, inside the transaction that the registry has begun."""

from alembic import context

# SQLite can roll back the making of tables; Alembic assumes that it cannot.
context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
