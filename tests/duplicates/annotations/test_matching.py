"""Objects agree if they are where the map of a pair takes them, and each other one is listed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hashfeatures.alignment._align import ORIENTATION_MAPS
from hashfeatures.duplicates.annotations._matching import ImageObjects, compare_objects
from hashfeatures.duplicates.annotations._shapes import as_matrix, map_boxes, map_points

IDENTITY = np.eye(3)
NAN = float("nan")


def annotate(*objects, crowd=()):
    """Return objects of (class, left, top, right, bottom) or (class, list of polygons)."""
    boxes, polygons = [], []
    for _, *shape in objects:
        masks = shape[0] if len(shape) == 1 else None
        if masks is not None:
            points = np.concatenate(masks)
            shape = [*points.min(axis=0), *points.max(axis=0)]
        boxes.append(shape)
        polygons.append(masks)
    column = np.full(len(objects), None, dtype=object)
    column[:] = polygons
    return ImageObjects(
        np.array([each[0] for each in objects], dtype=np.intp),
        np.array(boxes, dtype=float).reshape(-1, 4),
        column,
        np.isin(np.arange(len(objects)), list(crowd)),
    )


def disagreements(left, right, matrix=IDENTITY, min_iou=0.5, tolerance=0.0):
    found = compare_objects(left, right, matrix, min_iou, tolerance)
    return [(each.kind, each.left, each.right) for each in found]


CAT, DOG = (0, 0.1, 0.1, 0.4, 0.5), (1, 0.5, 0.2, 0.9, 0.8)


def test_equal_objects_agree_in_any_order():
    assert disagreements(annotate(CAT, DOG), annotate(DOG, CAT)) == []
    assert disagreements(annotate(), annotate()) == []


@pytest.mark.parametrize(
    ("right", "expected"),
    [
        ([CAT], [("missing in right", 1, -1)]),
        ([CAT, DOG, (0, 0.6, 0, 0.7, 0.1)], [("missing in left", -1, 2)]),
        ([(1, *CAT[1:]), DOG], [("class differs", 0, 0)]),
        ([CAT, (1, 0.5, 0.2, 0.6, 0.8)], [("box differs", 1, 1)]),
        (
            [CAT, (1, 0.0, 0.9, 0.4, 1.0)],
            [("missing in right", 1, -1), ("missing in left", -1, 1)],
        ),
        ([], [("missing in right", 0, -1), ("missing in right", 1, -1)]),
        ([CAT, DOG, DOG], [("missing in left", -1, 2)]),
    ],
)
def test_each_disagreement_is_named(right, expected):
    left = annotate(CAT, DOG)
    assert disagreements(left, annotate(*right)) == expected
    other = {"missing in right": "missing in left", "missing in left": "missing in right"}
    swapped = [(other.get(kind, kind), b, a) for kind, a, b in expected]
    assert sorted(disagreements(annotate(*right), left)) == sorted(swapped)


def test_overlap_is_told():
    left, right = annotate((0, 0, 0, 0.4, 1)), annotate((0, 0.2, 0, 0.6, 1))
    (found,) = compare_objects(left, right, IDENTITY, 0.5)
    assert found.iou == pytest.approx(1 / 3)
    assert disagreements(left, right, min_iou=0.33) == []


def test_classes_that_were_swapped_are_told():
    """The better overlap decides, not the class."""
    rider, horse = (0, 0.3, 0.1, 0.6, 0.7), (1, 0.3, 0.2, 0.6, 0.8)
    left = annotate(rider, horse)
    assert disagreements(left, annotate((1, *rider[1:]), (0, *horse[1:]))) == [
        ("class differs", 0, 0),
        ("class differs", 1, 1),
    ]
    twins = annotate((0, *CAT[1:]), (1, *CAT[1:]))  # one thing under two names
    assert disagreements(twins, annotate((1, *CAT[1:]), (0, *CAT[1:]))) == []


def test_an_unknown_class_is_any_class():
    assert disagreements(annotate(CAT), annotate((-1, *CAT[1:]))) == []


def test_what_a_crop_cuts_off_is_not_missing():
    """An object counts as missing if more than half of it is in the frame of the copy."""
    crop = as_matrix(np.array([2, 0, -1, 0, 1, 0], dtype=np.float32))  # the right half
    left = annotate((0, 0.0, 0, 0.2, 1), (0, 0.4, 0.2, 0.55, 0.4), (0, 0.45, 0.6, 0.65, 0.8))
    assert disagreements(left, annotate(), crop) == [("missing in right", 2, -1)]
    cut = annotate((0, 0, 0.2, 0.1, 0.4), (0, 0, 0.6, 0.3, 0.8))
    assert disagreements(left, cut, crop) == []
    tight = annotate((0, 0, 0.2, 0.04, 0.3), (0, 0, 0.6, 0.3, 0.8))  # what one sees of it
    assert disagreements(left, tight, crop) == []
    back = np.linalg.inv(crop)
    assert disagreements(annotate(), left, back) == [("missing in left", -1, 2)]


def test_what_lies_in_a_crowd_is_not_missing():
    crowd = annotate((0, 0.0, 0.0, 0.5, 0.6), crowd=[0])
    assert disagreements(annotate(CAT, CAT), crowd) == []
    assert disagreements(crowd, annotate(CAT)) == []
    assert disagreements(crowd, annotate((1, *CAT[1:]))) == [("missing in left", -1, 0)]
    assert disagreements(crowd, annotate()) == []
    triangle = [np.array([[0, 0.6], [0.5, 0.6], [0.5, 0]])]
    shaped = annotate((0, triangle), crowd=[0])
    corner = [np.array([[0, 0], [0.2, 0], [0.2, 0.2], [0, 0.2]])]
    assert disagreements(annotate((0, corner)), shaped) == [("missing in right", 0, -1)]


def test_masks_decide_where_both_images_have_them():
    lower = [np.array([[0.1, 0.1], [0.1, 0.5], [0.4, 0.5]])]
    upper = [np.array([[0.1, 0.1], [0.4, 0.1], [0.4, 0.5]])]
    assert disagreements(annotate((0, lower)), annotate((0, lower))) == []
    assert disagreements(annotate((0, lower)), annotate((0, upper))) == [("mask differs", 0, 0)]
    assert disagreements(annotate((0, lower)), annotate(CAT)) == []
    mirrored = as_matrix(np.array(ORIENTATION_MAPS[1]))
    copy = [map_points(lower[0], mirrored)]
    assert disagreements(annotate((0, lower)), annotate((0, copy)), mirrored) == []
    halves = [np.array([[0.1, 0.1], [0.25, 0.1], [0.25, 0.5], [0.1, 0.5]]),
              np.array([[0.25, 0.1], [0.4, 0.1], [0.4, 0.5], [0.25, 0.5]])]  # fmt: skip
    whole = [np.array([[0.1, 0.1], [0.4, 0.1], [0.4, 0.5], [0.1, 0.5]])]
    (found,) = compare_objects(annotate((0, halves)), annotate((0, whole)), IDENTITY, 1.01)
    assert found.iou > 0.97


def test_boxes_need_not_be_more_exact_than_the_map():
    left, right = annotate((0, 0.1, 0.1, 0.105, 0.2)), annotate((0, 0.106, 0.1, 0.111, 0.2))
    assert len(disagreements(left, right)) == 2
    assert disagreements(left, right, tolerance=0.01) == []


def test_boxes_without_an_area_agree_where_they_are():
    line = (0, 0.2, 0.1, 0.2, 0.8)
    assert disagreements(annotate(line), annotate(line)) == []
    assert disagreements(annotate(line), annotate()) == [("missing in right", 0, -1)]


shares = st.floats(0, 1, width=16)
boxes = st.tuples(shares, shares, shares, shares).map(
    lambda b: [min(b[0], b[2]), min(b[1], b[3]), max(b[0], b[2]), max(b[1], b[3])]
)
orientations = st.sampled_from(ORIENTATION_MAPS)


@given(st.lists(boxes, max_size=6), orientations, st.tuples(*[st.floats(0, 0.2)] * 4))
def test_boxes_go_where_their_corners_go(listed, orientation, cuts):
    """To the place of their points, by any orientation and crop, and back by the inverse."""
    left, top, right, bottom = cuts
    width, height = 1 - left - right, 1 - top - bottom
    crop = np.array([[1 / width, 0, -left / width], [0, 1 / height, -top / height], [0, 0, 1]])
    matrix = crop @ as_matrix(np.array(orientation))
    before = np.array(listed, dtype=float).reshape(-1, 4)
    after = map_boxes(before, matrix)
    for (x0, y0, x1, y1), mapped in zip(before, after, strict=True):
        corners = np.array([matrix @ [x, y, 1] for x in (x0, x1) for y in (y0, y1)])[:, :2]
        np.testing.assert_allclose(mapped, [*corners.min(axis=0), *corners.max(axis=0)])
    np.testing.assert_allclose(map_boxes(after, np.linalg.inv(matrix)), before, atol=1e-9)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 2), boxes), max_size=5), orientations)
def test_a_copy_agrees_and_what_is_taken_away_is_missing(listed, orientation):
    """Whatever the objects and however the copy is turned."""
    matrix = as_matrix(np.array(orientation))
    left = annotate(*((kind, *box) for kind, box in listed))
    right = ImageObjects(left.classes, map_boxes(left.boxes, matrix), left.polygons, left.crowd)
    assert disagreements(left, right, matrix, tolerance=1e-9) == []
    assert disagreements(left, annotate(), matrix) == [
        ("missing in right", place, -1) for place in range(len(listed))
    ]
