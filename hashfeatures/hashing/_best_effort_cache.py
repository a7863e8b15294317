"""A cache whose failure does not end a run, which warns at its end instead."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from types import TracebackType

from ..exceptions import CacheUnavailableError
from ._cache import HashCache
from ._record import ImageRecord
from ._source_keys import SourceKey


class BestEffortCache:
    """A `HashCache` that a run goes on without when it fails.

    Parameters
    ----------
    path, settings
        As of `HashCache`.

    Attributes
    ----------
    problem : str or None
        The text of a warning, if the cache failed or cannot be written.

    Raises
    ------
    CacheError
        If the file is damaged, of a newer release or not a cache of this package. The methods
        raise it too.
    """

    def __init__(self, path: str | os.PathLike[str], settings: str) -> None:
        self.problem: str | None = None
        self._cache: HashCache | None = None
        try:
            self._cache = HashCache(path, settings)
        except CacheUnavailableError as error:
            self._give_up(error)
        else:
            if self._cache.is_read_only:
                self.problem = (
                    f"The cache {os.fspath(path)!r} cannot be written. The run used its entries "
                    f"and added none."
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
        """Whether the cache still works."""
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
        """Store the records of many images; see `HashCache.put_many`."""
        try:
            if self._cache is not None:
                self._cache.put_many(entries)
        except CacheUnavailableError as error:
            self._give_up(error)

    def _give_up(self, error: CacheUnavailableError) -> None:
        self.problem = f"{error} The run went on without it."
        if self._cache is not None:
            self._cache.forget()
        self._cache = None
