"""What ends a fit before it is done leaves the object as it was; a second try adds once."""

import copy
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import hashfeatures
from hashfeatures import (
    DuplicateGroups,
    HammingNeighbors,
    HammingNeighborsTransformer,
    NearDuplicateFinder,
    TooManyPairsError,
)

# Where fitted objects are changed, and what that rests on.
PACKAGE = Path(hashfeatures.__file__).parent
MODULES = (
    *("duplicates/_*", "duplicates/fingerprints/_*", "_utils/array_file"),
    *("hamming/_base", "hamming/_fitted_rows", "hamming/_index", "hamming/_log_structured"),
    *("hamming/_neighbors", "hamming/_row_lookup", "hamming/_transformer", "hamming/_unique"),
)
FILES = {str(path) for module in MODULES for path in PACKAGE.glob(f"{module}.py")}
MOST_LINES = 60


def interrupt(call, line, error):
    """Raise an error at a line of the package that a call comes by; return how many it did."""
    n_lines = 0

    def trace(frame, event, argument):
        nonlocal n_lines
        if frame.f_code.co_filename not in FILES:
            return None
        if event == "line":
            n_lines += 1
            if n_lines == line:
                raise error
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return n_lines


def check_interrupted(make, change, look, errors=(KeyboardInterrupt, MemoryError)):
    """Interrupt a change of an object at lines all over it."""
    expected_before = look(make())
    whole = make()
    n_lines = interrupt(lambda: change(whole), -1, None)
    assert n_lines > 0, "no line of the listed modules was run"
    expected = look(whole)
    lines = np.unique(np.linspace(1, n_lines, MOST_LINES).astype(int))
    for number, line in enumerate(lines):
        changed = make()
        error = errors[number % len(errors)]
        with suppress(error):  # that there are too many pairs, some places know a way round
            interrupt(lambda: change(changed), line, error("here"))  # noqa: B023
        seen = look(changed)
        if seen != expected:  # it may have been done already
            assert seen == expected_before, f"half done at line {line}"
            change(changed)
            assert look(changed) == expected


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (6, 6, 8, 3), dtype=np.uint8)
    large = [Image.fromarray(each).resize((64, 48)) for each in small]
    flat = Image.new("L", (64, 48), 7)
    return [*map(np.asarray, [large[0], large[1], flat, large[0], large[2], flat, *large[3:]])]


def look_at_finder(finder):
    if not hasattr(finder, "labels_"):
        return None
    return (
        finder.labels_.tolist(),
        len(finder.ids_),
        finder.n_groups_,
        finder.groups_.to_dict(),
        [column.tolist() for column in finder.pairs_],
        finder.summary(),
        finder.radius_,
    )


@pytest.mark.parametrize("settings", [{}, {"views": "dihedral"}, {"linkage": "complete"}], ids=str)
def test_a_finder_grows_at_once_or_not_at_all(images, settings):
    fitted = NearDuplicateFinder(n_jobs=1, **settings).fit(images[:3])
    errors = (KeyboardInterrupt, MemoryError, TooManyPairsError)
    check_interrupted(
        lambda: copy.deepcopy(fitted),
        lambda finder: finder.partial_fit(images[3:]),
        look_at_finder,
        errors,
    )


def test_a_finder_is_fitted_anew_at_once_or_not_at_all(images):
    fitted = NearDuplicateFinder(n_jobs=1).fit(images[:3])
    check_interrupted(
        lambda: copy.deepcopy(fitted), lambda finder: finder.fit(images[2:]), look_at_finder
    )


def look_at_neighbors(neighbors):
    if not hasattr(neighbors, "n_samples_fit_"):
        return None
    found = neighbors.pairs(30)
    names = list(getattr(neighbors, "feature_names_in_", []))
    return (neighbors.n_samples_fit_, neighbors.n_features_in_, str(found), names)


@pytest.mark.parametrize(
    "change",
    [
        lambda neighbors, bits: neighbors.fit(bits[:7, :40]),
        lambda neighbors, bits: neighbors.partial_fit(bits[20:]),
        lambda neighbors, bits: neighbors.remove([3, 5]),
    ],
    ids=["fit", "partial_fit", "remove"],
)
def test_neighbors_change_at_once_or_not_at_all(change):
    bits = np.random.default_rng(0).integers(0, 2, (50, 64))
    fitted = HammingNeighbors(n_jobs=1).fit(bits[:20])
    check_interrupted(
        lambda: copy.deepcopy(fitted), lambda changed: change(changed, bits), look_at_neighbors
    )


@pytest.mark.parametrize("kind", [HammingNeighbors, DuplicateGroups, HammingNeighborsTransformer])
def test_bits_that_are_refused_change_nothing(kind):
    """Not even how many bits the rows of the fit before had."""
    bits = np.random.default_rng(0).integers(0, 2, (20, 64))
    fitted = kind().fit(bits)
    before = dict(vars(fitted))
    with pytest.raises(ValueError):
        fitted.fit(np.full((5, 32), 7))
    assert vars(fitted).keys() == before.keys()
    assert all(value is before[name] for name, value in vars(fitted).items())


def test_groups_are_fitted_at_once_or_not_at_all():
    bits = np.random.default_rng(0).integers(0, 2, (30, 24))
    fitted = DuplicateGroups(6, n_jobs=1).fit(bits[:9, :8])
    check_interrupted(
        lambda: copy.deepcopy(fitted),
        lambda groups: groups.fit(bits),
        lambda groups: (groups.labels_.tolist(), groups.groups_.to_dict(), groups.n_features_in_),
    )


def test_a_file_is_replaced_at_once_or_not_at_all(images, tmp_path):
    """A finder that is saved over another one."""
    few = NearDuplicateFinder(n_jobs=1).fit(images[:3])
    all_of_them = NearDuplicateFinder(n_jobs=1).fit(images)
    path = tmp_path / "x.finder"

    def make():
        few.save(path)
        return path

    check_interrupted(
        make, all_of_them.save, lambda path: look_at_finder(NearDuplicateFinder.load(path))
    )
    assert list(tmp_path.iterdir()) == [path], "nothing is left behind"
