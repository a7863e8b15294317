"""COCO: what is read is written unchanged, and pycocotools reads it as before."""

import json
import os
import re
from contextlib import redirect_stdout
from copy import deepcopy
from io import StringIO
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO

from hashfeatures import (
    LayoutError,
    SkippedFilesWarning,
    drop_duplicates,
    read_collection,
    train_test_split,
)

CATEGORIES = [
    {"id": 7, "name": "cat", "supercategory": "animal"},
    {"id": 3, "name": "Straße", "supercategory": "scène", "keypoints": ["nose"]},
]


def make_document(n_images=6, first=100, **more):
    """Return a document with boxes, polygons, crowds and keys of other tools."""
    images = [
        {
            "id": first + number,
            "file_name": f"{first + number:05}.png",
            "width": 40,
            "height": 30,
            "license": 1,
            "camera": {"iso": 0.1 + 0.2, "näme": "ü"},
        }
        for number in range(n_images)
    ]
    annotations = [
        {
            "id": 10 * item["id"] + number,
            "image_id": item["id"],
            "category_id": (7, 3)[number % 2],
            "bbox": [1.1, 2.7, 10.300000000000001, 20.05],
            "area": 206.515,
            "iscrowd": 0,
            "segmentation": [[1.5, 2.5, 11.25, 2.5, 11.25, 22.75]],
            "attributes": {"occluded": None},
        }
        for item in images
        for number in range(item["id"] % 3)
    ]
    annotations.append(
        {
            "id": 9_000_000_000_000 + first,
            "image_id": first,
            "category_id": 7,
            "bbox": [0, 0, 40, 30],
            "iscrowd": 1,
            "segmentation": {"size": [30, 40], "counts": [0, 1200]},
        }
    )
    annotations.reverse()  # the order of a file is arbitrary, and kept
    return {
        "info": {"description": "Tiere", "version": 1.0},
        "licenses": [{"id": 1, "name": "CC BY"}],
        "images": images[::-1],
        "annotations": annotations,
        "categories": deepcopy(CATEGORIES),
        "tool": {"x": [1e-7]},
        **more,
    }


@pytest.fixture
def write(tmp_path, noise_image):
    """Return a function that writes a document and its images, and returns the JSON."""

    def write_files(document, name="annotations/instances_train2017.json", folder="train2017"):
        path = tmp_path / "set" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document), encoding="utf-8")
        for item in document["images"]:
            image = tmp_path / "set" / folder / item["file_name"].replace("\\", "/")
            image.parent.mkdir(parents=True, exist_ok=True)
            noise_image(crc32(item["file_name"].encode())).save(image)
        return path

    return write_files


def load(path):
    """Return the JSON of a file, with floats as they are written."""
    return json.loads(path.read_text(encoding="utf-8"))


def load_with_pycocotools(path):
    with redirect_stdout(StringIO()):
        return COCO(str(path))


