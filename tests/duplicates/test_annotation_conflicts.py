"""Boxes that follow a copy agree with those of the image, and what was changed is listed."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageOps

from hashfeatures import NearDuplicateFinder, ParameterError, find_annotation_conflicts
from hashfeatures.duplicates.annotations._shapes import as_matrix, map_boxes
from hashfeatures.exceptions import LayoutError
from hashfeatures.layouts._collection import Collection
from hashfeatures.layouts._layout import Layout

BOXES = np.array([[0.1, 0.15, 0.45, 0.5], [0.5, 0.3, 0.6, 0.9], [0.8, 0.1, 0.83, 0.13]])
LABELS = ["face", "suit", "badge"]

COPIES = {
    "same": (lambda image: image.copy(), [1, 0, 0, 0, 1, 0]),
    "resized": (lambda image: image.resize((200, 300)), [1, 0, 0, 0, 1, 0]),
    "mirrored": (ImageOps.mirror, [-1, 0, 1, 0, 1, 0]),
    "turned": (lambda image: image.transpose(Image.Transpose.ROTATE_90), [0, 1, 0, -1, 0, 1]),
    "cropped": (
        lambda image: image.crop((0, 0, round(0.95 * image.width), image.height)),
        [1 / 0.95, 0, 0, 0, 1, 0],
    ),
}


@pytest.fixture(scope="module")
def photo(photos):
    path = next(path for path in photos if path.name == "astronaut.png")
    return Image.open(path).convert("RGB").resize((400, 300))


def table(*images):
    """Return objects from lists of (label, box)."""
    rows = [(row, label, *box) for row, image in enumerate(images) for label, box in image]
    return pd.DataFrame(rows, columns=["row", "label", "left", "top", "right", "bottom"])


def original():
    return list(zip(LABELS, BOXES, strict=True))


def followed(name):
    """Return the objects of a copy, whose boxes follow it."""
    affine = np.array(COPIES[name][1], dtype=np.float32)
    return list(zip(LABELS, map_boxes(BOXES, as_matrix(affine)).clip(0, 1), strict=True))


def find(photo, name, copied, **options):
    finder = NearDuplicateFinder(views="dihedral")
    images = [photo, COPIES[name][0](photo)]
    objects = table(original(), copied)
    return find_annotation_conflicts(images, finder=finder, objects=objects, **options)


@pytest.mark.parametrize("name", COPIES)
def test_boxes_that_follow_a_copy_agree(name, photo):
    assert find(photo, name, followed(name)).empty


@pytest.mark.parametrize("name", COPIES)
@pytest.mark.parametrize("kind", ["class differs", "box differs", "missing in right"])
def test_what_was_changed_is_all_that_is_listed(name, kind, photo):
    copied = followed(name)
    label, box = copied[0]
    if kind == "class differs":
        copied[0] = ("head", box)
    elif kind == "box differs":
        copied[0] = (label, [*box[:2], *(box[:2] + (box[2:] - box[:2]) / 2)])
    else:
        del copied[0]
    found = find(photo, name, copied)
    assert found[["left", "right", "kind", "left_label"]].to_numpy().tolist() == [
        [0, 1, kind, "face"]
    ]
    (row,) = found.itertuples()
    assert row.left_object == 0
    assert row.agreement > 0.9
    assert isinstance(row.relation, str)
    if kind == "missing in right":
        assert row.right_label is None
        assert pd.isna(row.right_object)
        assert np.isnan(row.iou)
    else:
        assert row.right_label == copied[0][0]
        assert row.right_object == 3
        assert row.iou == pytest.approx(0.25 if kind == "box differs" else 1, abs=0.1)


def test_the_least_overlap_is_a_parameter(photo):
    copied = [(label, [*box[:2], *(box[:2] + 0.8 * (box[2:] - box[:2]))])
              for label, box in followed("same")]  # fmt: skip
    assert find(photo, "same", copied).empty
    assert set(find(photo, "same", copied, min_iou=0.7)["kind"]) == {"box differs"}
    with pytest.raises(ParameterError, match="min_iou"):
        find(photo, "same", copied, min_iou=50)


def test_the_pair_with_most_conflicts_comes_first_and_equal_images_are_compared_once(photo):
    """Three equal copies: each of the later ones is compared with the first alone."""
    lists = [original(), original()[:2], original()[:1], original()[:2]]
    images = [photo, photo.copy(), photo.copy(), ImageOps.mirror(photo)]
    found = find_annotation_conflicts(images, objects=table(*lists))
    assert found[["left", "right"]].to_numpy().tolist() == [[0, 2], [0, 2], [0, 1]]
    assert set(found["kind"]) == {"missing in right"}
    assert found["left_label"].tolist() == ["suit", "badge", "badge"]


def test_a_missing_object_has_no_label(photo):
    copied = [("head", followed("same")[0][1]), *original()[2:]]
    found = find(photo, "same", copied)
    assert found["left_label"].tolist() == ["face", "suit"]
    assert found["right_label"].tolist() == ["head", None]


def test_images_that_are_no_duplicates_are_not_compared(photo, noise_image):
    images = [photo, noise_image(0, size=(400, 300))]
    found = find_annotation_conflicts(images, objects=table(original()))
    assert found.empty
    assert found["left_object"].dtype == "Int64"
    assert find_annotation_conflicts([photo, photo.copy()], objects=table()).empty


class _Boxes(Layout):
    name, title = "boxes", "Boxes"

    def __init__(self, objects):
        self.objects = objects

    def recognize(self, source):
        return None

    def read(self, source, root=None):
        raise NotImplementedError

    def plan_split(self, *args):
        raise NotImplementedError

    def find_objects(self, collection):
        return super().find_objects(collection) if self.objects is None else self.objects


def collect(images, objects):
    column = np.empty(len(images), dtype=object)
    column[:] = images
    frame = pd.DataFrame({"image": column, "key": [f"{row}.png" for row in range(len(images))]})
    return Collection(frame, _Boxes(objects))


def test_a_collection_brings_its_objects(photo):
    images = [photo, photo.copy()]
    found = find_annotation_conflicts(collect(images, table(original(), original()[1:])))
    assert found[["left_image", "right_image"]].to_numpy().tolist() == [["0.png", "1.png"]]
    with pytest.raises(LayoutError, match="Boxes layout holds no boxes"):
        find_annotation_conflicts(collect(images, None))


def test_only_the_objects_of_near_duplicates_are_read(photo, noise_image):
    """The masks of a large data set would fill the memory."""
    asked = []

    class Watched(_Boxes):
        def find_objects(self, collection):
            asked.extend(collection["key"])
            return table(original(), original()[1:])

    images = collect([noise_image(0), photo, photo.copy()], None)
    images.layout = Watched(None)
    found = find_annotation_conflicts(images)
    assert asked == ["1.png", "2.png"]
    assert found[["left", "right", "right_image"]].to_numpy().tolist() == [[1, 2, "2.png"]]


def test_masks_and_crowds_are_read(photo):
    objects = table(original()[:2], original()[:2]).assign(crowd=[False, False, True, False])
    square = [np.array([[0.5, 0.3], [0.6, 0.3], [0.6, 0.9], [0.5, 0.9]])]
    lower = [np.array([[0.5, 0.5], [0.6, 0.9], [0.5, 0.9]])]
    objects["polygons"] = pd.Series([None, square, None, lower], dtype=object)
    found = find_annotation_conflicts([photo, photo.copy()], objects=objects)
    assert found["kind"].tolist() == ["mask differs"]


@pytest.mark.parametrize(
    "finder",
    [NearDuplicateFinder(verify=False), NearDuplicateFinder(trim_borders=True), "custom"],
)
def test_finders_that_do_not_align_images_are_refused(finder, photo, custom_finder, tmp_path):
    photo.save(tmp_path / "photo.png")
    images = [str(tmp_path / "photo.png")] * 2
    finder = custom_finder if finder == "custom" else finder
    with pytest.raises(ParameterError, match=r"finder.*verify=True and trim_borders=False"):
        find_annotation_conflicts(images, finder=finder, objects=table(original()))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda objects: objects.drop(columns="top"), "needs the columns row, label, left, top"),
        (lambda objects: objects.assign(row=2), "from 0 to 1.* Got 2 in row 0"),
        (lambda objects: objects.assign(right=np.nan), "must be finite"),
    ],
)
def test_broken_tables_of_objects_are_refused(change, told, photo):
    with pytest.raises(ValueError, match=told):
        find_annotation_conflicts([photo, photo], objects=change(table(original())))
    frame = pd.DataFrame({"image": ["a.png"], "objects": [1]})
    for images in ([photo, photo], frame):
        with pytest.raises(ParameterError, match="what read_collection returns"):
            find_annotation_conflicts(images)
