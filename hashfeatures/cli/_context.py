"""The groups of options that commands share."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import click

from ._console import echo
from ._options import OptionGroup, option

# Those of `read_collection`, apart from "torch" and "list", which are not files.
LAYOUTS = (
    "auto",
    "folder",
    "class-folders",
    "image-masks",
    "yolo",
    "coco",
    "voc",
    "webdataset",
    "zip",
    "hugging-face",
    "table",
)


def _check_jobs(ctx: click.Context, parameter: click.Parameter, value: int | None) -> int | None:
    if value == 0:
        raise click.BadParameter("must be an int other than 0, -1 for every core. Got 0 instead.")
    return value


def _decode_option(default: str) -> str | None:
    choices: str | None = option(
        "--decode",
        type=click.Choice(["full", "reduced"]),
        help="How to decode JPEG files: 'reduced' is many times faster and may change a bit or "
        f"two.  [default: {default}]",
    )
    return choices


def _trim_borders_option() -> bool:
    is_set: bool = option(
        "--trim-borders",
        default=False,
        is_flag=True,
        help="Cut off uniform borders, such as letterbox bars, before hashing.",
    )
    return is_set


@dataclass(frozen=True)
class OutputOptions(OptionGroup):
    """What a command prints: the options that every command has.

    Parameters
    ----------
    as_json : bool
        Whether to print results as JSON.
    quiet : bool
        Whether to hide notes and progress.
    verbose : bool
        Whether to log where errors come from.
    """

    as_json: bool = option(
        "--json", default=False, is_flag=True, help="Print the results as JSON."
    )
    quiet: bool = option(
        "-q", "--quiet", default=False, is_flag=True, help="Hide notes and progress."
    )
    verbose: bool = option(
        "-v", "--verbose", default=False, is_flag=True, help="Log where errors come from."
    )

    @property
    def progress(self) -> bool:
        """Whether to show a progress bar: only on a terminal."""
        return not self.quiet and sys.stderr.isatty()

    def note(self, text: str) -> None:
        """Print a note beside the results, unless the command is quiet."""
        if not self.quiet:
            echo(f"hashfeatures: {text}", err=True)

    @contextlib.contextmanager
    def in_effect(self) -> Iterator[None]:
        """Set up logging."""
        click.get_current_context().find_root().meta.update(quiet=self.quiet, verbose=self.verbose)
        logging.getLogger("hashfeatures.progress").disabled = self.quiet
        if self.verbose:
            logging.basicConfig(stream=sys.stderr, format="%(name)s: %(message)s")
            logging.getLogger("hashfeatures").setLevel(logging.DEBUG)
        yield


@dataclass(frozen=True)
class ReadingOptions(OutputOptions):
    """The options of every command that reads images.

    Parameters
    ----------
    max_pixels : int or None
        The most pixels that an image may have; None keeps Pillow's limit.
    """

    max_pixels: int | None = option(
        "--max-pixels",
        type=click.IntRange(min=1),
        metavar="N",
        help="Refuse images with more pixels, as protection against decompression bombs.  "
        "[default: Pillow's limit, 178,956,970]",
    )

    @contextlib.contextmanager
    def in_effect(self) -> Iterator[None]:
        """Set up logging, and Pillow's limit while the command runs."""
        with super().in_effect():
            if self.max_pixels is None:
                yield
                return
            from PIL import Image

            before = Image.MAX_IMAGE_PIXELS
            # Pillow refuses images that are more than twice as large as its limit.
            Image.MAX_IMAGE_PIXELS = -(-self.max_pixels // 2)
            try:
                yield
            finally:
                Image.MAX_IMAGE_PIXELS = before


@dataclass(frozen=True)
class GlobalOptions(ReadingOptions):
    """The options of every command that hashes images on this machine.

    Parameters
    ----------
    cache : str or None
        The file that keeps hashes.
    n_jobs : int or None
        The number of processes that hash images.
    """

    cache: str | None = option(
        "--cache",
        metavar="FILE",
        help="Store hashes in this file and reuse them. Commands can share one file.",
    )
    n_jobs: int | None = option(
        "-j",
        "--jobs",
        type=int,
        metavar="N",
        callback=_check_jobs,
        help="Number of processes that hash images; -1 uses every core.  [default: 1]",
    )


@dataclass(frozen=True)
class InputOptions(OptionGroup):
    """How images are searched for.

    Parameters
    ----------
    globs : tuple of str
        Patterns for the names of files in folders; empty accepts the formats that Pillow reads.
    column : str or None
        The column of tables that holds images.
    links : bool
        Whether to search folders behind symbolic links.
    hidden : bool
        Whether to search hidden files and folders, too.
    layout : str
        The layout of the data set, or "auto".
    root : str or None
        The folder that the names in a layout are relative to.
    """

    globs: tuple[str, ...] = option(
        "--glob",
        default=(),
        multiple=True,
        metavar="PATTERN",
        help="In folders, take only files whose name matches, such as '*.jpg'. Can be repeated.  "
        "[default: the formats that Pillow reads]",
    )
    column: str | None = option(
        "--column", metavar="NAME", help="The column of tables that holds paths or URLs."
    )
    links: bool = option(
        "--follow-links", default=False, is_flag=True, help="Also search folders behind links."
    )
    hidden: bool = option(
        "--hidden",
        default=False,
        is_flag=True,
        help="Also take files and folders whose names begin with a period, as many training "
        "programs do.",
    )
    layout: str = option(
        "--layout",
        default="auto",
        type=click.Choice(LAYOUTS),
        metavar="NAME",
        help=f"The layout of a data set: {', '.join(LAYOUTS[1:])}. 'folder' takes all images in a "
        f"folder, whatever else is there.  [default: auto, by the files that are there]",
    )
    root: str | None = option(
        "--root",
        metavar="DIR",
        help="The folder that the names of images in a layout are relative to.  [default: "
        "depends on the layout]",
    )


@dataclass(frozen=True)
class HashingOptions(OptionGroup):
    """How images are decoded for a new file of hashes.

    Parameters
    ----------
    decode : {"full", "reduced"} or None
        How JPEG files are decoded; None means "full".
    trim_borders : bool
        Whether uniform borders are cut off first.
    """

    decode: str | None = _decode_option("full")
    trim_borders: bool = _trim_borders_option()


@dataclass(frozen=True)
class ComparisonOptions(HashingOptions):
    """The same for commands that compare images with a file of hashes, which sets the defaults."""

    decode: str | None = _decode_option("full; for a file of hashes, the mode it was made with")


@dataclass(frozen=True)
class FinderOptions(OptionGroup):
    """Which images count as near duplicates; None leaves the choice to the finder.

    Parameters
    ----------
    radius : int or None
        The greatest distance of near duplicates in bits.
    hashes : str or None
        The names of the hashes to compare, separated by commas.
    views : str or None
        Which views of each image are compared.
    decode : {"full", "reduced"} or None
        How JPEG files are decoded.
    trim_borders : bool
        Whether uniform borders are cut off first.
    verify : bool or None
        Whether pixels must confirm what the hashes find; None means wherever there are pixels.
    min_agreement : float or None
        The least agreement of the pixels of near duplicates, from 0 to 1.
    linkage : {"single", "complete"}
        How near duplicates form groups.
    """

    radius: int | None = option(
        "--radius",
        type=click.IntRange(min=0),
        metavar="BITS",
        help="The most bits in which near duplicates differ.  [default: depends on the hashes and "
        "views; 28 of the 128 bits of phash and dhash, or 12 without --verify]",
    )
    hashes: str | None = option(
        "--hashes",
        metavar="NAMES",
        help="The hashes to compare, such as 'phash:16' or 'phash,dhash'.  [default: phash,dhash]",
    )
    views: str | None = option(
        "--views",
        type=click.Choice(["identity", "flips", "dihedral", "robust", "segments"]),
        help="Also find mirrored, rotated or cropped copies.  [default: identity]",
    )
    decode: str | None = _decode_option("reduced; for a file of hashes, the mode it was made with")
    trim_borders: bool = _trim_borders_option()
    verify: bool | None = option(
        "--verify/--no-verify",
        help="Whether pixels must confirm what hashes find. Files of hashes hold no pixels and "
        "are compared by hashes alone.  [default: verify]",
    )
    min_agreement: float | None = option(
        "--min-agreement",
        type=click.FloatRange(0, 1),
        metavar="SHARE",
        help="How well the pixels of near duplicates agree at least, from 0 to 1.  "
        "[default: 0.85]",
    )
    linkage: str = "single"


@dataclass(frozen=True)
class CalibrationOptions(FinderOptions):
    """The same for a calibration, which finds what the user therefore cannot set."""

    radius: int | None = option("--radius", type=int, hidden=True)
    min_agreement: float | None = option("--min-agreement", type=float, hidden=True)


@dataclass(frozen=True)
class SealingOptions(FinderOptions):
    """The same for a seal, which holds no pixels."""

    radius: int | None = option(
        "--radius",
        type=click.IntRange(min=0),
        metavar="BITS",
        help="The most bits in which near duplicates differ.  [default: depends on the hashes and "
        "views; 12 of the 128 bits of phash and dhash]",
    )
    verify: bool | None = option("--verify/--no-verify", hidden=True)
    min_agreement: float | None = option("--min-agreement", type=float, hidden=True)


@dataclass(frozen=True)
class GroupingOptions(FinderOptions):
    """The same for commands that show groups: with the option for the linkage."""

    linkage: str = option(
        "--linkage",
        default="single",
        type=click.Choice(["single", "complete"]),
        show_default=True,
        help="How groups form: with 'single', an image joins a group if it is near one member; "
        "with 'complete', all members are near each other.",
    )
