"""Images to bits, as a scikit-learn transformer."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from .._utils.docstrings import fill_in_parameters
from .._utils.validation import check_bool, check_choice, check_n_jobs
from ..images._decoding import Decoding
from ..images._gather import stream_images
from ._batch import hash_sources
from ._spec import HashSpec, layout_of, parse_hashes


@fill_in_parameters
class ImageHashFeaturizer(TransformerMixin, BaseEstimator):
    """Turn images into the bits of perceptual hashes.

    Near duplicates, such as resized or recompressed copies, differ in few bits. The bits are equal
    to those of the ImageHash package. The transformer learns nothing from the data, so it needs no
    `fit`.

    Read more in the :doc:`User Guide </user-guide/features>`.

    Parameters
    ----------
    $hashes
    $decode
    $orient
    $background
    $trim_borders
    errors : {"raise", "coerce"}, default="raise"
        How to handle an image that cannot be read. "raise" raises an `ImageReadError` that names
        it. "coerce" makes its row NaN, and one `FailedImagesWarning` lists all failures.
    $max_pixels
    $n_workers
    $cache
    $progress

    See Also
    --------
    hash_images : A table of hashes as hex strings.
    HammingNeighbors : The nearest neighbors among rows of bits.

    Examples
    --------
    >>> from skimage import data
    >>> from hashfeatures import ImageHashFeaturizer
    >>> images = [data.camera(), data.camera()[::2, ::2], data.coins()]
    >>> bits = ImageHashFeaturizer(hashes=["phash", "dhash"]).fit_transform(images)
    >>> bits.shape, bits.dtype
    ((3, 128), dtype('uint8'))
    >>> (bits[0] != bits[1]).sum() < 12 < (bits[0] != bits[2]).sum()
    np.True_
    """

    def __init__(
        self,
        hashes: Any = ("ahash", "phash", "dhash", "whash", "colorhash"),
        *,
        decode: str = "full",
        orient: bool = True,
        background: Any = "white",
        trim_borders: bool = False,
        errors: str = "raise",
        max_pixels: int | None = None,
        n_jobs: int | None = None,
        cache: Any = None,
        progress: bool = False,
    ) -> None:
        self.hashes = hashes
        self.decode = decode
        self.orient = orient
        self.background = background
        self.trim_borders = trim_borders
        self.errors = errors
        self.max_pixels = max_pixels
        self.n_jobs = n_jobs
        self.cache = cache
        self.progress = progress

    def fit(self, X: Any, y: Any = None) -> ImageHashFeaturizer:
        """Check the parameters and the type of `X`, without reading an image.

        Parameters
        ----------
        X : list, tuple, 1-D array, Series or DataFrame of shape (n_images,)
            Image sources: paths, URLs, encoded images as bytes, open files, PIL images, uint8
            arrays, or mappings with "bytes" and "path".
        y : None
            Ignored.

        Returns
        -------
        ImageHashFeaturizer
            The object itself.
        """
        self._check_parameters()
        stream_images(X, type(self).__name__)
        return self

    def transform(self, X: Any) -> NDArray[Any]:
        """Hash the images.

        Parameters
        ----------
        X : list, tuple, 1-D array, Series or DataFrame of shape (n_images,)
            Image sources, see `fit`.

        Returns
        -------
        ndarray of shape (n_images, n_bits)
            Zeros and ones, row i for image i. The dtype is uint8 with ``errors="raise"``. It is
            float32 with ``errors="coerce"``, where a failed image is a row of NaN.

        Raises
        ------
        ImageReadError
            With ``errors="raise"``, for the first image that cannot be read.
        CacheError
            If the cache file is damaged or is not a cache of this package.
        """
        specs = self._check_parameters()
        hashes = hash_sources(
            stream_images(X, type(self).__name__),
            specs,
            self._decoding(),
            errors=self.errors,
            min_detail=None,
            n_jobs=self.n_jobs,
            cache=self.cache,
            progress=self.progress,
        )
        return hashes.bits() if self.errors == "raise" else hashes.matrix()

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the names of the columns.

        Parameters
        ----------
        input_features : None
            Ignored.

        Returns
        -------
        ndarray of shape (n_bits,), dtype object
            "phash_00" to "phash_63"; "dhash16_000" to "dhash16_255" for another size.

        Examples
        --------
        >>> from hashfeatures import ImageHashFeaturizer
        >>> ImageHashFeaturizer(["phash", "dhash:16"]).get_feature_names_out()[[0, 63, 64]]
        array(['phash_00', 'phash_63', 'dhash16_000'], dtype=object)
        """
        return layout_of(parse_hashes(self.hashes)).column_names()

    def _check_parameters(self) -> tuple[HashSpec, ...]:
        caller = type(self).__name__
        self._decoding().check(caller)
        check_choice(caller, "errors", self.errors, {"raise", "coerce"})
        check_bool(caller, "progress", self.progress)
        check_n_jobs(caller, self.n_jobs)
        return parse_hashes(self.hashes)

    def _decoding(self) -> Decoding:
        return Decoding(
            self.decode,
            self.orient,
            self.background,
            self.max_pixels,
            trim_borders=self.trim_borders,
        )

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = []
        return tags
