"""Perceptual hashes: from images to bits."""

from typing import TYPE_CHECKING

from .._utils.lazy import attach

if TYPE_CHECKING:
    from ._featurizer import ImageHashFeaturizer as ImageHashFeaturizer
    from ._from_hex import from_hex as from_hex
    from ._hash_table import hash_images as hash_images
    from .views._segments import crop_resistant_hash as crop_resistant_hash

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "_featurizer": ["ImageHashFeaturizer"],
        "_from_hex": ["from_hex"],
        "_hash_table": ["hash_images"],
        "views._segments": ["crop_resistant_hash"],
    },
)
