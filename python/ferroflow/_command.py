"""The `ferroflow` command: what the server's program does goes to it at once, the rest to the command line proper."""

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line and leave."""
    words = sys.argv[1:]
    if words and words[0] in ("serve", "keys"):
        from ferroflow.deploy._program import become

        try:
            sys.exit(become(f"ferroflow {words[0]}", words[1:]))
        except FileNotFoundError as error:
            sys.exit(f"ferroflow: {error}")
    from ferroflow.workflow import cli

    cli.main(words)
