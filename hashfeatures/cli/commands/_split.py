"""``hashfeatures split``: parts without leaks."""

from __future__ import annotations

import os

import click

from .._console import echo
from .._context import Asked, Common, Gathering
from .._errors import CommandError
from .._finders import fit, make_finder
from .._inputs import collect
from .._options import (
    Size,
    check_outputs,
    common_options,
    echo_json,
    finder_options,
    force_option,
    input_options,
)


@click.command("split")
@click.argument("paths", nargs=-1, required=True)
@click.option("--test-size", type=Size(), default="0.25", show_default=True,
              help="The share, or the number, of images for the test part.")  # fmt: skip
@click.option("--validation-size", type=Size(), help="The same for a validation part.")
@click.option(
    "--stratify-by",
    metavar="CLASS",
    help="Hold the classes in equal shares: 'parent' is the name of an image's folder, any other "
    "a column of the table.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--out", nargs=2, metavar="TRAIN TEST", help="The lists to write. [default: stdout]")
@click.option("--validation-out", metavar="FILE", help="The list of the validation part.")
@click.option("--unreadable", "left_out", metavar="FILE",
              help="The list of images that could not be read, which are in no part.")  # fmt: skip
@click.option("--keep-unreadable", "keep", is_flag=True,
              help="Deal out images that cannot be read, too.")  # fmt: skip
@force_option
@finder_options
@input_options
@common_options
def command(
    common: Common,
    gathering: Gathering,
    asked: Asked,
    paths: tuple[str, ...],
    test_size: float,
    validation_size: float | None,
    stratify_by: str | None,
    seed: int,
    out: tuple[str, str] | None,
    validation_out: str | None,
    left_out: str | None,
    keep: bool,
    force: bool,
) -> None:
    """Split images into parts without leaks.

    Near duplicates stay on one side. Sizes count images. Images that cannot be read are left
    out and counted. The lists have one path a line; one that would break its line is written as
    a JSON string, and the other commands read it so.

    \b
      hashfeatures split photos --stratify-by parent --out train.txt test.txt
    """
    import numpy as np

    from ..._utils.atomic_write import write_together
    from ..._utils.containers import take_rows
    from ..._utils.path_text import write_path
    from ...model_selection._sizes import part_sizes
    from ...model_selection._split import train_test_split
    from ...model_selection._strata import find_strata
    from ...report._text import count

    if (validation_size is None) != (validation_out is None) and out:
        raise click.UsageError("--validation-size and --validation-out go together.")
    names = ["train", "validation", "test"] if validation_size is not None else ["train", "test"]
    files = [out[0], *([validation_out] if validation_out else []), out[1]] if out else []
    files += [left_out] if left_out else []
    check_outputs(files, force)
    if len({os.path.realpath(str(file)) for file in files}) < len(files):
        raise CommandError(
            f"{' and '.join(map(str, files))} are not all different files: give each "
            f"part one of its own."
        )
    collection = collect(paths, gathering, common)
    classes = collection.classes(stratify_by)
    n_images = len(collection.sources)
    part_sizes("split", n_images, train_size=None, test_size=test_size,
                 validation_size=validation_size, default=0.25)  # fmt: skip
    if classes is not None:
        find_strata(classes, n_images)
    finder = fit(make_finder(asked, collection, common), collection)
    failed = finder.failures_["position"].to_numpy()
    rows = np.arange(len(collection.sources))
    if not keep:
        rows = np.delete(rows, failed)
    parts = train_test_split(
        take_rows(collection.sources, rows),
        test_size=test_size,
        validation_size=validation_size,
        random_state=seed,
        stratify=None if classes is None else take_rows(classes, rows),
        groups=finder.labels_[rows],
        finder="precomputed",
    )
    named = dict(zip(names, parts, strict=True))
    unreadable = take_rows(collection.sources, failed)
    lists = dict(zip(files, [*parts, unreadable] if out else [unreadable], strict=False))
    texts = {
        str(file): "".join(f"{write_path(path)}\n" for path in listed).encode("utf-8")
        for file, listed in lists.items()
    }
    write_together(texts)
    sizes = {name: len(part) for name, part in named.items()}
    if common.as_json:
        echo_json({"sizes": sizes, **named, "unreadable": unreadable})
    elif not out:
        for name, part in [*named.items(), *([] if keep else [("unreadable", unreadable)])]:
            for path in part:
                echo(f"{name}\t{write_path(path)}")
    else:
        told = ", ".join(f"{name} {size}" for name, size in sizes.items())
        common.note(f"{told}; no near duplicates on two sides")
    if unreadable:
        where = "dealt out all the same" if keep else "in no part"
        common.note(f"{count(len(unreadable), 'image')} could not be read: {where}")
    if n_plain := int((finder._near.codes < 0).sum()) - len(unreadable):
        one = "image has" if n_plain == 1 else "images have"
        common.note(f"{n_plain} {one} too little detail to be compared by hashes alone")
