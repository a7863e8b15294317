"""The finder of a run in stages: it says how images are hashed and which of them are near."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._utils.validation import refuse
from ..duplicates._finder import NearDuplicateFinder
from ..duplicates._persistence import params_as_json, params_from_json
from ..duplicates.calibration._limits import Limits
from ..exceptions import StageError
from ..hashing._batch import reduction_for
from ._hash_stage import HashPlan
from ._stages import Stage, list_differing, show_settings

_NOTE = "finder"
# What a stage may have beyond what a finder needs.
_SPARE = ("colors", "thumbnails")
# The settings that belong to the run, and not to the finder.
_OF_RUN = ("pillow", "bits", "reduced_bits", "views_version")


def as_finder(finder: Any, caller: str) -> NearDuplicateFinder:
    """Return a finder; None means one with the default parameters."""
    if finder is None:
        return NearDuplicateFinder()
    if not isinstance(finder, NearDuplicateFinder):
        raise refuse(caller, "finder", "a NearDuplicateFinder or None", finder)
    return finder


def plan_of(finder: NearDuplicateFinder) -> HashPlan:
    """Return what is computed of each image, so that this finder can compare them.

    Raises
    ------
    ParameterError
        If a parameter of the finder is wrong.
    """
    comparison = finder._comparison()
    return HashPlan(comparison.computed, comparison.decoding.with_limit())


def note_of(finder: NearDuplicateFinder) -> dict[str, Any]:
    """Return the note by which later stages know the finder."""
    return {_NOTE: params_as_json(finder._comparison_params())}


def finder_of(stage: Stage) -> NearDuplicateFinder:
    """Return the finder that a stage was made with.

    Directories of hashes that hold no such note were made without thumbnails.
    """
    if _NOTE in stage.notes:
        return NearDuplicateFinder(**params_from_json(stage.notes[_NOTE]))
    plan = HashPlan.of_settings(stage.settings)
    decoding = plan.decoding
    return NearDuplicateFinder(
        [str(spec) for spec in plan.computed.hashes],
        min_detail=plan.computed.min_detail,
        decode=decoding.decode,
        orient=decoding.orient,
        background=decoding.background,
        trim_borders=decoding.trim_borders,
        max_pixels=decoding.max_pixels,
        verify=False,
    )


def choose_finder(finder: Any, hashed: Stage, caller: str) -> NearDuplicateFinder:
    """Return the finder that compares hashed images: the given one, or that of the hashes.

    Parameters
    ----------
    finder : NearDuplicateFinder or None
        The given one.
    hashed : Stage
        The directory of hashes.
    caller : str
        The name of the function, for messages.

    Returns
    -------
    NearDuplicateFinder
        The finder.

    Raises
    ------
    StageError
        If the images were hashed for another finder.
    """
    if finder is None:
        return finder_of(hashed)
    chosen = as_finder(finder, caller)
    needed, stored = plan_of(chosen).as_settings(), hashed.settings
    differing = [
        name
        for name in list_differing(stored, needed)
        if name not in _OF_RUN and not (name in _SPARE and name not in needed)
    ]
    spared = [name for name in _SPARE if name in stored and name not in needed]
    if not differing and spared and _decode_otherwise(stored, needed):
        differing = spared
    if differing:
        raise StageError(
            f"The images of {hashed.address} were hashed with {show_settings(stored, differing)}, "
            f"and the finder needs {show_settings(needed, differing)}. Pass a finder with these "
            f"parameters as they were, or hash the images into another directory."
        )
    return chosen


def _decode_otherwise(stored: Mapping[str, Any], needed: Mapping[str, Any]) -> bool:
    """Return whether JPEG files are decoded to other luma for what is stored than is needed."""
    if needed["decoding"]["decode"] != "reduced":
        return False
    before, now = (
        reduction_for(HashPlan.of_settings(settings).computed.specs)
        for settings in (stored, needed)
    )
    return (before.min_side, before.color) != (now.min_side, now.color)


def check_same_hashes(hashed: Stage, other: Stage, finder: NearDuplicateFinder) -> None:
    """Raise unless the images of two stages can be compared with each other by a finder.

    Raises
    ------
    StageError
        If they were hashed with different settings, or by different versions.
    """
    needed = plan_of(finder).as_settings()
    ours, theirs = (_flat_settings(each) for each in (hashed, other))
    unequal = list_differing(ours, theirs)
    differing = [name for name in unequal if name not in _SPARE or name in needed]
    if not differing and _decode_otherwise(hashed.settings, other.settings):
        differing = unequal
    if differing:
        raise StageError(
            f"The images of {hashed.address} were hashed with {show_settings(ours, differing)}, "
            f"and those of {other.address} with {show_settings(theirs, differing)}. Their hashes "
            f"cannot be compared. Hash one of the sets as the other was hashed, into another "
            f"directory."
        )


def _flat_settings(stage: Stage) -> dict[str, Any]:
    """Return settings in which the parameters of the decoding stand beside the others."""
    settings = dict(stage.settings)
    decoding: dict[str, Any] = settings.pop("decoding")
    return settings | decoding


def limits_of(finder: NearDuplicateFinder, n_images: int, caller: str) -> Limits:
    """Return the limits within which two of so many images are near duplicates.

    Raises
    ------
    ParameterError
        If the radius is "calibrated": the stages cannot edit the images.
    """
    comparison = finder._comparison()
    if isinstance(finder.radius, str):
        expected = (
            "None or a number, such as that of NearDuplicateFinder(...).calibrate(sample).radius"
        )
        raise refuse(caller, "finder.radius", expected, finder.radius)
    radius = comparison.choose_radius(n_images) if finder.radius is None else int(finder.radius)
    return Limits(radius, comparison.min_agreement)
