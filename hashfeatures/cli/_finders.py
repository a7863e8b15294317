"""From a collection to a fitted finder."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ._context import Asked, Common
from ._errors import CommandError
from ._inputs import Collection

if TYPE_CHECKING:
    from ..duplicates._finder import NearDuplicateFinder


def make_finder(asked: Asked, collection: Collection, common: Common) -> NearDuplicateFinder:
    """Return a finder for a collection, not fitted.

    Raises
    ------
    CommandError
        If the hashes of the collection are other ones, or were made with other settings.
    """
    from ..duplicates._finder import NearDuplicateFinder
    from ..hashing._spec import parse_hashes

    hashes = tuple(asked.hashes.split(",")) if asked.hashes else ("phash", "dhash")
    names = [str(spec) for spec in parse_hashes(hashes)]
    decode = asked.decode or "reduced"
    if collection.is_hashed:
        decode = check_settings(collection, asked.decode)
        check_columns(collection, names)
    return NearDuplicateFinder(
        names,
        asked.radius,
        views=asked.views or "identity",
        linkage=asked.linkage,
        decode=decode,
        n_jobs=common.n_jobs,
        cache=common.cache,
        progress=common.progress,
    )


def check_settings(collection: Collection, decode: str | None) -> str:
    """Return how the hashes of a collection were decoded, or fail if it was asked otherwise."""
    from ._hash_files import say_settings

    settings = collection.settings or ""
    made = "reduced" if "decode=reduced" in settings else "full"
    wanted = say_settings(decode or made)
    if settings and settings != wanted:
        raise CommandError(
            f"The hashes were made with other settings: {settings}\nand are asked for with: "
            f"{wanted}. Hash the images again."
        )
    return made


def check_columns(collection: Collection, names: list[str]) -> None:
    """Fail unless a collection has the hashes of these names."""
    from ._hash_files import is_hash

    columns = [] if collection.columns is None else list(collection.columns.columns)
    missing = [name for name in names if name not in columns]
    if missing:
        known = [column for column in columns if is_hash(column)]
        raise CommandError(
            f"The images are compared by {', '.join(names)}, and the file has the hashes "
            f"{', '.join(known)}.\nChoose among these with --hashes, or hash the images again."
        )


def fit(finder: NearDuplicateFinder, collection: Collection) -> NearDuplicateFinder:
    """Fit a finder on a collection: on its hashes if it has them, else on its images.

    Raises
    ------
    CommandError
        If none of the images could be read.
    """
    if collection.is_hashed and collection.columns is not None:
        fitted = finder.fit_table(collection.columns)
    else:
        fitted = finder.fit(collection.sources)
    check_readable(len(collection.sources), fitted.failures_["error"])
    return fitted


def check_readable(n_images: int, errors: Iterable[object]) -> None:
    """Fail if none of some images could be read; there are `errors` of those that could not."""
    causes = list(errors)
    if n_images and len(causes) == n_images:
        whole = "The image" if n_images == 1 else f"None of the {n_images} images"
        could = "could not" if n_images == 1 else "could"
        raise CommandError(f"{whole} {could} be read: nothing was done. {causes[0]}")
