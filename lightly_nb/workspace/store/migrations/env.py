"""What alembic runs: the migrations, on the connection and in the transaction of `upgrade`."""

from alembic import context

from lightly_nb.workspace.store.schema import Base


def migrate() -> None:
    """Run what alembic asks for."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=Base.metadata,
        render_as_batch=True,
        transactional_ddl=True,
    )
    context.run_migrations()


if __name__ == "env_py":  # the name that alembic loads this file under
    migrate()
