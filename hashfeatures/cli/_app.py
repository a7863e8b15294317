"""The entry point of the command line: it runs a command, prints errors, returns exit codes."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import re
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any, TextIO

import click

from .. import __version__
from .._utils.platforms import IS_WINDOWS, explain_missing
from ..exceptions import (
    CacheError,
    ChainingWarning,
    EngineError,
    FailedImagesWarning,
    LayoutError,
    MissingExtraError,
    ParameterError,
    StageError,
    StoreError,
)
from ._console import echo, is_closed_pipe, silence
from ._errors import FAILED, INTERRUPTED, MISUSED, WELL, CommandError

# In the order of the help. A module is imported when its command is needed.
_COMMANDS = (
    "hash",
    "duplicates",
    "undo",
    "similar",
    "split",
    "leaks",
    "seal",
    "audit",
    "calibrate",
    "report",
    "stages",
    "index",
    "demo",
    "completion",
)

_HELP = """Find near-duplicate images, and keep them from leaking between train and test.

PATHS are images, folders (searched recursively), URLs, lists of these (.txt, or - for standard
input), tables (.csv, .parquet) with --column, or files of hashes written by "hashfeatures hash".
They may also be data sets: data.yaml of YOLO, JSON of COCO, a folder of Pascal VOC or Hugging
Face, tar files or zip files.

\b
  hashfeatures duplicates photos             list groups of near duplicates
  hashfeatures report photos -o report.html  show them on a page
  hashfeatures split photos --stratify-by parent --out train.txt test.txt
  hashfeatures split data.yaml --out clean/  write a new data set, in its own layout
  hashfeatures leaks train.txt test.txt      exit code 1 if the split leaks
  hashfeatures audit data -o card.html       all that is wrong with a split, on one card

\b
Exit codes: 0 success; 1 leaks were found, or a limit was exceeded; 2 wrong arguments;
3 the work failed, or files that had changed were left alone;
4 not all images could be checked for leaks; 130 interrupted.
"""


class _Commands(Mapping[str, click.Command]):
    """The commands by name, each imported on first use."""

    def __getitem__(self, name: str) -> click.Command:
        if name not in _COMMANDS:
            raise KeyError(name)
        module = import_module(f".commands._{name}", __package__)
        command: click.Command = module.command
        return command

    def __iter__(self) -> Iterator[str]:
        return iter(_COMMANDS)

    def __len__(self) -> int:
        return len(_COMMANDS)


class _Group(click.Group):
    """A group whose help lists the commands in their own order, not alphabetically."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def make_context(self, *args: Any, **options: Any) -> click.Context:
        with _allow_closed_pipe():
            return super().make_context(*args, **options)

    def invoke(self, ctx: click.Context) -> Any:
        with _allow_closed_pipe():
            return super().invoke(ctx)


@contextlib.contextmanager
def _allow_closed_pipe() -> Iterator[None]:
    """Exit with success if the reader of a help closes the pipe, where click would exit with 1."""
    try:
        yield
    except OSError as error:
        if not is_closed_pipe(error):
            raise
        try:
            click.echo()  # fails again if the reader of stdout is gone
        except OSError:
            silence(sys.stdout)
            raise click.exceptions.Exit(WELL) from None
        raise CommandError("The pipe to another process broke.") from error


@click.group(
    cls=_Group,
    commands=_Commands(),
    help=_HELP,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="hashfeatures", message="%(prog)s %(version)s")
