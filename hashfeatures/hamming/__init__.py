"""Exact search among bits by Hamming distance."""

from typing import TYPE_CHECKING

from .._utils.lazy import attach

if TYPE_CHECKING:
    from ._neighbors import HammingNeighbors as HammingNeighbors
    from ._pairs import Pairs as Pairs
    from ._transformer import HammingNeighborsTransformer as HammingNeighborsTransformer

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "_neighbors": ["HammingNeighbors"],
        "_pairs": ["Pairs"],
        "_transformer": ["HammingNeighborsTransformer"],
    },
)
