"""``hashfeatures completion``: print the script for shell completion."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from .._console import echo


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the script that completes commands in a shell.

    \b
      bash, zsh   eval "$(hashfeatures completion bash)"   in ~/.bashrc, ~/.zshrc
      fish        hashfeatures completion fish | source    in config.fish
    """
    completer = get_completion_class(shell)
    assert completer is not None
    root = click.get_current_context().find_root().command
    echo(completer(root, {}, "hashfeatures", "_HASHFEATURES_COMPLETE").source())
