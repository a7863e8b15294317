"""The names of hashes: ``"phash"``, ``"phash:16"``, ``"colorhash:4"``."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import Any

import numpy as np

from .._utils.descriptions import describe_value
from .._utils.optional import import_extra
from ..exceptions import ParameterError
from ._algorithms import ALGORITHMS, Algorithm
from ._hex import BitLayout
from ._planes import ImagePlanes, Sizes


@dataclass(frozen=True)
class HashSpec:
    """One hash: an algorithm and its size.

    Parameters
    ----------
    name : str
        The algorithm.
    size : int
        The side of the hash in bits; for ``colorhash`` the bits for each share.

    Examples
    --------
    >>> from hashfeatures.hashing._spec import HashSpec
    >>> spec = HashSpec.parse("phash:16")
    >>> str(spec), spec.n_bits, spec.shape, spec.column
    ('phash:16', 256, (16, 16), 'phash16')
    >>> str(HashSpec.parse("phash:8"))
    'phash'
    """

    name: str
    size: int

    @classmethod
    def parse(cls, text: str) -> HashSpec:
        """Parse ``"name"`` or ``"name:size"``.

        Parameters
        ----------
        text : str
            The hash.

        Returns
        -------
        HashSpec
            The hash, by default of the algorithm's default size.

        Raises
        ------
        ParameterError
            If the algorithm does not exist, or not in that size.
        """
        if not isinstance(text, str):
            raise ParameterError(
                f"A hash is named by a str, 'phash' or 'phash:16'. "
                f"Got {describe_value(text)} instead."
            )
        name, colon, size_text = text.partition(":")
        algorithm = ALGORITHMS.get(name)
        if algorithm is None:
            close = get_close_matches(name.lower(), ALGORITHMS, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            if "," in text:
                hint = " Several are named in a list, as in ['phash', 'dhash']."
            raise ParameterError(
                f"There is no hash {describe_value(text)}.{hint} The hashes are "
                f"{', '.join(ALGORITHMS)}, each "
                f"with an optional size, as in 'phash:16'."
            )
        if not colon:
            return cls(name, algorithm.default_size)
        size = int(size_text) if size_text.isascii() and size_text.isdigit() else -1
        low, high, power = algorithm.min_size, algorithm.max_size, algorithm.power_of_two
        if not low <= size <= high or (power and size & (size - 1)):
            kind = "a power of two" if power else "an int"
            allowed = str(low) if low == high else f"{kind} from {low} to {high}"
            raise ParameterError(
                f"The size of {name} must be {allowed}, as in "
                f"'{name}:{algorithm.default_size}'. Got {describe_value(text)} instead."
            )
        return cls(name, size)

    def __str__(self) -> str:
        return self._text

    @cached_property
    def _text(self) -> str:
        is_default = self.size == self.algorithm.default_size
        return self.name if is_default else f"{self.name}:{self.size}"

    @property
    def algorithm(self) -> Algorithm:
        """The algorithm with its sizes and requirements."""
        return ALGORITHMS[self.name]

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of the hash in ImageHash."""
        return self.algorithm.shape(self.size)

    @property
    def n_bits(self) -> int:
        """The number of bits of the hash."""
        return math.prod(self.shape)

    def measure(self, planes: ImagePlanes) -> Any:
        """Return what the hash of an image depends on, of little memory."""
        return self.algorithm.measure_image(planes, self.size)

    def pack_all(self, measured: Sequence[Any]) -> list[bytes]:
        """Compute the hashes of measured images, eight bits to a byte."""
        bits = self.algorithm.decide_bits(np.stack(measured), self.size)
        packed = np.packbits(bits.reshape(len(bits), -1), axis=1)
        return [row.tobytes() for row in packed]

    def luma_sizes(self, side: int) -> Sizes:
        """Return the sizes of the resized luma that the hash needs.

        `side` is the length of the shorter side of the image.
        """
        resized = self.algorithm.resized
        return () if resized is None else (resized(self.size, side),)

    def check_installed(self) -> None:
        """Raise `MissingExtraError` if the hash needs a package that is not installed."""
        if self.algorithm.package is not None:
            import_extra(*self.algorithm.package, f"The hash {self.name!r}")

    @property
    def needs_chroma(self) -> bool:
        """Whether the mean chroma of parts of the image is needed beside its luma."""
        return False

    @property
    def column(self) -> str:
        """The prefix of the names of the hash's bit columns."""
        return str(self).replace(":", "")


def parse_hashes(hashes: str | Iterable[str]) -> tuple[HashSpec, ...]:
    """Parse the names of one hash or several.

    Parameters
    ----------
    hashes : str or iterable of str
        Names of hashes.

    Returns
    -------
    tuple of HashSpec
        In the given order.

    Raises
    ------
    ParameterError
        If there are none, one occurs twice, or one is invalid (see `HashSpec.parse`).
    """
    names = [hashes] if isinstance(hashes, str) else hashes
    if not isinstance(names, Iterable):
        raise ParameterError(
            f"The hashes must be a str or a list of them. Got {describe_value(hashes)} instead."
        )
    specs = tuple(HashSpec.parse(name) for name in names)
    if not specs:
        raise ParameterError("At least one hash must be named, as in hashes=('phash', 'dhash').")
    for spec in specs:
        if specs.count(spec) > 1:
            raise ParameterError(f"The hash {str(spec)!r} is named twice.")
    return specs


def is_hash(name: object) -> bool:
    """Return whether a column has the name of a hash."""
    try:
        HashSpec.parse(name)  # type: ignore[arg-type]
    except ParameterError:
        return False
    return True


def layout_of(specs: Sequence[HashSpec]) -> BitLayout:
    """Return the columns of a matrix of bits that belong to each of `specs`."""
    return BitLayout([spec.column for spec in specs], [spec.n_bits for spec in specs])
