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
from .._locked_split import LockOptions, assign
from .._options import Size, force_option, option_groups
from .._outputs import check_outputs


@click.command("split")
@click.argument("paths", nargs=-1, required=True)
@click.option(
    "--test-size",
    type=Size(),
    help="The fraction or the number of images in the test part.  [default: 0.25, or as in the "
    "lock]",
)
@click.option(
    "--validation-size",
    type=Size(),
    help="The same for a validation part.  [default: no such part, or as in the lock]",
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
    metavar="N",
    help="Seed of the random split.  [default: 0, or as in the lock]",
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
    can read. With --lock, images keep their part when others are added, and a note names each one
    that has to move.

    \b
      hashfeatures split photos --stratify-by parent --out train.txt test.txt
      hashfeatures split frames --groups sequences --out train.txt test.txt
      hashfeatures split photos --lock split.lock.json --force --out a.txt b.txt
    """
    import numpy as np

    from ..._utils.atomic_write import write_together
    from ..._utils.containers import take_rows
    from ..._utils.path_text import write_path
    from ...model_selection._groups import merge_groups
    from ...model_selection._split import train_test_split
    from ...model_selection.allocation._sizes import UNUSED, part_names, part_sizes
    from ...model_selection.allocation._strata import find_strata

    locks.check(keeps_unreadable=keep)
    requested = locks.choose_sizes({"validation": validation_size, "test": test_size})
    if ("validation" in requested) != (validation_out is not None) and out:
        if validation_size is None and validation_out is None:
            raise CommandError(f"{locks.lock} has a validation part. Add --validation-out FILE.")
        raise click.UsageError("Give --validation-size and --validation-out together.")
    names = part_names(requested)
    files = [out[0], *([validation_out] if validation_out else []), out[1]] if out else []
    files += [left_out] if left_out else []
    check_outputs(files, force)
    written = [*files, *([locks.lock] if locks.lock else [])]
    if len({os.path.realpath(file) for file in written}) < len(written):
        raise CommandError(
            f"{' and '.join(written)} are not all different. Give each part a file of its own."
        )
    collection = collect(paths, inputs, common)
    classes = collection.classes(stratify_by)
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
        named, unreadable, moves = assign(
            locks,
            collection,
            finder,
            common,
            test_size=test_size,
            validation_size=validation_size,
            stratify=classes,
            groups=own,
            random_state=seed,
        )
    else:
        rows = np.arange(n_images) if keep else np.delete(np.arange(n_images), failed)
        groups = finder.labels_ if own is None else merge_groups(finder.labels_, own)
        parts = train_test_split(
            take_rows(collection.sources, rows),
            test_size=test_size,
            validation_size=validation_size,
            random_state=seed or 0,
            stratify=None if classes is None else take_rows(classes, rows),
            groups=groups[rows],
            finder="precomputed",
        )
        named = dict(zip(names, parts, strict=True))
    listed_parts = [named[name] for name in names if name != UNUSED] if out else []
    lists = dict(zip(files, [*listed_parts, unreadable], strict=False))
    texts = {
        str(file): "".join(f"{write_path(path)}\n" for path in listed).encode("utf-8")
        for file, listed in lists.items()
    }
    write_together(texts)
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
        common.note(f"{shown}; no {kept} in different parts")
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


def _read_groups(grouping: GroupOptions, collection: Collection, common: GlobalOptions) -> Any:
    """Return the group of each image besides near duplicates, or None, and note sequences."""
    groups = grouping.read([collection], common)
    if groups is None or isinstance(groups, list):
        return None if groups is None else groups[0]
    common.note(f"found {groups.fit(collection.sources).description_}")
    return groups.labels_
