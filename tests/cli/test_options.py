"""Groups of options: a dataclass becomes options, and the command receives it filled in."""

from dataclasses import dataclass

import click
from click.testing import CliRunner

from hashfeatures.cli._options import OptionGroup, option, option_groups


@dataclass(frozen=True)
class Paint(OptionGroup):
    """A group with two options, and a field that no option sets."""

    color: str = option("-c", "--color", default="red", help="The color.")
    coats: int = option("--coats", default=1, type=int)
    brand: str = "plain"


@click.command()
@option_groups(paint=Paint)
def command(paint):
    click.echo(repr(paint))


def test_a_command_receives_its_group():
    """Options set the fields of the group, and the other fields keep their defaults."""
    assert CliRunner().invoke(command, []).output == f"{Paint('red', 1, 'plain')!r}\n"
    answer = CliRunner().invoke(command, ["-c", "blue", "--coats", "2"])
    assert answer.output == f"{Paint('blue', 2, 'plain')!r}\n"


def test_the_help_lists_options_in_the_order_of_the_fields():
    """Fields without an option do not appear in the help."""
    text = CliRunner().invoke(command, ["--help"]).output
    assert text.index("--color") < text.index("--coats")
    assert "brand" not in text
