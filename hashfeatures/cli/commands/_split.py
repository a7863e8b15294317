"""``hashfeatures split``: split images so that no near duplicates leak."""

from __future__ import annotations

import os
from typing import Any

import click

from ..._utils.quantities import count
from .._console import echo, echo_json
from .._context import FinderOptions, GlobalOptions, InputOptions
from .._errors import CommandError
from .._finders import fit, make_finder
from .._groups import GroupOptions
from .._inputs import Collection, collect
from .._options import Size, force_option, option_groups
from .._outputs import check_outputs


@click.command("split")
@click.argument("paths", nargs=-1, required=True)
@click.option(
    "--test-size",
    type=Size(),
    default="0.25",
    show_default=True,
    help="The fraction or the number of images in the test part.",
)
@click.option(
    "--validation-size",
    type=Size(),
    help="The same for a validation part.  [default: no validation part]",
)
@click.option(
    "--stratify-by",
    metavar="CLASS",
    help="Give every part the same proportions of classes. 'parent' takes the name of each "
    "image's folder as its class; any other name is a column of the table.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="N",
    help="Seed of the random split.",
)
@click.option(
    "--out",
    nargs=2,
    metavar="TRAIN TEST",
    help="The lists to write.  [default: standard output]",
)
@click.option("--validation-out", metavar="FILE", help="The list of the validation part.")
@click.option(
    "--unreadable",
    "left_out",
    metavar="FILE",
    help="Write the list of images that could not be read. They are in no part.",
)
@click.option(
    "--keep-unreadable",
    "keep",
    is_flag=True,
    help="Also assign images that cannot be read to the parts.",
)
@force_option
@option_groups(
    grouping=GroupOptions, options=FinderOptions, inputs=InputOptions, common=GlobalOptions
)
def command(
    common: GlobalOptions,
    inputs: InputOptions,
    options: FinderOptions,
    grouping: GroupOptions,
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

    Near duplicates always go to the same part, and so do the images of a group. Sizes count
    images. Images that cannot be read are in no part, and a note counts them. Lists have one path
    per line. A path with special characters is written as a JSON string, which the other commands
    can read.

    \b
      hashfeatures split photos --stratify-by parent --out train.txt test.txt
      hashfeatures split frames --groups sequences --out train.txt test.txt
    """
    import numpy as np

    from ..._utils.atomic_write import write_together
    from ..._utils.containers import take_rows
    from ..._utils.path_text import write_path
    from ...model_selection._groups import merge_groups
    from ...model_selection._sizes import part_sizes
    from ...model_selection._split import train_test_split
    from ...model_selection._strata import find_strata

    if (validation_size is None) != (validation_out is None) and out:
        raise click.UsageError("Give --validation-size and --validation-out together.")
    names = ["train", "validation", "test"] if validation_size is not None else ["train", "test"]
    files = [out[0], *([validation_out] if validation_out else []), out[1]] if out else []
    files += [left_out] if left_out else []
    check_outputs(files, force)
    if len({os.path.realpath(str(file)) for file in files}) < len(files):
        raise CommandError(
            f"{' and '.join(map(str, files))} are not all different. Give each part a file of "
            f"its own."
        )
    collection = collect(paths, inputs, common)
    classes = collection.classes(stratify_by)
    n_images = len(collection.sources)
    part_sizes("split", n_images, train_size=None, test_size=test_size,
                 validation_size=validation_size, default=0.25)  # fmt: skip
    if classes is not None:
        find_strata(classes, n_images)
    own = _read_groups(grouping, collection, common)
    finder = fit(make_finder(options, collection, common), collection)
    groups = finder.labels_ if own is None else merge_groups(finder.labels_, own)
    failed = finder.failures_["position"].to_numpy()
    rows = np.arange(n_images)
    if not keep:
        rows = np.delete(rows, failed)
    parts = train_test_split(
        take_rows(collection.sources, rows),
        test_size=test_size,
        validation_size=validation_size,
        random_state=seed,
        stratify=None if classes is None else take_rows(classes, rows),
        groups=groups[rows],
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
        shown = ", ".join(f"{name} {size}" for name, size in sizes.items())
        kept = "near duplicates" if own is None else "near duplicates and no groups"
        common.note(f"{shown}; no {kept} in different parts")
    if unreadable:
        where = "but they are in the parts" if keep else "so they are in no part"
        if len(unreadable) == 1:
            where = where.replace("they are", "it is")
        common.note(f"{count(len(unreadable), 'image')} could not be read, {where}")
    if n_plain := int((finder.graph_.node_of_image < 0).sum()) - len(unreadable):
        has = "has" if n_plain == 1 else "have"
        common.note(
            f"{count(n_plain, 'image')} {has} too little detail to compare by hashes alone"
        )


def _read_groups(grouping: GroupOptions, collection: Collection, common: GlobalOptions) -> Any:
    """Return the group of each image besides near duplicates, or None, and note sequences."""
    groups = grouping.read([collection], common)
    if groups is None or isinstance(groups, list):
        return None if groups is None else groups[0]
    common.note(f"found {groups.fit(collection.sources).description_}")
    return groups.labels_
