"""A cache as a help: when it fails, the run goes on without it, and says so at its end."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from types import TracebackType

from ..exceptions import CacheUnavailableError
from ._cache import HashCache, SourceKey
from ._record import ImageRecord


class BestEffortCache:
    """A `HashCache` that stands in the way of no run.

    Parameters
    ----------
    path, settings
        As of `HashCache`.

    Attributes
    ----------
    trouble : str or None
        What there is to be warned of.

    Raises
    ------
    CacheError
        If the file is none of ours, of a newer release or damaged; by the methods as well.
    """

    def __init__(self, path: str | os.PathLike[str], settings: str) -> None:
        self.trouble: str | None = None
        self._cache: HashCache | None = None
        try:
            self._cache = HashCache(path, settings)
        except CacheUnavailableError as error:
            self._give_up(error)
        else:
            if self._cache.is_read_only:
                self.trouble = (
                    f"The cache {os.fspath(path)!r} cannot be written: what it holds was used, "
                    f"and nothing was added."
                )

    def __enter__(self) -> BestEffortCache:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if self._cache is not None:
                self._cache.close()
        except CacheUnavailableError as unavailable:
            self._give_up(unavailable)

    @property
    def is_open(self) -> bool:
        """Whether the cache has not failed yet."""
        return self._cache is not None

    def get_many(self, keys: Sequence[SourceKey | None]) -> list[ImageRecord | None]:
        """Look up many images; see `HashCache.get_many`."""
        try:
            if self._cache is not None:
                return self._cache.get_many(keys)
        except CacheUnavailableError as error:
            self._give_up(error)
        return [None] * len(keys)

    def put_many(self, entries: Iterable[tuple[SourceKey, ImageRecord]]) -> None:
        """Keep what is known of many images; see `HashCache.put_many`."""
        try:
            if self._cache is not None:
                self._cache.put_many(entries)
        except CacheUnavailableError as error:
            self._give_up(error)

    def _give_up(self, error: CacheUnavailableError) -> None:
        self.trouble = f"{error} The run went on without it."
        if self._cache is not None:
            self._cache.forget()
        self._cache = None
