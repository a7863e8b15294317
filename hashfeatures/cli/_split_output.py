"""Where a split goes: to standard output, into lists, or into a folder as a data set."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from .._utils.part_names import order_parts, role_of
from .._utils.path_text import write_path
from ._data_set_output import check_folder, check_outside, write_parts
from ._errors import CommandError
from ._outputs import check_outputs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..layouts import Collection
    from ._inputs import InputImages

_ROLES = ("train", "validation", "test")
# What layouts call the validation part if they have none yet.
_VALIDATION = {"yolo": "val", "coco": "val", "voc": "val", "class-folders": "val"}
_DATA_SETS = (
    *(".yaml", ".yml", ".json"),
    *(".csv", ".tsv", ".parquet"),
    *(".tar", ".tgz", ".tar.gz", ".zip"),
)
_LIST_SUFFIXES = (".txt", ".lst", ".csv", ".json", ".parquet")


class SplitCommand(click.Command):
    """A command whose option --out takes one folder or two lists."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse arguments, after "--out TRAIN TEST" was made "--out TRAIN --out TEST"."""
        words = _repeat_out(args)
        try:
            return super().parse_args(ctx, words)
        except click.MissingParameter as error:
            if len(words) == len(args):
                raise
            raise click.UsageError(
                "Name what to split. The two names after --out are the lists TRAIN TEST; a folder "
                "ends in /.",
                ctx,
            ) from error


def _repeat_out(arguments: Sequence[str]) -> list[str]:
    """Name the option --out once for each of its values, as click expects it.

    Examples
    --------
    >>> from hashfeatures.cli._split_output import _repeat_out
    >>> _repeat_out(["--out", "a.txt", "b.txt", "photos"])
    ['--out', 'a.txt', '--out', 'b.txt', 'photos']
    >>> _repeat_out(["--out", "clean/", "data.yaml"])
    ['--out', 'clean/', 'data.yaml']
    """
    words = list(arguments)
    if words.count("--out") > 1 or any(word.startswith("--out=") for word in words):
        return words
    for place in range(len(words) - 3, -1, -1):
        name, first, second = words[place : place + 3]
        is_option = second.startswith("-") and second != "-"
        if name == "--out" and not is_option and not _is_folder(first):
            words.insert(place + 2, "--out")
    return words


def _is_folder(name: str) -> bool:
    separators = (os.sep, os.altsep or os.sep)
    return name.endswith(separators) or os.path.isdir(name)


