"""``hashfeatures split``: parts without leaks."""

from __future__ import annotations

import os

import click

from ..asked import Asked, CommandError, Common, Gathering
from ..collecting import collect
from ..finding import fit, make_finder
from ..options import (
    Size,
    check_outputs,
    common_options,
    echo_json,
    finder_options,
    force_option,
    input_options,
)
from ..telling import echo


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
    force: bool,
) -> None:
    """Split images into parts without leaks.

    Near duplicates stay on one side. Sizes count images. The lists have one path a line; one
    that would break its line is written as a JSON string, and the other commands read it so.

    \b
      hashfeatures split photos --stratify-by parent --out train.txt test.txt
    """
    from ...model_selection import train_test_split
    from ...path_text import write_path
    from ...whole_files import write_whole

    if (validation_size is None) != (validation_out is None) and out:
        raise click.UsageError("--validation-size and --validation-out go together.")
    names = ["train", "validation", "test"] if validation_size else ["train", "test"]
    files = [out[0], *([validation_out] if validation_size else []), out[1]] if out else []
    check_outputs(files, force)
    if len({os.path.realpath(str(file)) for file in files}) < len(files):
        raise CommandError(f"{' and '.join(map(str, files))} are not all different files.")
    collection = collect(paths, gathering, common)
    classes = collection.classes(stratify_by)
    finder = fit(make_finder(asked, collection, common), collection)
    parts = train_test_split(
        collection.sources,
        test_size=test_size,
        validation_size=validation_size,
        random_state=seed,
        stratify=classes,
        groups=finder.labels_,
        finder="precomputed",
    )
    named = dict(zip(names, parts, strict=True))
    for name, file in zip(names, files, strict=False):
        lines = "".join(f"{write_path(path)}\n" for path in named[name])
        write_whole(str(file), lines.encode("utf-8"))
    if common.as_json:
        echo_json({"sizes": {name: len(part) for name, part in named.items()}, **named})
    elif files:
        sizes = ", ".join(f"{name} {len(part)}" for name, part in named.items())
        common.note(f"{sizes}; no near duplicates on two sides")
    else:
        for name, part in named.items():
            for path in part:
                echo(f"{name}\t{write_path(path)}")
