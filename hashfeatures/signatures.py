"""What images are compared by: the bits of hashes, and of plain images the pixels themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .bits import hex_to_bits, unpack_bits, words_from_bits
from .codes import Codes
from .colours import measure_colours
from .compact import CompactPairs, in_order
from .duplicates import Labels, group_words
from .hamming.distinct import number_rows
from .hamming.index import HammingIndex
from .hamming.pairs import MAX_PAIRS, Pairs
from .hashes import Hashes
from .hashing.segment_codes import SegmentsSpec
from .hashing.spec import HashSpec
from .hashing.view_codes import ViewsSpec
from .hashing.views import TURNS
from .linkage import Agreement, Alike
from .progress import busy
from .segment_pairs import SegmentCodes
from .stored_tables import read_hashes, read_numbers
from .view_groups import group_views
from .view_pairs import ViewCodes, ViewPairs

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
        codes = np.full(len(self.hashed), -1, dtype=np.intp)
        codes[self.hashed], firsts = number_rows(self._keys()[self.hashed])
        codes[self.plain], pixels = number_rows(self.pixels[self.plain])
        codes[self.plain] += len(firsts)
        n_codes = len(firsts) + len(pixels)
        search = self.search(codes, radius, n_jobs, color_radius)
        if known is None:
            return CompactPairs.survey(codes, n_codes, search)
        return known.grow(codes, n_codes, search)

    def search(
        self, codes: Labels, radius: int, n_jobs: int | None, color_radius: int | None
    ) -> SignatureSearch:
        """Return what finds the near pairs of different signatures, as `near` numbered them."""
        hashed = np.flatnonzero(self.hashed)[::-1]
        firsts = np.empty(int(codes[hashed].max(initial=-1)) + 1, dtype=np.intp)
        firsts[codes[hashed]] = hashed  # of the images with one code, the last one here stays
        # Different pixels are never near, and equal ones have one code: hashes are searched alone.
        return SignatureSearch(self.take(firsts), radius, n_jobs, color_radius)

    @busy("grouping images")
    def group(
        self,
        labels: Labels,
        radius: int,
        linkage: str,
        n_jobs: int | None,
        color_radius: int | None = None,
    ) -> tuple[Labels, pd.DataFrame]:
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

    def matches(
        self, queries: Signatures, radius: int, n_jobs: int | None, color_radius: int | None = None
    ) -> Pairs:
        """Return every image that is near a query: left the query, right the image."""
        asked, shown = np.flatnonzero(queries.hashed), np.flatnonzero(self.hashed)
        near = self.take(shown)._search(queries.take(asked), radius, n_jobs)
        by_hash = Pairs(asked[near.left], shown[near.right], near.distance)
        by_hash = queries._alike(self, by_hash, color_radius)
        plain = np.flatnonzero(queries.plain)
        equal = HammingIndex(self.pixels, self.plain, 128, n_jobs).radius(queries.pixels[plain], 0)
        by_pixels = equal._replace(left=plain[equal.left])
        return in_order(Pairs.concatenate([by_hash, by_pixels]))

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
        counts: NDArray[np.int64] = np.bitwise_count(self.words ^ others.words).sum(
            axis=1, dtype=np.int64
        )
        return counts

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

    def take(self, rows: NDArray[np.intp]) -> Signatures:
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

    def _search(
        self, queries: Signatures, radius: int, n_jobs: int | None, limit: int | None = MAX_PAIRS
    ) -> Pairs:
        if self.views is not None and queries.views is not None:
            return self.views.matches(queries.views, radius, n_jobs, limit)
        return self._index(n_jobs).radius(queries.words, radius, limit=limit)

    def _index(self, n_jobs: int | None) -> HammingIndex:
        everyone = np.ones(len(self.words), dtype=bool)
        return HammingIndex(self.words, everyone, self.n_bits, n_jobs)

    def _alike(self, others: Signatures, pairs: Pairs, color_radius: int | None) -> Pairs:
        """Keep the pairs of which the colours are near as well."""
        near = self.agree_in_colour(others, pairs, color_radius)
        return pairs if near.all() else pairs.where(near)


class SignatureSearch:
    """The near pairs of signatures that all differ and are of hashes; a `PairSearch`.

    Parameters
    ----------
    signatures : Signatures
        The signatures.
    radius, n_jobs, color_radius
        As for `Signatures.near`.
    """

    def __init__(
        self, signatures: Signatures, radius: int, n_jobs: int | None, color_radius: int | None
    ) -> None:
        self._signatures = signatures
        self._radius = radius
        self._n_jobs = n_jobs
        self._color_radius = color_radius

    def blocks(self) -> Iterator[Pairs]:
        """Yield every two signatures that are near, each pair once, with ``left < right``."""
        signatures = self._signatures
        views, radius = signatures.views, self._radius
        if views is not None:
            found = views.blocks(radius, self._n_jobs)
        else:
            found = signatures._index(self._n_jobs).pairs(radius)
        for block in _in_larger(found):
            yield signatures._alike(signatures, block, self._color_radius)

    def neighbors(self, asked: Labels, limit: int | None = None) -> Pairs:
        """Return what is near signatures: left the place in `asked`, right the signature."""
        place = np.flatnonzero(asked < len(self._signatures.words))  # others are of pixels
        queries = self._signatures.take(asked[place])
        found = self._signatures._search(queries, self._radius, self._n_jobs, limit)
        found = found.where(asked[place[found.left]] != found.right)
        found = queries._alike(self._signatures, found, self._color_radius)
        return found._replace(left=place[found.left])


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
