"""``hashfeatures split``: split images so that no near duplicates leak."""

from __future__ import annotations

from typing import Any

import click

from ..._utils.quantities import count
from .._console import echo, echo_json
from .._context import FinderOptions, GlobalOptions, InputOptions
from .._data_set_output import check_apart, how_option, rehearse
from .._errors import CommandError
from .._finders import fit, make_finder
from .._groups import GroupOptions
from .._inputs import InputImages, collect, name_image
from .._locked_split import LockOptions, assign
from .._options import Size, force_option, option_groups
from .._split_output import SplitCommand, SplitOutput, name_parts, shares_of_parts
from .._strata import find_classes
from .._walk import check_existence


@click.command("split", cls=SplitCommand)
@click.argument("paths", nargs=-1, required=True)
@click.option(
    "--test-size",
    type=Size(),
    help="The fraction or the number of images in the test part.  [default: as in the lock or in "
    "the data set, or 0.25]",
)
@click.option(
    "--validation-size",
    type=Size(),
    help="The same for a validation part.  [default: as in the lock or in the data set, or no "
    "such part]",
)
@click.option(
    "--stratify-by",
    metavar="CLASS",
    help="Give every part the same proportions of classes. 'parent' takes the name of each "
    "image's folder as its class, 'none' takes no classes, and any other name is a column of the "
    "table.  [default: the labels of a data set, or the objects of each class]",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    metavar="N",
    help="Seed of the random split.  [default: 0, or as in the lock]",
)
@click.option(
    "--out",
    multiple=True,
    metavar="TRAIN TEST | DIR/",
    help="The two lists to write, or a new folder, into which the split is written in the layout "
    "of the data set.  [default: standard output]",
)
@how_option
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
    grouping=GroupOptions, locks=LockOptions, options=FinderOptions, inputs=InputOptions,
    common=GlobalOptions,
)  # fmt: skip
def command(
    locks: LockOptions,
    common: GlobalOptions,
    inputs: InputOptions,
    options: FinderOptions,
    grouping: GroupOptions,
    paths: tuple[str, ...],
    test_size: float | None,
    validation_size: float | None,
    stratify_by: str | None,
    seed: int | None,
    out: tuple[str, ...],
    how: str | None,
    validation_out: str | None,
    left_out: str | None,
    keep: bool,
    force: bool,
) -> None:
    """Split images into parts without leaks.

    Near duplicates always go to the same part, and so do the images of a group. Sizes count
    images. Images that cannot be read are in no part, and a note counts them. Lists have one path
    per line. A path with special characters is written as a JSON string, which the other commands
    can read. With --lock, images keep their part when others are added, and a note names each one
    that has to move.

    A data set in a layout, such as YOLO or COCO, is written in this layout by --out DIR/. Each
    image goes with its annotations, and the source is not changed. The parts have the names and
    the shares that they have in the data set.

    \b
      hashfeatures split photos --stratify-by parent --out train.txt test.txt
      hashfeatures split data.yaml --out data-clean/
      hashfeatures split frames --groups sequences --out train.txt test.txt
      hashfeatures split photos --lock split.lock.json --force --out a.txt b.txt
    """
    import numpy as np

    from ..._utils.containers import take_rows
    from ..._utils.path_text import write_path
    from ...model_selection._groups import merge_groups
    from ...model_selection._split import train_test_split
    from ...model_selection.allocation._sizes import UNUSED, part_names, part_sizes
    from ...model_selection.allocation._strata import find_strata

    locks.check(keeps_unreadable=keep)
    check_existence(paths)
    output = SplitOutput.parse(out, how, validation_out, left_out, paths)
    given: dict[str, float | None] = {"validation": validation_size, "test": test_size}
    requested = locks.choose_sizes(given)
    if ("validation" in requested) != (validation_out is not None) and output.lists:
        if validation_size is None and validation_out is None:
            raise CommandError(f"{locks.lock} has a validation part. Add --validation-out FILE.")
        raise click.UsageError("Give --validation-size and --validation-out together.")
    output.check(locks.lock, force)
    folder = output.folder
    collection = collect(paths, inputs, common, whole=folder is not None)
    check_apart(folder, collection)
    usual = {} if output.lists else locks.usual_sizes(given, shares_of_parts(collection.data_set))
    if usual:
        given |= usual
        requested = locks.choose_sizes(given)
    names = part_names(requested)
    called = name_parts(collection.data_set, names)
    rehearse(folder, collection, [called[name] for name in names if name != UNUSED], how)
    classes = find_classes(collection, stratify_by, common)
    n_images = len(collection.sources)
    part_sizes("split", n_images, train_size=requested.get("train"),
               test_size=requested.get("test"), default=0.25,
               validation_size=requested.get("validation"))  # fmt: skip
    if classes is not None:
        find_strata(classes, n_images)
    own = _read_groups(grouping, collection, common)
    finder = fit(make_finder(options, collection, common), collection)
    failed = finder.failures_["position"].to_numpy()
    unreadable = take_rows(collection.sources, failed)
    moves: dict[str, Any] = {}
    if locks.lock is not None:
        rows_of, unreadable, moves = assign(
            locks,
            collection,
            finder,
            common,
            test_size=given["test"],
            validation_size=given["validation"],
            stratify=classes,
            groups=own,
            random_state=seed,
        )
    else:
        rows = np.arange(n_images) if keep else np.delete(np.arange(n_images), failed)
        for name, share in usual.items():  # a rounded share could miss the number by one
            given[name] = max(1, round(share * len(rows)))
        groups = finder.labels_ if own is None else merge_groups(finder.labels_, own)
        parts = train_test_split(
            rows,
            test_size=given["test"],
            validation_size=given["validation"],
            random_state=seed or 0,
            stratify=None if classes is None else take_rows(classes, rows),
            groups=groups[rows],
            finder="precomputed",
        )
        rows_of = dict(zip(names, parts, strict=True))
    if folder is not None:
        called = name_parts(collection.data_set, list(rows_of))  # a lock may name others
        rows_of = {called[name]: part for name, part in rows_of.items()}
    unreadable = [name_image(image) for image in unreadable]
    wanted = names if output.lists else list(rows_of)
    in_parts = {name: rows_of[name] for name in wanted if name != UNUSED}
    output.write(collection, in_parts, unreadable)
    named = {name: [collection.names[row] for row in part] for name, part in rows_of.items()}
    sizes = {name: len(part) for name, part in named.items()}
    if common.as_json:
        echo_json({"sizes": sizes, **named, "unreadable": unreadable, **moves})
    elif not out:
        for name, part in [*named.items(), *([] if keep else [("unreadable", unreadable)])]:
            for path in part:
                echo(f"{name}\t{write_path(path)}")
    else:
        shown = ", ".join(f"{name} {size}" for name, size in sizes.items())
        kept = "near duplicates" if own is None else "near duplicates and no groups"
        where = "" if folder is None else f"wrote {folder}: "
        common.note(f"{where}{shown}; no {kept} in different parts")
    if unreadable:
        where = "but they are in the parts" if keep else "so they are in no part"
        if len(unreadable) == 1:
            where = where.replace("they are", "it is")
        common.note(f"{count(len(unreadable), 'image')} could not be read, {where}")
    if n_plain := int((finder.graph_.node_of_image < 0).sum()) - len(failed):
        has = "has" if n_plain == 1 else "have"
        common.note(
            f"{count(n_plain, 'image')} {has} too little detail to compare by hashes alone"
        )


def _read_groups(grouping: GroupOptions, collection: InputImages, common: GlobalOptions) -> Any:
    """Return the group of each image besides near duplicates, or None, and note sequences."""
    groups = grouping.read([collection], common)
    if groups is None or isinstance(groups, list):
        return None if groups is None else groups[0]
    common.note(f"found {groups.fit(collection.sources).description_}")
    return groups.labels_