def snapshot(folder):
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_file_is_read_with_its_objects(write):
    """Rows are in the order of the file, and crowds are not counted."""
    document = make_document()
    path = write(document)
    collection = read_collection(path)
    assert collection.layout.name == "coco"
    assert collection["key"].tolist() == [item["file_name"] for item in document["images"]]
    assert collection.root == path.parent.parent / "train2017"
    assert all(map(os.path.isfile, collection.images))
    assert collection.parts is None
    assert collection.class_names == ["cat", "Straße"]
    expected = [[(n % 3 + 1) // 2, n % 3 // 2] for n in range(105, 99, -1)]
    assert collection.counts.toarray().tolist() == expected
    held = [item for items in collection["annotations"] for item in items]
    assert len(held) == len(document["annotations"])
    assert all(item in document["annotations"] for item in held)


@pytest.mark.parametrize("how", ["lists", "link", "copy"])
def test_a_split_is_read_by_pycocotools(write, tmp_path, how):
    """Each annotation is there once, with the same ids and boxes, and the source is unchanged."""
    document = make_document(20)
    path = write(document)
    before = snapshot(tmp_path / "set")
    collection = read_collection(path)
    train, test = train_test_split(
        collection, test_size=0.25, stratify=collection.counts, random_state=0
    )
    out = collection.write_split({"train": train, "test": test}, tmp_path / "out", how=how)
    parts = {
        part: load_with_pycocotools(out / f"annotations/instances_{part}.json")
        for part in ("train", "test")
    }
    ids = {part: set(coco.getImgIds()) for part, coco in parts.items()}
    assert not ids["train"] & ids["test"]
    assert ids["train"] | ids["test"] == {item["id"] for item in document["images"]}
    source = load_with_pycocotools(path)
    for key in ("imgs", "anns", "cats"):
        merged = getattr(parts["train"], key) | getattr(parts["test"], key)
        assert merged == getattr(source, key)
    assert sum(len(coco.anns) for coco in parts.values()) == len(source.anns)
    if how != "lists":
        for part, coco in parts.items():
            for item in coco.imgs.values():
                image = out / part / item["file_name"]
                assert (
                    image.read_bytes() == (path.parents[1] / "train2017" / image.name).read_bytes()
                )
                assert image.is_symlink() == (how == "link")
    assert snapshot(tmp_path / "set") == before


@pytest.mark.parametrize("how", ["lists", "link", "copy"])
def test_a_split_is_read_again(write, tmp_path, how):
    collection = read_collection(write(make_document()))
    out = collection.write_split(
        {"train": [4, 0, 2], "val": [1, 5], "test": []}, tmp_path / "o", how
    )
    again = read_collection(out)
    assert again.parts.value_counts().to_dict() == {"train": 3, "val": 2}
    assert all(map(os.path.isfile, again.images))
    train = again.by_part()["train"]
    expected = collection.select([0, 2, 4])
    assert [os.path.basename(p) for p in train.images] == expected["key"].tolist()
    assert train["annotations"].tolist() == expected["annotations"].tolist()
    assert (train.counts != expected.counts).nnz == 0


def test_everything_else_in_the_file_is_kept(write, tmp_path):
    """Info, licenses, unknown keys, big ids, letters, floats and the order of annotations."""
    document = make_document()
    collection = read_collection(write(document))
    out = collection.write_split({"all": list(range(6))[::-1]}, tmp_path / "out")
    path = out / "annotations/instances_all.json"
    assert load(path) == document
    assert list(load(path)) == list(document)
    assert "Straße" in path.read_text(encoding="utf-8")


def test_several_files_are_parts(write):
    first = write(make_document())
    second = write(make_document(first=200), "annotations/instances_val2017.json", "val2017")
    for source in (first.parents[1], [first, second]):
        collection = read_collection(source)
        assert collection.parts.value_counts().to_dict() == {"train": 6, "val": 6}
        assert collection["key"][0] == "train/00105.png"
        assert all(map(os.path.isfile, collection.images))


def test_images_of_two_files_share_a_part(write, tmp_path):
    """What differs between the files is merged by id, and nothing is renumbered."""
    other = make_document(first=200, categories=[CATEGORIES[0], {"id": 9, "name": "dog"}])
    for item in other["annotations"]:
        item["category_id"] = 9 if item["category_id"] == 3 else 7
    first = write(make_document())
    second = write(other, "annotations/instances_val2017.json", "val2017")
    collection = read_collection([first, second])
    assert collection.class_names == ["cat", "Straße", "dog"]
    out = collection.write_split(
        {"train": range(0, 12, 2), "val": range(1, 12, 2)}, tmp_path / "o"
    )
    both = [load(out / f"annotations/instances_{part}.json") for part in ("train", "val")]
    assert [[item["id"] for item in document["categories"]] for document in both] == [
        [7, 3, 9]
    ] * 2
    ids = [item["id"] for document in both for item in document["annotations"]]
    expected = make_document()["annotations"] + other["annotations"]
    assert sorted(ids) == sorted(item["id"] for item in expected)


def test_equal_ids_in_two_files_cannot_share_a_part(write, tmp_path):
    """Each file keeps its ids, and a part that would hold an id twice is refused."""
    first = write(make_document(), "train/_annotations.coco.json", "train")
    write(make_document(), "valid/_annotations.coco.json", "valid")
    collection = read_collection(first.parents[1])
    assert collection.parts.value_counts().to_dict() == {"train": 6, "val": 6}
    kept = {"train": range(6), "val": range(6, 12)}
    assert collection.write_split(kept, tmp_path / "kept").is_dir()
    with pytest.raises(LayoutError, match=r"the id 105 is in .*Ids are never changed"):
        collection.write_split({"train": [0, 6]}, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_files_of_other_tasks_are_named(write):
    path = write(make_document())
    (path.parent / "captions_train2017.json").write_text("{}", encoding="utf-8")
    with pytest.warns(SkippedFilesWarning, match="1 JSON file of other tasks: captions_train"):
        collection = read_collection(path.parents[1])
    assert len(collection) == 6


def test_json_of_other_tools_is_no_coco(write, tmp_path):
    """A folder of images with settings or per-image JSON stays a folder of images."""
    document = make_document()
    path = write(document, "result.json", "images")
    (tmp_path / "set" / "package.json").write_text('{"name": "x"}', encoding="utf-8")
    with pytest.warns(SkippedFilesWarning, match=r"skipped 1 JSON file .*: package\.json"):
        collection = read_collection(tmp_path / "set")
    assert collection.layout.name == "coco"
    path.write_text(json.dumps({"version": "5", "shapes": []}), encoding="utf-8")
    with pytest.warns(SkippedFilesWarning, match=r"skipped 2 \.json"):
        assert read_collection(tmp_path / "set").layout.name != "coco"


def test_names_that_differ_only_in_case_are_not_copied_together(write, tmp_path):
    """On some file systems they are one file, so nothing is written at all."""
    document = make_document(2)
    for item, name in zip(document["images"], ("a/B.png", "A/b.png"), strict=True):
        item["file_name"] = name
    collection = read_collection(write(document))
    with pytest.raises(LayoutError, match="differ only in case"):
        collection.write_split({"train": [0, 1]}, tmp_path / "out", how="copy")
    assert not (tmp_path / "out").exists()
    assert collection.write_split({"train": [0], "val": [1]}, tmp_path / "out", "copy").is_dir()


def test_objects_are_shares_of_the_image(write):
    """Polygons are kept, masks in run-length encoding have a box alone."""
    document = make_document()
    collection = read_collection(write(document))
    objects = collection.objects()
    assert len(objects) == len(document["annotations"])
    crowd = objects[objects["crowd"]].iloc[0]
    assert crowd[["left", "top", "right", "bottom"]].tolist() == [0, 0, 1, 1]
    assert crowd["polygons"] is None
    assert crowd["label"] == "cat"
    single = objects[~objects["crowd"]].iloc[0]
    assert single["left"] == 1.1 / 40
    assert single["bottom"] == (2.7 + 20.05) / 30
    np.testing.assert_allclose(single["polygons"][0][1], [11.25 / 40, 2.5 / 30])
    assert objects["row"].is_monotonic_increasing


@pytest.mark.parametrize(
    "mask",
    [[[1, 2, 3, 4]], [[1, 2, 3, 4, 5]], [[1, 2, 3, 4, 5, "6"]], [[1, [2], 3, 4, 5, 6]], [7]],
)
def test_masks_that_are_no_polygons_are_named(write, mask):
    """They are kept in the JSON, and refused where they are compared."""
    document = make_document()
    document["annotations"][1]["segmentation"] = mask
    collection = read_collection(write(document))
    with pytest.raises(LayoutError, match=r"annotations\[1\]\.segmentation: expected polygons"):
        collection.objects()


def test_objects_without_boxes_take_those_of_their_masks(write):
    document = make_document()
    for item in document["annotations"][1:]:
        del item["bbox"]
    objects = read_collection(write(document)).objects()
    single = objects[~objects["crowd"]].iloc[0]
    sides = [1.5 / 40, 2.5 / 30, 11.25 / 40, 22.75 / 30]
    assert single[["left", "top", "right", "bottom"]].tolist() == sides
    del document["annotations"][1]["segmentation"]
    with pytest.raises(LayoutError, match=r"annotations\[1\]\.bbox: the key is missing"):
        read_collection(write(document)).objects()


def test_captions_have_no_counts(write, tmp_path):
    document = make_document()
    document["annotations"] = [
        {"id": 1, "image_id": 100, "caption": "eine Katze"},
        {"id": 2, "image_id": 100, "caption": "a cat"},
    ]
    del document["categories"]
    collection = read_collection(write(document, "annotations/captions_train2017.json"))
    assert collection.counts is None
    with pytest.raises(LayoutError, match="holds no objects"):
        collection.objects()
    out = collection.write_split({"train": [0, 5]}, tmp_path / "out")
    held = load(out / "annotations/captions_train.json")["annotations"]
    assert held == document["annotations"]


def test_keypoints_ride_along(write, tmp_path):
    """The parts are named after the task of the source."""
    document = make_document()
    for item in document["annotations"]:
        item |= {"keypoints": [1, 2.5, 2], "num_keypoints": 1}
    collection = read_collection(write(document, "annotations/person_keypoints_train2017.json"))
    out = collection.write_split({"val": range(6)}, tmp_path / "out")
    assert load(out / "annotations" / "person_keypoints_val.json") == document


def test_a_deduplicated_set_is_written(write, tmp_path, noise_image):
    """A collection of some of the images writes their annotations, and no others."""
    document = make_document()
    path = write(document)
    copies = path.parents[1] / "train2017"
    (copies / "00101.png").write_bytes((copies / "00104.png").read_bytes())
    collection = read_collection(path)
    unique = drop_duplicates(collection)
    assert len(unique) == 5
    out = collection.write_split({"train": unique}, tmp_path / "a")
    same = unique.write_split({"train": range(5)}, tmp_path / "b")
    written = load(out / "annotations" / "instances_train.json")
    assert written == load(same / "annotations" / "instances_train.json")
    kept = {item["id"] for item in written["images"]}
    assert len(kept & {101, 104}) == 1
    assert len(kept) == 5
    expected = [item for item in document["annotations"] if item["image_id"] in kept]
    assert written["annotations"] == expected


def test_windows_separators_are_opened_and_kept(write, tmp_path):
    document = make_document(2)
    for item in document["images"]:
        item["file_name"] = "a\\" + item["file_name"]
    collection = read_collection(write(document))
    assert collection["key"][0] == "a/00101.png"
    assert os.path.isfile(collection.images[0])
    out = collection.write_split({"train": [0, 1]}, tmp_path / "out", how="copy")
    assert load(out / "annotations/instances_train.json")["images"] == document["images"]
    assert (out / "train" / "a" / "00101.png").is_file()


def test_names_with_accents_are_found_in_either_form(write):
    document = make_document(2)
    document["images"][0]["file_name"] = "caf\u00e9.png"
    path = write(document)
    (file,) = path.parents[1].rglob("caf\u00e9.png")
    file.rename(file.with_name("cafe\u0301.png"))
    assert all(map(os.path.isfile, read_collection(path).images))


def test_a_byte_order_mark_is_no_problem(write):
    path = write(make_document())
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(read_collection(path)) == 6


def test_half_a_surrogate_pair_survives(write, tmp_path):
    document = make_document(info={"description": "\ud83d"})
    out = read_collection(write(document)).write_split({"a": [0]}, tmp_path / "out")
    assert load(out / "annotations/instances_a.json")["info"] == document["info"]


def test_images_that_are_nowhere_are_searched_and_then_named(write, tmp_path):
    path = write(make_document(), folder="somewhere/else")
    with pytest.raises(LayoutError, match=r"00105\.png', are in none of the folders .*root="):
        read_collection(path)
    with pytest.warns(SkippedFilesWarning, match="6 images .* not list, such as else/00100.png"):
        collection = read_collection(path, root=path.parents[1] / "somewhere")
    assert not any(map(os.path.isfile, collection.images))
    found = read_collection(path, root=path.parents[1] / "somewhere" / "else")
    assert all(map(os.path.isfile, found.images))


@pytest.mark.parametrize(
    "folder",
    [
        "train2017",
        "train",
        "images",
        "images/train2017",
        "images/train",
        "data",
        "JPEGImages",
        ".",
        "annotations",
    ],
)
def test_images_are_found_in_usual_places(write, folder):
    """They are beside the annotations or below, in a folder named after the part or not."""
    path = write(make_document(), folder=folder)
    collection = read_collection(path)
    assert all(map(os.path.isfile, collection.images))
    assert collection.root == path.parents[1] / folder
    assert read_collection(path, root=path.parents[1] / folder).images == collection.images


@pytest.mark.parametrize("place", [".", "annotations"])
def test_images_are_found_from_any_working_directory(write, monkeypatch, place):
    """A name without a folder is in the working directory, and images may be beside that."""
    path = write(make_document())
    monkeypatch.chdir(path.parents[1] / place)
    collection = read_collection(os.path.relpath(path))
    assert all(map(os.path.isfile, collection.images))


def test_a_list_of_other_images_is_no_guide(write):
    """A text file named after the part decides only if it lists these images in this order."""
    path = write(make_document())
    names = [f"other/{item['file_name']}" for item in make_document()["images"]]
    for lines in (names[:3], names[::-1], [], ['"']):
        (path.parents[1] / "train2017.txt").write_text("\n".join(lines), encoding="utf-8")
        assert all(map(os.path.isfile, read_collection(path).images))


def test_a_missing_image_is_a_row(write, tmp_path):
    """Other images decide where the folder is, and a copy of the missing one is refused."""
    path = write(make_document())
    (path.parents[1] / "train2017" / "00105.png").unlink()
    collection = read_collection(path)
    assert len(collection) == 6
    with pytest.raises(LayoutError, match=r"1 file is missing, such as .*00105"):
        collection.write_split({"train": range(6)}, tmp_path / "out", how="copy")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("is_folder", [True, False])
def test_images_that_no_json_lists_are_counted(write, noise_image, is_folder):
    """Masks beside the JSON, hidden files, and links to listed images are not among them."""
    path = write(make_document())
    top = path.parents[1]
    for number, name in enumerate(["train2017/1.png", "train2017/.2.png", "test2017/3.jpg"]):
        (top / name).parent.mkdir(exist_ok=True)
        noise_image(number).save(top / name)
    (path.parent / "panoptic").mkdir()
    noise_image(9).save(path.parent / "panoptic" / "00100.png")
    (top / "train2017" / "again.png").symlink_to(top / "train2017" / "00100.png")
    note = "left out 1 image that the JSON does not list, such as 1.png"
    if is_folder:
        note = "left out 2 images that the JSON does not list, such as test2017/3.jpg"
    with pytest.warns(SkippedFilesWarning, match="left out"):
        collection = read_collection(top if is_folder else path)
    assert collection.skipped == note
    assert len(collection) == 6


def test_images_of_another_data_set_are_not_counted(write, tmp_path, noise_image):
    """The names in a file may lead to a folder among others, and lists name images elsewhere."""
    document = make_document()
    for item in document["images"]:
        item["file_name"] = f"mine/images/{item['file_name']}"
    path = write(document, "mine/set.json", "")
    (tmp_path / "set" / "theirs").mkdir()
    noise_image(0).save(tmp_path / "set" / "theirs" / "1.png")
    collection = read_collection(path)
    assert collection.skipped == ""
    for name in ("elsewhere", "set/mine/clean"):
        out = collection.write_split({"train": [0, 1], "test": [2]}, tmp_path / name)
        assert read_collection(out).skipped == ""


@pytest.mark.parametrize("name", ["/data/photos/1.png", "C:\\photos\\1.png", "../../1.png"])
def test_a_name_that_leaves_the_folder_tells_how_to_change_it(write, name):
    document = make_document()
    path = write(document)
    document["images"][0]["file_name"] = name
    path.write_text(json.dumps(document), encoding="utf-8")
    message = r"below one folder, such as '1\.png', and name this folder by root="
    with pytest.raises(LayoutError, match=message):
        read_collection(path, root=path.parent)


GONE = object()
# A place in a document, what is put there, and what the message says of it.
BROKEN = [
    ("images", GONE, ": the key 'images' is missing. Found: 'info', 'licenses', 'annotations'"),
    ("annotations", GONE, """the key 'annotations' is missing."""),
    ("annotations", GONE, """Add "annotations": [] if there are none."""),
    ("categories", GONE, "the key 'categories' is missing"),
    ("images", {}, "images: expected a list. Got {}."),
    ("images[1]", 5, "images[1]: expected an object. Got 5."),
    ("images[1].id", GONE, "images[1].id: the key is missing"),
    ("images[1].id", True, "images[1].id: expected a whole number or a string. Got True."),
    ("images[1].id", 105, "images[1].id: 105 is the id of images[0] too"),
    ("images[0].file_name", GONE, "images[0].file_name: the key is missing"),
    ("images[0].file_name", 3, "images[0].file_name: expected the name of a file. Got 3."),
    ("images[0].file_name", "00104.png", "images[1].file_name: '00104.png' is the file of images"),
    ("images[0].file_name", "../../x.png", "images[0].file_name: the name '../../x.png' leaves"),
    ("images[0].file_name", "a\\..\\..\\x", "images[0].file_name: the name 'a"),
    ("images[0].file_name", "/etc/passwd", "images[0].file_name: the name '/etc/passwd' is absol"),
    ("images[0].file_name", "C:\\x.png", "is absolute"),
    ("annotations[2].id", 1041, "annotations[2].id: 1041 is the id of annotations[1] too"),
    ("annotations[2].image_id", 5, "annotations[2].image_id: no entry of 'images' has the id 5."),
    ("annotations[2].image_id", "100", "annotations[2].image_id: no entry of 'images' has the"),
    ("annotations[2].image_id", [1], "has the id [1]."),
    ("annotations[2].image_id", GONE, "annotations[2].image_id: the key is missing"),
    ("annotations[1].category_id", 99, "annotations[1].category_id: no entry of 'categories'"),
    ("annotations[1].category_id", GONE, "annotations[1].category_id: the key is missing"),
    ("categories[0].name", None, "categories[0].name: expected a string. Got None."),
    ("categories[1].id", 7, "categories[1].id: 7 is the id of categories[0] too"),
    ("annotations[0].bbox", [1, 2, 3], "annotations[0].bbox: expected four finite numbers"),
    ("annotations[0].bbox", [1, 2, 3, float("nan")], "annotations[0].bbox: expected four finite"),
    ("annotations[0].bbox", [1, 2, 3, float("inf")], "annotations[0].bbox: expected four finite"),
    ("annotations[0].bbox", [1, 2, 3, "4"], "annotations[0].bbox: expected four finite numbers"),
    ("annotations[0].bbox", [1, 2, 3, 10**400], "annotations[0].bbox: expected four finite"),
    ("annotations[0].segments_info", [], "annotations: they are of COCO's panoptic task"),
]


@pytest.mark.parametrize(("place", "value", "message"), BROKEN)
def test_a_broken_document_is_named_with_file_and_key(write, place, value, message):
    document = make_document()
    path = write(document)
    *outer, last = [int(key) if key.isdigit() else key for key in re.findall(r"\w+", place)]
    inner = document
    for key in outer:
        inner = inner[key]
    if value is GONE:
        del inner[last]
    else:
        inner[last] = value
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(LayoutError) as caught:
        read_collection(path)
    assert message in str(caught.value)
    assert "instances_train2017.json" in str(caught.value)


@pytest.mark.parametrize(
    ("wrap", "message"),
    [
        (lambda document: {"data": document}, "data.images: COCO keeps 'images' at the top level"),
        (lambda document: [document], "Got a list of 1."),
        (lambda document: [{"image_id": 1, "score": 0.5}], "These are the results of a detector."),
        (lambda document: 4, "Got 4."),
    ],
)
def test_a_document_of_another_form_is_described(tmp_path, wrap, message):
    path = tmp_path / "set.json"
    path.write_text(json.dumps(wrap(make_document())), encoding="utf-8")
    with pytest.raises(LayoutError) as caught:
        read_collection(path)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'{"images": [\n  1,,\n]}', "line 2, column 5: this is not JSON"),
        (b"", "line 1, column 1: this is not JSON"),
        (b'{"images": ["\xff\xfe"]}', "byte 13: the file is not UTF-8"),
        (b"[" * 100_000, "the JSON cannot be read"),
        (b'{"images": [], "annotations": [], "images": []}', "has the key 'images' twice"),
    ],
)
def test_a_file_that_is_no_json_is_named_with_its_line(tmp_path, data, message):
    path = tmp_path / "instances.json"
    path.write_bytes(data)
    with pytest.raises(LayoutError, match=message):
        read_collection(path)


