"""Groups of command-line options: a dataclass lists them, and a command receives it filled in."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

import click

# The key of a field's metadata under which its option is described.
_OPTION = "option"


@dataclass(frozen=True)
class OptionGroup:
    """Base class for dataclasses whose fields are command-line options."""

    def in_effect(self) -> contextlib.AbstractContextManager[object]:
        """Return a context in which the command runs; it applies process-wide settings."""
        return contextlib.nullcontext()


def option(*names: str, default: Any = None, **settings: Any) -> Any:
    """Return a dataclass field whose value comes from a command-line option.

    Parameters
    ----------
    *names : str
        The spellings of the option, such as "-j" and "--jobs".
    default : object, default=None
        The value of the field without the option.
    **settings
        Passed to `click.option`.

    Returns
    -------
    dataclasses.Field
        The field. Fields without an option are not shown to the user.
    """
    return field(default=default, metadata={_OPTION: (names, settings)})


def option_groups(**groups: type[OptionGroup]) -> Callable[..., Any]:
    """Return a decorator that gives a command the options of some groups.

    Parameters
    ----------
    **groups : subclass of OptionGroup
        The groups, in the order of the help. The command receives an instance of each as the
        keyword argument of that name.

    Returns
    -------
    callable
        The decorator, to stand below `click.command`.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def command(**values: Any) -> Any:
            filled = {
                name: group(**{name: values.pop(name) for name in _find_options(group)})
                for name, group in groups.items()
            }
            with contextlib.ExitStack() as stack:
                for group in filled.values():
                    stack.enter_context(group.in_effect())
                return function(**filled, **values)

        decorated: Callable[..., Any] = command
        for group in reversed(groups.values()):
            for name, (default, (spellings, settings)) in reversed(_find_options(group).items()):
                decorated = click.option(*spellings, name, default=default, **settings)(decorated)
        return decorated

    return decorate


def given_options(group: OptionGroup) -> list[str]:
    """Return the options of a group whose values are not the defaults, as they are typed."""
    given = []
    for name, (default, (spellings, _)) in _find_options(type(group)).items():
        value = getattr(group, name)
        if value != default:
            on, _, off = spellings[-1].partition("/")
            given.append(off if value is False else on)
    return given


def _find_options(group: type[OptionGroup]) -> dict[str, Any]:
    """Return the default, the spellings and the settings of each option of a group by its name."""
    return {
        each.name: (each.default, each.metadata[_OPTION])
        for each in fields(group)
        if _OPTION in each.metadata
    }


def force_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the option that overwrites its output."""
    return click.option("--force", is_flag=True, help="Overwrite existing files.")(function)


class Size(click.ParamType):  # type: ignore[type-arg]  # generic in some releases only
    """A fraction between 0 and 1, or a number of images."""

    name = "size"

    def convert(self, value: Any, param: Any, ctx: Any) -> float | int:
        """Read a size."""
        try:
            return int(value) if str(value).isdigit() else float(value)
        except ValueError:
            self.fail(
                f"{value!r} is neither a fraction, such as 0.2, nor a number of images.",
                param,
                ctx,
            )
