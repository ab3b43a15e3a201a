"""`ferroflow container`."""

from typing import Annotated

import typer

from ferroflow.workflow.problem import WorkflowError


def container(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="a model file, like runs/ID/model.ff")],
    tag: Annotated[
        str | None, typer.Option(help="the image's name; by default NAME:VERSION of the model")
    ] = None,
    output: Annotated[str, typer.Option("--output", "-o", help="the folder to write")] = "container",
    build: Annotated[
        bool, typer.Option("--build", help="build the image too: with podman, buildah or docker")
    ] = False,
) -> None:
    """Write a container image of a model.

    The folder holds a Dockerfile, the server's program, the model and a list of what the program is made of. The image
    starts from nothing, runs as user 65532, and its root may be read-only.

    \b
      ferroflow container model.ff                      then: docker build container
      ferroflow container model.ff --build --tag titanic:3

    \b
    Then:
      docker run --read-only -p 8080:8080 titanic:3
      docker run --read-only -p 8080:8080 -e FERROFLOW_KEYS="$(cat keys.txt)" titanic:3 --rate 100/s

    Options of `ferroflow serve` may follow the image's name.
    """
    from ferroflow.deploy.container import container as make

    try:
        made = make(model, output, tag=tag, build=build)
    except ValueError as error:
        raise WorkflowError(str(error)) from None
    size = sum(file.stat().st_size for file in made.folder.iterdir())
    typer.echo(f"Wrote {made.folder}: {size / 1e6:.1f} MB")
    if made.builder is None:
        typer.echo(f"Build it: docker build --tag {made.tag} {made.folder}")
    else:
        typer.echo(f"{made.builder} built {made.tag}")
        typer.echo(
            f"Run it: {'docker' if made.builder == 'docker' else 'podman'} run --read-only -p 8080:8080 {made.tag}"
        )