def test_files_that_disagree_about_a_category(write):
    first = write(make_document())
    other = make_document(first=200, categories=[{"id": 7, "name": "dog"}, CATEGORIES[1]])
    second = write(other, "annotations/instances_val2017.json", "val2017")
    with pytest.raises(LayoutError, match="categories: the id 7 is 'dog', and 'cat' in"):
        read_collection([first, second])


def test_sizes_are_needed_for_objects_alone(write):
    document = make_document()
    del document["images"][1]["width"]
    collection = read_collection(write(document))
    with pytest.raises(LayoutError, match=r"images\[1\]\.width: expected a number above 0"):
        collection.objects()


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
RESERVED = {"images", "annotations", "categories", "id", "image_id", "category_id", "bbox"}
MORE = st.dictionaries(
    st.text(max_size=6).filter(lambda key: key not in RESERVED | {"segments_info", "iscrowd"}),
    VALUES,
    max_size=3,
)


@settings(max_examples=25)
@given(data=st.data())
def test_any_values_of_other_keys_survive(tmp_path_factory, data):
    """Whatever other tools put into a document, the parts hold it unchanged."""
    folder = tmp_path_factory.mktemp("coco")
    n_images = data.draw(st.integers(1, 5))
    images = [
        {**data.draw(MORE), "id": number, "file_name": f"{number}.png"}
        for number in range(n_images)
    ]
    annotations = [
        {**data.draw(MORE), "id": number, "image_id": data.draw(st.integers(0, n_images - 1)),
         "category_id": 1, "bbox": [0, 0, data.draw(st.floats(0, 1e9)), 1]}
        for number in range(data.draw(st.integers(0, 6)))
    ]  # fmt: skip
    document = {
        **data.draw(MORE),
        "images": images,
        "annotations": annotations,
        "categories": [{**data.draw(MORE), "id": 1, "name": "cat"}],
    }
    path = folder / "set.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    collection = read_collection(path, root=folder)
    sides = np.array(data.draw(st.lists(st.booleans(), min_size=n_images, max_size=n_images)))
    out = collection.write_split(
        {"a": np.flatnonzero(sides), "b": np.flatnonzero(~sides)}, folder / "out"
    )
    parts = [load(out / f"annotations/instances_{part}.json") for part in "ab"]
    for key in ("images", "annotations"):
        assert (
            sorted((item for part in parts for item in part.pop(key)), key=lambda item: item["id"])
            == document[key]
        )
    rest = {key: value for key, value in document.items() if key not in ("images", "annotations")}
    assert parts == [rest, rest]


