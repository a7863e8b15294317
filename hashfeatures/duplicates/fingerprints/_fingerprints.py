"""What images are compared by: the bits of hashes, and of plain images the pixels themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..._utils.progress import busy
from ..._utils.stored_columns import read_hashes, read_numbers
from ...hamming._index import HammingIndex
from ...hamming._log_structured import LogStructuredIndex, merge_runs
from ...hamming._packing import hamming_distances, words_from_bits
from ...hamming._pairs import MAX_PAIRS, Pairs
from ...hamming._unique import RowLookup, number_rows
from ...hashing._hash_arrays import Hashes
from ...hashing._hex import hex_to_bits, unpack_bits
from ...hashing._spec import HashSpec
from ...hashing.views._segment_hashes import SegmentsSpec
from ...hashing.views._view_hashes import ViewsSpec
from ...hashing.views._windows import TURNS
from .._diameters import Diameters
from .._labels import Labels
from .._linkage import Agreement, Alike, group_words
from .._pair_graph import CompactPairs
from ._base import Codes
from ._colors import measure_colours
from ._linkage import group_views
from ._segments import SegmentCodes
from ._views import ViewCodes, ViewPairs

# Pairs that are looked at, at a time.
_BLOCK = 2**16


@dataclass(frozen=True)
class Signatures:
    """What images are compared by.

    Parameters
    ----------
    words : ndarray of shape (n_images, n_words), dtype uint64
        The bits of the hashes, packed.
    hashed : ndarray of shape (n_images,), dtype bool
        Which images are compared by their hashes.
    pixels : ndarray of shape (n_images, 2), dtype uint64
        Digests of the decoded pixels.
    plain : ndarray of shape (n_images,), dtype bool
        Which images have too little detail for that, and are compared by their pixels.
    n_bits : int
        How many bits the hashes have.
    views : Codes or None
        The hashes of all views or segments, if images are compared by those; `words` are then
        those of the first: of the image as it is, or of any segment.
    colours : ndarray of shape (n_images, n_bytes), dtype uint8, or None
        The packed bits of ``colorgrid``, if near images must be of near colours too.
    """

    words: NDArray[np.uint64]
    hashed: NDArray[np.bool_]
    pixels: NDArray[np.uint64]
    plain: NDArray[np.bool_]
    n_bits: int
    views: Codes | None = None
    colours: NDArray[np.uint8] | None = None

    @classmethod
    def from_hashes(
        cls, hashes: Hashes, min_detail: int, n_compared: int | None = None
    ) -> Signatures:
        """Sign images that were hashed with ``digest_below=min_detail``.

        Of the hashes, the first `n_compared` are compared (None: all), or the first is a
        `ViewsSpec` or a `SegmentsSpec` and they are those of each view or segment; if there is
        one more, it is ``colorgrid``.
        """
        n_compared = len(hashes.specs) if n_compared is None else n_compared
        spec = hashes.specs[0]
        views: Codes | None = None
        if isinstance(spec, ViewsSpec | SegmentsSpec):
            codes = np.ascontiguousarray(hashes.packed(0)).view(np.uint64)
            codes = codes.reshape(-1, spec.shape[0], spec.n_words)
            if isinstance(spec, ViewsSpec):
                views = ViewCodes(codes, spec.views)
            else:
                views = SegmentCodes.fit(codes)
            words = views.words[:, 0]
            n_bits = sum(part.n_bits for part in spec.hashes)
        else:
            compared = range(n_compared)
            bits = np.hstack(
                [
                    unpack_bits(hashes.packed(place), hashes.specs[place].n_bits)
                    for place in compared
                ]
            )
            words, n_bits = words_from_bits(bits)[0], bits.shape[1]
        colours = hashes.packed(n_compared) if n_compared < len(hashes.specs) else None
        plain = np.zeros(hashes.n_images, dtype=bool)
        plain[list(hashes.digests)] = True
        hashed = ~plain
        hashed[list(hashes.errors)] = False
        pixels = np.zeros((hashes.n_images, 2), dtype=np.uint64)
        for row, digest in hashes.digests.items():
            pixels[row] = np.frombuffer(digest, dtype=np.uint64)
        return cls(words, hashed, pixels, plain, n_bits, views, colours)

    @classmethod
    def from_table(
        cls, table: pd.DataFrame, specs: Sequence[HashSpec], min_detail: int
    ) -> Signatures:
        """Sign images from the hex columns of a table; those of low detail have no signature."""
        missing = [str(spec) for spec in specs if str(spec) not in table.columns]
        if missing:
            named = ", ".join(repr(str(spec)) for spec in specs)
            raise ValueError(
                f"The images are compared by {named}, and the table has no column "
                f"{', '.join(map(repr, missing))}: make it by hash_images(images, [{named}]), or "
                f"pass finder=NearDuplicateFinder(hashes=..., radius=...) for the hashes it has."
            )
        columns = [read_hashes(table[str(spec)]) for spec in specs]
        hashed = np.all([column.notna() for column in columns], axis=0)
        if "detail" in table.columns:
            hashed &= read_numbers(table["detail"]).fillna(-1).to_numpy() >= min_detail
        bits = np.zeros((len(table), sum(spec.n_bits for spec in specs)), dtype=np.uint8)
        bits[hashed] = np.hstack(
            [
                hex_to_bits(column[hashed], spec.n_bits)
                for column, spec in zip(columns, specs, strict=True)
            ]
        )
        nothing = np.zeros(len(table), dtype=bool)
        pixels = np.zeros((len(table), 2), dtype=np.uint64)
        return cls(words_from_bits(bits)[0], hashed, pixels, nothing, bits.shape[1])

    @busy("comparing images")
    def near(
        self,
        radius: int,
        n_jobs: int | None,
        known: CompactPairs | None = None,
        color_radius: int | None = None,
    ) -> CompactPairs:
        """Find every two images that are near each other.

        Parameters
        ----------
        radius : int
            The greatest distance of two hashes, in bits.
        n_jobs : int or None
            How many threads search.
        known : CompactPairs, optional
            The near pairs of the first images, which are not searched again.
        color_radius : int, optional
            The greatest distance of their colours, in bits of ``colorgrid``.

        Returns
        -------
        CompactPairs
            The pairs of all.
        """
        if known is not None and isinstance(known.search, SignatureSearch):
            more = self.take(slice(len(known.codes), None))
            codes, search = known.search.grow(more, n_jobs)
            return known.grow(codes, search.n_codes, search)
        codes = self._number()
        return CompactPairs.survey(
            codes, int(codes.max(initial=-1)) + 1, self.search(codes, radius, n_jobs, color_radius)
        )

    def _number(self) -> Labels:
        """Give images that are near the same others one number; -1 to those that are near none."""
        codes = np.full(len(self.hashed), -1, dtype=np.intp)
        codes[self.hashed], firsts = number_rows(self._keys()[self.hashed])
        codes[self.plain] = len(firsts) + number_rows(self.pixels[self.plain])[0]
        return codes

    def search(
        self, codes: Labels, radius: int, n_jobs: int | None, color_radius: int | None
    ) -> SignatureSearch:
        """Return what finds the near pairs of different signatures, as they are numbered."""
        known = np.flatnonzero(codes >= 0)[::-1]
        firsts = np.empty(int(codes.max(initial=-1)) + 1, dtype=np.intp)
        firsts[codes[known]] = known  # of the images with one number, the first one stays
        different = self if np.array_equal(firsts, np.arange(len(codes))) else self.take(firsts)
        return SignatureSearch(different, radius, n_jobs, color_radius)

    @busy("grouping images")
    def group(
        self,
        labels: Labels,
        radius: int,
        linkage: str,
        n_jobs: int | None,
        color_radius: int | None = None,
    ) -> tuple[Labels, Diameters]:
        """Make the groups of a linkage of those that near images form, see `group_words`."""
        agreement = None
        if color_radius is not None and self.colours is not None:
            agreement = Agreement(self._colour_words(), self._test_colours(color_radius))
        if self.views is not None:
            return group_views(self.views, labels, radius, linkage, agreement)
        shown = np.where(self.hashed[:, None], self.words, np.uint64(0))
        return group_words(shown, labels, radius, linkage, n_jobs, agreement)

    def _test_colours(self, color_radius: int) -> Alike:
        """Return what tells which images are of near colours; of no detail, they were equal."""

        def test(rows: Labels, others: Labels) -> NDArray[np.bool_]:
            pairs = Pairs(rows, others, np.zeros(len(rows), dtype=np.int64))
            return self.agree_in_colour(self, pairs, color_radius) | self.plain[rows]

        return test

    def name_views(self, others: Signatures, pairs: Pairs) -> Pairs | ViewPairs:
        """Tell in which views the pairs are near, if images are compared over views."""
        if not (isinstance(self.views, ViewCodes) and isinstance(others.views, ViewCodes)):
            return pairs
        named = self.views.name(others.views, pairs)
        return named._replace(distance=pairs.distance)

    def distances(self, others: Signatures) -> NDArray[np.int64]:
        """Return the distance in bits of each image to the one in the same row of `others`."""
        if self.views is not None and others.views is not None:
            return self.views.distances(others.views)
        return hamming_distances(self.words, others.words)

    def agree_in_colour(
        self, others: Signatures, pairs: Pairs, color_radius: int | None
    ) -> NDArray[np.bool_]:
        """Tell which pairs are of near colours: left here, right among `others`."""
        if color_radius is None or self.colours is None or others.colours is None:
            return np.ones(len(pairs.left), dtype=bool)
        n_turns = self.views.views.n_turns if isinstance(self.views, ViewCodes) else 1
        left, right = self.colours[pairs.left], others.colours[pairs.right]
        near: NDArray[np.bool_] = measure_colours(left, right, TURNS[:n_turns]) <= color_radius
        return near

    def take(self, rows: Any) -> Signatures:
        """Return the signatures of some images."""
        return Signatures(
            self.words[rows],
            self.hashed[rows],
            self.pixels[rows],
            self.plain[rows],
            n_bits=self.n_bits,
            views=None if self.views is None else self.views.take(rows),
            colours=None if self.colours is None else self.colours[rows],
        )

    @classmethod
    def join(cls, parts: Sequence[Signatures]) -> Signatures:
        """Return the signatures of several collections as those of one."""
        names = ("words", "hashed", "pixels", "plain")
        joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
        views = [part.views for part in parts if part.views is not None]
        colours = [part.colours for part in parts if part.colours is not None]
        return cls(
            **joined,
            n_bits=parts[0].n_bits,
            views=type(views[0]).join(views) if views else None,
            colours=np.concatenate(colours) if colours else None,
        )

    def sample_different(self, n_images: int) -> Signatures:
        """Return at most so many of the images, by chance, of which no two have equal hashes."""
        rows = np.flatnonzero(self.hashed)
        drawn = np.random.default_rng(0).permutation(rows)[: 4 * n_images]
        sample = self.take(drawn)
        return sample.take(number_rows(sample._keys())[1][:n_images])

    def _keys(self) -> NDArray[np.uint64]:
        """Return words that are equal for images that are near the same others."""
        columns = [self.words if self.views is None else self.views.digests()]
        if self.colours is not None:
            columns.append(self._colour_words())
        return columns[0] if len(columns) == 1 else np.hstack(columns)

    def _colour_words(self) -> NDArray[np.uint64]:
        """Return the bits of the colours in words."""
        assert self.colours is not None
        return words_from_bits(np.unpackbits(self.colours, axis=1))[0]

    def _alike(self, others: Signatures, pairs: Pairs, color_radius: int | None) -> Pairs:
        """Keep the pairs of which the colours are near as well."""
        near = self.agree_in_colour(others, pairs, color_radius)
        return pairs if near.all() else pairs.take(near)


class SignatureSearch:
    """The near pairs of signatures that all differ; a `PairSearch`.

    What is laid out for it stays, and serves those that it grows into.

    Parameters
    ----------
    signatures : Signatures
        The signatures.
    radius, n_jobs, color_radius
        As for `Signatures.near`; `n_jobs` may be changed.
    """

    def __init__(
        self, signatures: Signatures, radius: int, n_jobs: int | None, color_radius: int | None
    ) -> None:
        self.n_jobs = n_jobs
        self._signatures = signatures
        self._radius = radius
        self._color_radius = color_radius
        # Where the segments of the index end, see `LogStructuredIndex`, and those that are made.
        self._ends: tuple[int, ...] = (int(signatures.hashed.sum()),)
        self._indexes: dict[Any, HammingIndex] = {}

    @property
    def n_codes(self) -> int:
        """How many signatures there are."""
        return len(self._signatures.words)

    def grow(self, more: Signatures, n_jobs: int | None) -> tuple[Labels, SignatureSearch]:
        """Return the numbers of more images, and what finds the pairs of their signatures too."""
        codes = np.full(len(more.hashed), -1, dtype=np.intp)
        codes[more.hashed] = _find(self._by_hashes, more.take(more.hashed)._keys())
        codes[more.plain] = _find(self._by_pixels, more.pixels[more.plain])
        new = np.flatnonzero((codes < 0) & (more.hashed | more.plain))
        different = more.take(new)
        numbers = different._number()
        codes[new] = self.n_codes + numbers
        firsts = np.unique(numbers, return_index=True)[1]
        added = different.take(firsts)
        search = SignatureSearch(
            Signatures.join([self._signatures, added]), self._radius, n_jobs, self._color_radius
        )
        hashed, plain = (
            self.n_codes + np.flatnonzero(kind) for kind in (added.hashed, added.plain)
        )
        for name, keys, numbers in (
            ("_by_hashes", added.take(added.hashed)._keys(), hashed),
            ("_by_pixels", added.pixels[added.plain], plain),
        ):
            lookup, known = getattr(self, name)
            search.__dict__[name] = lookup.extended(keys), np.concatenate([known, numbers])
        search._ends = (
            merge_runs(self._ends, self._ends[-1] + len(hashed)) if len(hashed) else self._ends
        )
        spans = set(pairwise((0, *search._ends)))
        search._indexes = {key: one for key, one in self._indexes.items() if key[:2] in spans}
        return codes, search

    def blocks(self) -> Iterator[Pairs]:
        """Yield every two signatures that are near, each pair once, with ``left < right``."""
        shown, numbers = self._shown
        if shown.views is not None:
            found = shown.views.blocks(self._radius, self.n_jobs)
        else:
            found = self._index_of(0, self._ends[-1]).pairs(self._radius)
        for block in _in_larger(found):
            near = shown._alike(shown, block, self._color_radius)
            yield Pairs(numbers[near.left], numbers[near.right], near.distance)

    def neighbors(self, asked: Labels, limit: int | None = None) -> Pairs:
        """Return what is near signatures: left the place in `asked`, right the signature."""
        found = self._search(self._signatures.take(asked), limit)
        return found.take(asked[found.left] != found.right)

    def matches(self, queries: Signatures) -> Pairs:
        """Return what is near other images: left the image, right the signature."""
        by_hashes = self._search(queries, MAX_PAIRS)
        plain = np.flatnonzero(queries.plain)
        equal = _find(self._by_pixels, queries.pixels[plain])
        by_pixels = Pairs(plain, equal, np.zeros(len(plain), dtype=np.int64)).take(equal >= 0)
        return Pairs.concatenate([by_hashes, by_pixels])

    def _search(self, queries: Signatures, limit: int | None) -> Pairs:
        """Return the signatures of hashes that are near those of queries."""
        shown, numbers = self._shown
        asked = np.flatnonzero(queries.hashed)
        queries = queries.take(asked)
        if shown.views is not None and queries.views is not None:
            found = shown.views.matches(queries.views, self._radius, self.n_jobs, limit)
        else:
            indexes = [self._index_of(*span) for span in pairwise((0, *self._ends))]
            index = LogStructuredIndex(indexes, self._ends)
            found = index.radius(queries.words, self._radius, limit=limit)
        near = queries._alike(shown, found, self._color_radius)
        return Pairs(asked[near.left], numbers[near.right], near.distance)

    @cached_property
    def _shown(self) -> tuple[Signatures, Labels]:
        """The signatures of hashes alone, and their numbers: different pixels are never near."""
        hashed = np.flatnonzero(self._signatures.hashed)
        if len(hashed) == self.n_codes:
            return self._signatures, hashed
        return self._signatures.take(hashed), hashed

    @cached_property
    def _by_hashes(self) -> tuple[RowLookup, Labels]:
        """What finds signatures of hashes again, and their numbers."""
        shown, numbers = self._shown
        return RowLookup(shown._keys()), numbers

    @cached_property
    def _by_pixels(self) -> tuple[RowLookup, Labels]:
        """What finds signatures of pixels again, and their numbers."""
        plain = np.flatnonzero(self._signatures.plain)
        return RowLookup(self._signatures.pixels[plain]), plain

    def _index_of(self, start: int, end: int) -> HammingIndex:
        """Return the index of some of the signatures of hashes, which stays."""
        key = (start, end, self.n_jobs)
        if key not in self._indexes:
            words = self._shown[0].words[start:end]
            everyone = np.ones(len(words), dtype=bool)
            n_bits = self._signatures.n_bits
            self._indexes[key] = HammingIndex(words, everyone, n_bits, self.n_jobs)
        return self._indexes[key]

    def __getstate__(self) -> dict[str, Any]:
        made = ("_shown", "_by_hashes", "_by_pixels")
        state = {name: value for name, value in self.__dict__.items() if name not in made}
        return state | {"_indexes": {}}


def _find(known: tuple[RowLookup, Labels], keys: NDArray[np.uint64]) -> Labels:
    """Return the numbers of the signatures that have these keys; -1 for none."""
    lookup, numbers = known
    places = lookup.find(keys)
    found = np.full(len(keys), -1, dtype=np.intp)
    found[places >= 0] = numbers[places[places >= 0]]
    return found


def _in_larger(blocks: Iterable[Pairs]) -> Iterator[Pairs]:
    """Join small blocks, so that few are gone through."""
    held, n_held = [], 0
    for block in blocks:
        held.append(block)
        n_held += len(block.left)
        if n_held >= _BLOCK:
            yield Pairs.concatenate(held)
            held, n_held = [], 0
    yield Pairs.concatenate(held)
