"""`ferroflow serve`."""

from typing import Annotated

import typer

from ferroflow.workflow.problem import WorkflowError


def serve(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="a model file, like runs/ID/model.ff")],
    host: Annotated[
        str, typer.Option(help="the address to listen on: this machine alone; 0.0.0.0 is everyone")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free one, and says which")] = 8080,
) -> None:
    """Answer predictions over HTTP.

    The server is Rust. It stops at Ctrl-C or SIGTERM, once the requests at hand are answered.

    \b
      ferroflow serve model.ff
      ferroflow serve model.ff --port 8765

    \b
    Then, from another terminal:
      curl http://127.0.0.1:8765/schema                 what goes in
      curl http://127.0.0.1:8765/predict -H 'content-type: application/json' -d '{"rows": [{"age": 31}]}'

    http://127.0.0.1:8765/docs is a page to try it. There is neither encryption nor a password: in front of other people,
    put a proxy that has them.
    """
    from ferroflow.deploy.serve import serve as run

    def listening(address: str) -> None:
        typer.echo(
            f"Serving {model} on {address} ({address}/docs is a page to try it; Ctrl-C stops)", err=True
        )

    try:
        run(model, host=host, port=port, listening=listening)
    except ValueError as error:
        raise WorkflowError(str(error)) from None
    typer.echo("Stopped: every request was answered.", err=True)