@settings(max_examples=60)
@given(data=st.data())
def test_a_spoiled_document_is_read_or_refused(tmp_path_factory, data):
    """One value replaced by any other leads to a collection or to an error that names the file."""
    document = make_document(3)
    inner, key = document, data.draw(st.sampled_from(["images", "annotations", "categories"]))
    while isinstance(inner[key], list | dict) and inner[key] and data.draw(st.integers(0, 4)):
        inner = inner[key]
        keys = sorted(inner) if isinstance(inner, dict) else range(len(inner))
        key = data.draw(st.sampled_from(keys))
    inner[key] = data.draw(VALUES)
    folder = tmp_path_factory.mktemp("coco")
    path = folder / "set.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    try:
        collection = read_collection(path, root=folder)
        collection.write_split({"a": range(len(collection))}, folder / "out")
        collection.objects()
    except LayoutError as error:
        assert re.search(r"set\.json|would be written", str(error))


@given(
    names=st.lists(
        st.lists(st.sampled_from(["..", "a", ".", "", " ", "C:", "A", "é", "~"]), max_size=4),
        min_size=1,
        max_size=3,
    ),
    separator=st.sampled_from(["/", "\\"]),
)
def test_no_name_of_an_image_leads_out_of_the_parts(tmp_path_factory, names, separator):
    """A name is refused where it is read, or it stays below the folder of its part."""
    folder = tmp_path_factory.mktemp("coco")
    images = [
        {"id": number, "file_name": separator.join(words)} for number, words in enumerate(names)
    ]
    path = folder / "set.json"
    path.write_text(json.dumps({"images": images, "annotations": []}), encoding="utf-8")
    try:
        collection = read_collection(path, root=folder)
        rows = {"train": np.arange(len(collection))}
        plan = collection.layout.plan_split(collection, rows, "copy", folder / "out")
    except LayoutError:
        return
    for name, source in plan.files.items():
        assert os.path.normpath(name).startswith(f"train{os.sep}")
        assert os.path.normpath(source).startswith(f"{folder}{os.sep}")
