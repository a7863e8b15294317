"""From a collection of images to a fitted finder."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from ._context import FinderOptions, GlobalOptions, HashingOptions
from ._errors import CommandError
from ._inputs import InputImages

if TYPE_CHECKING:
    from ..duplicates._finder import NearDuplicateFinder


def make_finder(
    options: FinderOptions, collection: InputImages, common: GlobalOptions
) -> NearDuplicateFinder:
    """Return a finder for a collection, not fitted.

    Raises
    ------
    CommandError
        If the collection holds other hashes, hashes that were made with other settings, or no
        pixels although the options concern them.
    """
    how = {"n_jobs": common.n_jobs, "cache": common.cache, "progress": common.progress}
    finder = finder_of(options)
    finder.set_params(**how)
    if collection.is_hashed:
        check_pixels(options)
        decode, trim_borders = check_settings(collection, options)
        check_columns(collection, finder.hashes)
        finder.set_params(decode=decode, trim_borders=trim_borders, verify=False)
    return finder


def finder_of(options: FinderOptions) -> NearDuplicateFinder:
    """Return the finder that the options describe, for images."""
    from ..duplicates._finder import NearDuplicateFinder
    from ..hashing._spec import parse_hashes

    hashes = tuple(options.hashes.split(",")) if options.hashes else ("phash", "dhash")
    chosen: dict[str, Any] = {"verify": options.verify is not False}
    if options.min_agreement is not None:
        chosen["min_agreement"] = options.min_agreement
        if options.verify is False:
            raise click.UsageError("--min-agreement has no effect with --no-verify. Omit one.")
    return NearDuplicateFinder(
        [str(spec) for spec in parse_hashes(hashes)],
        options.radius,
        views=options.views or "identity",
        linkage=options.linkage,
        decode=options.decode or "reduced",
        trim_borders=options.trim_borders,
        **chosen,
    )


def check_pixels(options: FinderOptions) -> None:
    """Raise if options concern pixels, which a file of hashes does not hold."""
    concerned = {"--verify": options.verify, "--min-agreement": options.min_agreement is not None}
    for name, is_given in concerned.items():
        if is_given:
            raise CommandError(
                f"{name} concerns pixels, and a file of hashes holds none. Leave out {name}, or "
                f"give the images themselves."
            )


def check_settings(
    collection: InputImages, options: FinderOptions | HashingOptions
) -> tuple[str, bool]:
    """Return the `decode` and `trim_borders` with which the hashes of a collection were made.

    Raises
    ------
    CommandError
        If the options ask for others.
    """
    from ._hash_files import describe_settings, parse_settings

    settings = collection.settings or ""
    decode, trim_borders = parse_settings(settings)
    trim_borders = trim_borders or options.trim_borders
    wanted = describe_settings(options.decode or decode, trim_borders)
    if settings and settings != wanted:
        raise CommandError(
            f"The hashes were made with the settings {settings}\nbut the options ask for "
            f"{wanted}. Hash the images again."
        )
    return decode, trim_borders


def check_columns(collection: InputImages, names: list[str]) -> None:
    """Raise if a collection lacks hashes of these names."""
    from ..hashing._spec import is_hash

    columns = [] if collection.columns is None else list(collection.columns.columns)
    missing = [name for name in names if name not in columns]
    if missing:
        known = [column for column in columns if is_hash(column)]
        raise CommandError(
            f"The comparison needs the hashes {', '.join(names)}, but the file holds "
            f"{', '.join(known)}.\nChoose among these with --hashes, or hash the images again."
        )


def fit(finder: NearDuplicateFinder, collection: InputImages) -> NearDuplicateFinder:
    """Fit a finder on a collection: on its hashes if it has them, else on its images.

    Raises
    ------
    CommandError
        If none of the images could be read.
    """
    from ..duplicates._resolve import find_near

    images = collection.columns if collection.is_hashed else collection.sources
    fitted = find_near(images, finder, fit=True, use_hashes=collection.is_hashed).finder
    assert fitted is not None
    check_readable(len(collection.sources), fitted.failures_["error"])
    return fitted


def check_readable(n_images: int, errors: Iterable[object]) -> None:
    """Raise if there are as many `errors` as images: then none could be read."""
    causes = list(errors)
    if n_images and len(causes) == n_images:
        whole = "The image could not" if n_images == 1 else f"None of the {n_images} images could"
        raise CommandError(f"{whole} be read, so nothing was done. {causes[0]}")
