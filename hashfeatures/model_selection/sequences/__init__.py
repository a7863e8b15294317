"""Sequences of images, such as the frames of a video or the slices of a scan."""

from typing import TYPE_CHECKING

from ..._utils.lazy import attach

if TYPE_CHECKING:
    from ._finder import SequenceFinder as SequenceFinder
    from ._finder import find_sequences as find_sequences

__getattr__, __dir__, __all__ = attach(__name__, {"_finder": ["SequenceFinder", "find_sequences"]})