def app() -> None:
    """Hold the commands."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        The arguments; None means those of this process.

    Returns
    -------
    int
        The exit code: 0 for success, 1 if leaks were found, 2 for wrong arguments, 3 if the work
        failed, 4 if not all images could be checked for leaks, 130 if interrupted.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            _allow_all_names(stream)
    given = list(sys.argv[1:] if arguments is None else arguments)
    color = False if os.environ.get("NO_COLOR") else None
    try:
        with _show_notes(), warnings.catch_warnings():
            warnings.simplefilter("default", UserWarning)
            warnings.showwarning = _show_warning
            code = app.main(
                given or ["--help"], prog_name="hashfeatures", standalone_mode=False, color=color
            )
        return code if isinstance(code, int) else WELL
    except click.exceptions.Exit as stopped:
        return stopped.exit_code
    except click.UsageError as error:
        # Where an option lacks its value, click names no command.
        here = "hashfeatures " + given[0] if given and given[0] in _COMMANDS else "hashfeatures"
        name = error.ctx.command_path if error.ctx else here
        _print_message(f"{error.format_message()}\nTry: {name} --help")
        return MISUSED
    except (KeyboardInterrupt, click.Abort):
        _print_message("interrupted")
        return INTERRUPTED
    except ParameterError as error:
        _print_message(str(error))
        return MISUSED
    except (
        CommandError, OSError, ValueError, TypeError, MissingExtraError, CacheError, EngineError,
        StageError, StoreError, MemoryError,
    ) as error:  # fmt: skip
        logging.getLogger("hashfeatures").debug("The error comes from:", exc_info=True)
        _print_message(_describe(error))
        return FAILED


def _allow_all_names(stream: io.TextIOWrapper) -> None:
    """Let a stream take any file name. A file or pipe of Windows gets UTF-8, as lists have."""
    stream.reconfigure(errors="backslashreplace")
    is_chosen = "PYTHONIOENCODING" in os.environ
    if IS_WINDOWS and stream is sys.stdout and not (is_chosen or stream.isatty()):
        stream.reconfigure(encoding="utf-8")


def _print_message(text: str) -> None:
    echo(f"hashfeatures: {text}", err=True)


# How messages for Python name what options are for, by a pattern, and the options.
_OPTIONS_OF_PYTHON = {
    r"\b(how|layout|root)='([^']*)'": r"--\1 \2",
    r"\bLeave root at None\b": "Leave --root out",
    r"\bby root=": "by --root",
}


def _describe(error: BaseException) -> str:
    if isinstance(error, LayoutError):
        text = str(error)
        for pattern, option in _OPTIONS_OF_PYTHON.items():
            text = re.sub(pattern, option, text)
        return text
    if isinstance(error, OSError) and error.strerror:
        named = [os.fsdecode(name) for name in (error.filename, error.filename2) if name]
        return ": ".join([*named[:1], error.strerror]) + explain_missing(error)
    if isinstance(error, MemoryError):
        return "out of memory: use fewer --jobs, or process the images with hashfeatures stages"
    return str(error) or type(error).__name__


class _Notes(logging.Handler):
    """Print the log messages of the package as notes."""

    def emit(self, record: logging.LogRecord) -> None:
        # Progress has a handler of its own, and --verbose prints logs as such.
        if record.name != "hashfeatures.progress" and not (_has("quiet") or _has("verbose")):
            _print_message(record.getMessage())


@contextlib.contextmanager
def _show_notes() -> Iterator[None]:
    logger, notes = logging.getLogger("hashfeatures"), _Notes(logging.INFO)
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(notes)
    try:
        yield
    finally:
        logger.removeHandler(notes)
        logger.setLevel(level)


def _has(option: str) -> bool:
    context = click.get_current_context(silent=True)
    return bool(context and context.find_root().meta.get(option))


def _advise_on_chains(text: str) -> str:
    """Replace the advice for Python in a warning about chains by advice for the command."""
    from ..duplicates._diameters import CHAINS_ADVICE, SHORTER_CHAINS

    context = click.get_current_context(silent=True)
    options = [param.name for param in context.command.params] if context else []
    advice = "A smaller --radius makes chains shorter."
    if "linkage" in options:
        advice += " With --linkage complete there are none."
    return text.replace(CHAINS_ADVICE, advice).replace(SHORTER_CHAINS, advice)


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> Any:
    is_ours = issubclass(category, UserWarning) and category.__module__.startswith("hashfeatures")
    if is_ours and not _has("quiet"):
        text = str(message)
        if issubclass(category, ChainingWarning):
            text = _advise_on_chains(text)
        _print_message(text if issubclass(category, FailedImagesWarning) else f"note: {text}")