@dataclass(frozen=True)
class SplitOutput:
    """Where a split goes: into lists, into a folder, or to standard output.

    Parameters
    ----------
    lists : list of str
        The lists of the training and the test part; empty for another output.
    folder : str or None
        The folder for the data set.
    how : str or None
        Whether the images in the folder are listed, linked or copied.
    validation : str or None
        The list of the validation part.
    unreadable : str or None
        The list of the images that could not be read.
    """

    lists: list[str]
    folder: str | None
    how: str | None
    validation: str | None
    unreadable: str | None

    @classmethod
    def parse(
        cls,
        out: Sequence[str],
        how: str | None,
        validation: str | None,
        unreadable: str | None,
        paths: Sequence[str],
    ) -> SplitOutput:
        """Return the output that options name.

        A name without a separator at its end is a folder only if a folder or a data set is split,
        so that a forgotten second list is noticed.

        Raises
        ------
        click.UsageError
            If the options do not fit each other.
        """
        folder = out[0] if len(out) == 1 else None
        if len(out) > 2 or (folder is not None and not _may_be_folder(folder, paths)):
            raise click.UsageError(
                f"--out takes two lists, TRAIN TEST, or one new folder, whose name ends in / if "
                f"no folder or data set is split. Got {' '.join(out)}."
            )
        if folder is None and how is not None:
            raise click.UsageError("--how concerns a folder: --out DIR/.")
        lists = list(out) if folder is None else []
        if validation is not None and not lists:
            raise click.UsageError("--validation-out needs --out TRAIN TEST.")
        return cls(lists, folder, how, validation, unreadable)

    @property
    def files(self) -> list[str]:
        """The lists, in the order of the parts; that of unreadable images is the last."""
        middle = [self.validation] if self.validation else []
        parts = [self.lists[0], *middle, self.lists[1]] if self.lists else []
        return parts + ([self.unreadable] if self.unreadable else [])

    def check(self, lock: str | None, force: bool) -> None:
        """Raise if something cannot be written, before the work begins.

        Raises
        ------
        CommandError
            If a file or the folder exists or cannot be written, or two of them are one.
        """
        if self.folder is not None:
            check_folder(self.folder)
            check_outside(self.folder, [self.unreadable, lock])
        check_outputs(self.files, force)
        written = [*self.files, *([lock] if lock else [])]
        if len({os.path.realpath(file) for file in written}) < len(written):
            raise CommandError(
                f"{' and '.join(written)} are not all different. Give each part a file of its own."
            )

    def write(
        self,
        images: InputImages,
        rows: Mapping[str, NDArray[Any]],
        unreadable: Sequence[str],
    ) -> None:
        """Write a split.

        Parameters
        ----------
        images : InputImages
            The images.
        rows : dict of str to ndarray of intp
            The rows of each part, under the name that it has in the data set.
        unreadable : list of str
            The images that could not be read.
        """
        from .._utils.atomic_write import write_together

        if self.folder is not None:
            write_parts(self.folder, images, rows, self.how or "lists")
        parts = [[images.names[row] for row in part] for part in rows.values()]
        listed = [*(parts if self.lists else []), unreadable]
        write_together(
            {
                file: "".join(f"{write_path(name)}\n" for name in names).encode("utf-8")
                for file, names in zip(self.files, listed, strict=False)
            }
        )


def _may_be_folder(name: str, paths: Sequence[str]) -> bool:
    if _is_folder(name):
        return True
    splits_data_set = any(os.path.isdir(path) or path.endswith(_DATA_SETS) for path in paths)
    return splits_data_set and not name.endswith(_LIST_SUFFIXES)


def shares_of_parts(data_set: Collection | None) -> dict[str, float]:
    """Return the shares of the parts that a data set has, as sizes of a split without a size.

    Returns
    -------
    dict of str to float
        The share of "test", and of "validation" if there are three parts. The held-out part of
        two is "test", whatever the data set calls it. Empty without a training part or others.
    """
    sizes = {} if data_set is None else _sizes_by_role(data_set)
    n_images = sum(sizes.values())
    if "train" not in sizes or len(sizes) < 2:
        return {}
    if len(sizes) == 2:
        return {"test": (n_images - sizes["train"]) / n_images}
    return {role: sizes[role] / n_images for role in ("validation", "test")}


def _sizes_by_role(data_set: Collection) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for name, part in data_set.by_part().items():
        role = role_of(name)
        if role is None:
            return {}
        sizes[_ROLES[role]] = sizes.get(_ROLES[role], 0) + len(part)
    return sizes


def name_parts(data_set: Collection | None, names: Sequence[str]) -> dict[str, str]:
    """Return what a data set calls the parts of a split.

    Parameters
    ----------
    data_set : Collection or None
        The data set; None if the images are none.
    names : sequence of str
        The parts: "train", "test", and perhaps others.

    Returns
    -------
    dict of str to str
        The names in the data set. The only held-out part is a validation part if the data set
        has no test part.
    """
    if data_set is None:
        return {name: name for name in names}
    known: dict[str, str] = {}
    for name in order_parts(data_set.by_part()):
        role = role_of(name)
        if role is not None:
            known.setdefault(_ROLES[role], name)
    called = {name: known.get(name, name) for name in names}
    validation = known.get("validation", _VALIDATION.get(data_set.layout.name, "validation"))
    if "validation" in called:
        called["validation"] = validation
    elif "test" not in known and ("validation" in known or data_set.layout.name == "yolo"):
        called["test"] = validation
    return called
