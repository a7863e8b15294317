"""Describe the parameters that many public functions share, once."""

from __future__ import annotations

import re
from typing import TypeVar

_Documented = TypeVar("_Documented")

# A docstring names one of these on its own line, as "    $n_jobs". Details of one function follow
# on the next lines, indented like a description.
_SHARED = {
    "images": """
        images : list, tuple, array, Series, DataFrame, Collection or path, of n_images images
            Image sources: paths, URLs, encoded images as bytes, open files, PIL images, uint8
            arrays, or mappings with "bytes" and "path". A DataFrame holds them in its only column
            or in one named "image", "path", "url", "file" or "filename". `read_collection` reads a
            data set in a layout such as YOLO or COCO. The path of a folder stands for the images
            in it, and a glob such as ``"photos/*.jpg"`` for the files that match.
    """,
    "finder": """
        finder : estimator with ``fit_predict(X) -> labels``, default=None
            Estimator that defines near duplicates. None means ``NearDuplicateFinder()``. A finder
            that is fitted on these images hashes none of them again, unless a file has changed.
    """,
    "images_or_bits": """
        images : list, tuple, array, Series, DataFrame, Collection or path, of n_images images
            Image sources, or a matrix of bits of shape (n_images, n_bits), which `DuplicateGroups`
            groups. A DataFrame holds the images in a column named "image", "path", "url", "file"
            or "filename". `read_collection` reads a data set in a layout such as YOLO or COCO. The
            path of a folder stands for the images in it, and a glob for the files that match.
    """,
    "groups": """
        groups : array-like of shape (n_images,), column, "sequences" or estimator, default=None
            Groups of images that must stay together for other reasons. They are merged with the
            groups of near duplicates. "sequences" finds the frames of videos and the like, as
            ``SequenceFinder()`` does, unless a column has that name. An estimator, such as a
            `SequenceFinder` with other parameters, is cloned and finds the groups by
            ``fit_predict(images)``.
    """,
    "gap": """
        gap : int, default=None
            Pass it to split inside sequences. Each sequence of `groups` is then cut into blocks of
            consecutive frames, one for each part. Frames within `gap` places of a later part are
            left out of an earlier part, and so are near duplicates of images of a later part. The
            images of a group that is passed as an array are in the order of time. Sequences that
            are too short to cut stay whole. None never separates a sequence.
    """,
    "groups_of_splitter": """
        groups : "sequences" or estimator, default=None
            Estimator that finds images that must stay together for other reasons, as in
            `train_test_split`. Groups that are passed to `split` are merged with these.
    """,
    "groups_of_parts": """
        groups : list of arrays, mapping, column, "sequences" or estimator, default=None
            Groups of images, such as patients, that must not be in more than one part. A list has
            one array for each part, and a mapping has the names of the parts as keys. A column
            must be in the tables of all parts. "sequences" finds the frames of videos and the
            like, as ``SequenceFinder()`` does, unless a column has that name. An estimator finds
            the groups by ``fit_predict`` on the images of all parts.
    """,
    "sequence_options": """
        by : {"name", "time", "pixels"} or sequence of these, default=("name", "time", "pixels")
            How to find sequences. "name" reads counters in file names. "time" cuts where a camera
            paused, by the EXIF data. "pixels" cuts where the scene changes, in the order of the
            names, or in the given order for images without names or without "name" in `by`.
        pattern : str or re.Pattern, default=None
            The pattern of the file names. A template has fields in braces, as in
            "{sequence}_{frame}.ppm". The field "frame" or "counter" is the counter, the others
            identify the sequence, and ``"*"`` stands for text that does neither. A sequence stays
            in its folder unless the template contains a slash, as in ``"{patient}/*_{frame}"``;
            "{folder}/" is the whole folder. A regular expression has named groups instead. None
            finds the patterns.
        gap : int, float or timedelta, default=None
            The longest pause within a sequence, in seconds if it is a number. None means 30
            seconds. Without "time" in `by`, the number of values that a counter may leave out;
            None then means any number.
        use_file_times : bool, default=False
            Whether an image without an EXIF time takes the time at which its file was changed.
    """,
    "finder_or_precomputed": """
        finder : estimator with ``fit_predict(X) -> labels``, or "precomputed", default=None
            Estimator that defines near duplicates. None means ``NearDuplicateFinder()``. With
            "precomputed", images stay together by `groups` alone, and no image is read.
    """,
    "solver": """
        solver : {"auto", "fast", "exact"}, default="auto"
            How groups are allocated. "fast" allocates one group after the other. "exact" finds
            the split whose worst size or class is nearest to its target, and proves that no other
            is better if there is time. See `SplitInfo` for the measure. "auto" starts fast, and
            improves a split that is off by more than a hundredth if at most 300 groups differ in
            their numbers of images of each class. Its work is limited by steps, so that the split
            does not depend on the speed of the machine.
    """,
    "time_limit": """
        time_limit : float, default=None
            The most seconds that ``solver="exact"`` searches. None means 60. If the time is up,
            the result is the best split found.
    """,
    "parts": """
        train : list, tuple, array, Series, DataFrame, Collection, path or mapping
            The images of the training part: image sources, a DataFrame with the images in a column
            named "image", "path", "url", "file" or "filename", a folder, or a matrix of bits of
            shape (n_images, n_bits). For other parts, pass one mapping of names to parts, in the
            order of their use: ``{"train": ..., "validation": ..., "test": ...}``. A collection
            with parts, as `read_collection` returns it, is such a mapping.
        test : list, tuple, array, Series, DataFrame, Collection or path, default=None
            The images of the test part, likewise. None if `train` is a mapping.
    """,
    "hashes": """
        hashes : str or sequence of str, default=("ahash", "phash", "dhash", "whash", "colorhash")
            The hashes, in the order of their columns: "ahash", "phash", "phash_simple", "dhash",
            "dhash_vertical", "whash", "colorhash", "colorgrid" or "pdq" (extra ``pdq``; 256 bits).
            All but "pdq" take an optional size, as in "phash:16". The size is the side of the hash
            (default 8: 64 bits). For "colorhash" it is the number of bits for each of 14 shares of
            color (default 3: 42 bits). For "colorgrid" it is the number of cells a side
            (default 3: 288 bits).
    """,
    "decode": """
        decode : {"full", "reduced"}, default="full"
            How JPEG files are decoded. "full" gives ImageHash's bits. "reduced" decodes at an
            eighth, a quarter or a half of the size where that leaves enough pixels for the
            hashes. It is much faster on large photos and changes a few bits.
    """,
    "orient": """
        orient : bool, default=True
            Whether to apply the EXIF orientation. ImageHash does not.
    """,
    "background": """
        background : str, tuple of int or None, default="white"
            The color under transparent pixels, as a name or as red, green and blue. An image that
            would be blank on it is laid on black or white instead, whichever contrasts. None
            drops alpha and clips 16-bit values to 255, as ImageHash does.
    """,
    "trim_borders": """
        trim_borders : bool, default=False
            Whether to cut off uniform borders before hashing, such as the bars of a letterbox or
            a frame. A bordered copy then has nearly the hash of its original.
    """,
    "max_pixels": """
        max_pixels : int, default=None
            The most pixels that an image may have. None means Pillow's own limit against
            decompression bombs, twice `PIL.Image.MAX_IMAGE_PIXELS`.
    """,
    "n_jobs": """
        n_jobs : int, default=None
            The number of joblib workers that hash and of threads that search. None means 1 unless
            in a `joblib.parallel_config` context. -1 means all processors.
    """,
    "n_workers": """
        n_jobs : int, default=None
            The number of joblib workers that hash. None means 1 unless in a
            `joblib.parallel_config` context. -1 means all processors.
    """,
    "n_threads": """
        n_jobs : int, default=None
            The number of threads that search. None means 1 unless in a `joblib.parallel_config`
            context. -1 means all processors.
    """,
    "executor": """
        executor : None, str or Executor, default=None
            Where the tasks run. None means one process for each processor of this machine. Pass
            ``LocalExecutor(n_jobs)`` for another number of processes. For a Ray cluster, pass a
            `RayExecutor` or its address, such as "auto" or "ray://host:10001".
    """,
    "bits": """
        X : array-like of shape (n_samples, n_bits)
            Zeros and ones, of any numeric or boolean dtype. A row that holds a NaN is missing.
    """,
    "queries": """
        X : array-like of shape (n_queries, n_bits), default=None
            The queries. None means all fitted rows, which are then not their own neighbors.
    """,
    "search_radius": """
        radius : int, default=None
            The greatest distance in bits, at most the number of bits. None means the estimator's
            own.
    """,
    "cache": """
        cache : path-like, default=None
            A file that stores hashes, which is created if it does not exist. An image is found
            there by its path, size, times of change and inode, or by its content. Several
            processes may share the file. Images at a URL are assumed not to change. If the cache
            fails, for example on a full disk, the run goes on without it and raises a
            `CacheWarning`.
    """,
    "progress": """
        progress : bool, default=False
            Whether to show a progress bar.
    """,
    "edited_image": """
        image : PIL.Image.Image
            The image, in mode RGB. It stays as it is. `Edit` takes images of other modes, too.
    """,
    "edited_copy": """
        PIL.Image.Image
            The edited copy, in mode RGB.
    """,
    "random_state": """
        random_state : int, RandomState instance or None, default=None
            Controls the random choices. Pass an int for reproducible output.
    """,
}


def fill_in_parameters(documented: _Documented) -> _Documented:
    """Write the shared descriptions into the docstring of a function or class.

    Parameters
    ----------
    documented : callable or class
        Its docstring names shared parameters, each on a line such as ``$n_jobs``.

    Returns
    -------
    callable or class
        The same object.

    Examples
    --------
    >>> from hashfeatures._utils.docstrings import fill_in_parameters
    >>> @fill_in_parameters
    ... def hash_all(progress=False):
    ...     '''Hash.
    ...
    ...     $progress
    ...     '''
    >>> print(hash_all.__doc__)
    Hash.
    <BLANKLINE>
        progress : bool, default=False
            Whether to show a progress bar.
    <BLANKLINE>
    """
    if documented.__doc__:  # there is none under python -OO
        documented.__doc__ = re.sub(r"(?m)^( *)\$(\w+)$", _describe, documented.__doc__)
    return documented


def _describe(placeholder: re.Match[str]) -> str:
    indent, name = placeholder.groups()
    lines = _SHARED[name].strip("\n").rstrip().splitlines()
    margin = len(lines[0]) - len(lines[0].lstrip())
    return "\n".join(indent + line[margin:] for line in lines)
