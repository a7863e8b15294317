"""An audit counts near duplicates whose boxes disagree, and lists the pairs with most of them."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import ImageOps
from scipy.sparse import csr_array

from hashfeatures import DuplicateGroups, NearDuplicateFinder, ParameterError, audit_split
from hashfeatures.layouts._collection import Collection
from hashfeatures.layouts._layout import Layout

BOXES = {"cat": (0.1, 0.2, 0.4, 0.6), "dog": (0.6, 0.2, 0.9, 0.8)}
MIRRORED = {"cat": (0.6, 0.2, 0.9, 0.6), "dog": (0.1, 0.2, 0.4, 0.8)}


class _Boxes(Layout):
    """A layout whose annotations are dicts of one box a class."""

    name, title = "boxes", "Boxes"

    def recognize(self, source):
        raise NotImplementedError

    def read(self, source, root=None):
        raise NotImplementedError

    def plan_split(self, *args):
        raise NotImplementedError

    def find_objects(self, collection):
        rows = [
            (row, label, *box, None, False)
            for row, boxes in enumerate(collection["annotations"])
            for label, box in boxes.items()
        ]
        names = ["row", "label", "left", "top", "right", "bottom", "polygons", "crowd"]
        return pd.DataFrame(rows, columns=names)


class _Counts(_Boxes):
    """A layout that does not tell where its objects are."""

    find_objects = Layout.find_objects


def collect(files, annotations, has_boxes=True):
    frame = pd.DataFrame({"image": files, "key": files})
    frame["annotations"] = pd.Series(annotations, dtype=object)
    counts = np.array([[name in boxes for name in BOXES] for boxes in annotations], dtype=int)
    counts = csr_array(counts.reshape(len(files), 2)) if has_boxes else None
    return Collection(frame, _Boxes(), counts=counts, class_names=list(BOXES))


@pytest.fixture
def parts(tmp_path, noise_image):
    """Return parts with a mirrored copy that agrees, and two copies that do not."""
    images = {
        "train": {"a.png": noise_image(0), "b.png": noise_image(1), "c.png": noise_image(1)},
        "test": {"d.png": ImageOps.mirror(noise_image(0)), "e.png": noise_image(1)},
    }
    boxes = {
        "train": [BOXES, BOXES, {"dog": BOXES["dog"]}],
        "test": [MIRRORED, {"dog": BOXES["cat"]}],
    }
    files = {}
    for part, made in images.items():
        files[part] = [str(tmp_path / name) for name in made]
        for path, image in zip(files[part], made.values(), strict=True):
            image.save(path)
    return {part: collect(files[part], boxes[part]) for part in files}


def audit(parts, **options):
    return audit_split(parts, finder=NearDuplicateFinder(views="flips"), **options)


def test_pairs_in_conflict_are_counted_and_listed(parts):
    annotations = audit(parts).summary()["annotations"]
    assert (annotations["compared"], annotations["pairs"], annotations["across"]) == (3, 2, 1)
    assert annotations["within"] == {"train": 1, "test": 0}
    assert annotations["kinds"] == {"class differs": 1, "missing in right": 2}
    assert annotations["objects"] == 3
    first, second = annotations["worst"]
    assert (first["left"]["part"], first["left"]["row"]) == ("train", 1)
    assert (first["right"]["part"], first["right"]["row"]) == ("test", 1)
    assert first["objects"][0] == {
        "kind": "class differs",
        "iou": 1.0,
        "left": {"class": "cat", "box": [0.1, 0.2, 0.4, 0.6]},
        "right": {"class": "dog", "box": [0.1, 0.2, 0.4, 0.6]},
    }
    assert second["size"] == 1
    assert second["objects"][0]["right"] is None
    json.loads(json.dumps(audit(parts).summary(), allow_nan=False))


def test_the_card_shows_them_in_every_form(parts):
    card = audit(parts)
    said = "2 of 3 pairs of near duplicates disagree on 3 objects"
    for form in (card.to_text(), card.to_markdown(), card.to_html()):
        assert said in form
    assert card.to_html().count("<rect x=") == 4


def test_limits(parts):
    card = audit(parts)
    assert card.exceeded({"annotations": 2}) == []
    assert card.exceeded({"annotations": 1}) == [
        "Pairs of near duplicates whose boxes or masks disagree: 2, and 1 allowed."
    ]
    assert "66.67%, and 50.00% allowed" in card.exceeded({"annotations": 0.5})[0]
    with pytest.raises(ParameterError, match="without 'annotations' if there are no boxes"):
        audit({name: part.images for name, part in parts.items()}).exceeded({"annotations": 0})


def test_nothing_is_said_without_objects_or_pixels(parts):
    """Parts of which one has no boxes, layouts that only count, and finders that align nothing."""
    plain = parts | {"test": collect(parts["test"].images, [{}, {}], has_boxes=False)}
    assert audit(plain).summary()["annotations"] is None
    counted = {name: collect(part.images, part["annotations"]) for name, part in parts.items()}
    for part in counted.values():
        part.layout = _Counts()
    assert audit(counted).summary()["annotations"] is None
    by_hashes = audit_split(parts, finder=NearDuplicateFinder(verify=False))
    assert by_hashes.summary()["annotations"] is None
    assert "Annotation conflicts" not in by_hashes.to_html()
    bits = audit_split([[0, 0], [1, 1]], [[0, 0]], finder=DuplicateGroups(0))
    assert bits.summary()["annotations"] is None
