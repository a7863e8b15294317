"""Pascal VOC: XML and masks move with their images, byte by byte."""

import os
import shutil
import warnings
from collections import Counter
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hashfeatures import LayoutError, SkippedFilesWarning, read_collection, train_test_split

OBJECT = """\t<object>
\t\t<name>{name}</name>
\t\t<difficult>{difficult}</difficult>
\t\t<bndbox><xmin>{box[0]}</xmin><ymin>{box[1]}</ymin>
\t\t\t<xmax>{box[2]}</xmax><ymax>{box[3]}</ymax></bndbox>
\t\t<part><name>head</name><bndbox><xmin>1</xmin><ymin>1</ymin>
\t\t\t<xmax>2</xmax><ymax>2</ymax></bndbox></part>
\t</object>
"""


def make_xml(file_name, objects=(), size=(40, 30)):
    """Return XML with what parsers lose: comments, tabs, an order, trailing blanks."""
    listed = "".join(
        OBJECT.format(name=name, box=box, difficult=number % 2)
        for number, (name, *box) in enumerate(objects)
    )
    return (
        f"<annotation verified='yes'>\r\n<!-- by hand -->\t<filename>{file_name}</filename>\n"
        f"\t<size><width>{size[0]}</width><height>{size[1]}</height></size>\n"
        f"{listed}</annotation>  \n"
    ).encode()


def objects_of(number):
    return [("cat", 1, 1, 20.5, 10)] * (number % 3) + [("Käse", 5, 6, 40, 30)] * (number % 2)


@pytest.fixture
def voc(tmp_path, noise_image):
    """Make twelve images with XML, three parts and some masks, and return the folder."""
    top = tmp_path / "VOC2012"
    for number in range(12):
        stem = f"2007_{number:06}"
        for folder, suffix in (("JPEGImages", "jpg"), ("SegmentationClass", "png")):
            if suffix == "jpg" or number % 3 == 0:
                path = top / folder / f"{stem}.{suffix}"
                path.parent.mkdir(parents=True, exist_ok=True)
                noise_image(number).save(path)
        path = top / "Annotations" / f"{stem}.xml"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(make_xml(f"{stem}.jpg", objects_of(number)))
    write_set(top, "train", range(6))
    write_set(top, "val", range(6, 9))
    write_set(top, "trainval", range(9))
    write_set(top, "test", range(9, 12))
    return top


def write_set(top, name, numbers, ending="\n"):
    folder = top / "ImageSets" / "Main"
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"2007_{number:06}{ending}" for number in numbers]
    (folder / f"{name}.txt").write_text("".join(lines), encoding="utf-8")


def snapshot(folder):
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def read_independently(top, part):
    """Return the boxes of the images of a part, as a training script reads them."""
    found = {}
    for stem in (top / "ImageSets" / "Main" / f"{part}.txt").read_text("utf-8").split():
        tree = ElementTree.parse(top / "Annotations" / f"{stem}.xml").getroot()
        found[stem] = [
            (item.find("name").text, *(side.text for side in item.find("bndbox")))
            for item in tree.findall("object")
        ]
        assert (top / "JPEGImages" / f"{stem}.jpg").is_file()
    return found


def test_a_tree_is_read(voc):
    """The union trainval is not a part, and difficult objects are counted."""
    collection = read_collection(voc)
    assert collection.layout.name == "voc"
    assert collection.root == voc
    assert collection["key"][0] == "JPEGImages/2007_000000.jpg"
    assert collection.parts.value_counts().to_dict() == {"train": 6, "val": 3, "test": 3}
    assert collection.class_names == ["Käse", "cat"]
    assert collection.counts.toarray().tolist() == [[n % 2, n % 3] for n in range(12)]
    xml = (voc / "Annotations" / "2007_000005.xml").read_bytes()
    assert collection["annotations"][5] == xml


@pytest.mark.parametrize("how", ["link", "copy"])
def test_a_split_holds_each_annotation_once(voc, tmp_path, how):
    """Images, XML and masks are those of the source, byte by byte, and the source is unchanged."""
    before = snapshot(voc)
    collection = read_collection(voc)
    train, test = train_test_split(
        collection, test_size=0.25, stratify=collection.counts, random_state=0
    )
    out = collection.write_split({"train": train, "test": test}, tmp_path / "out", how=how)
    parts = [read_independently(out, part) for part in ("train", "test")]
    assert not parts[0].keys() & parts[1].keys()
    source = {}
    for part in ("train", "val", "test"):
        source |= read_independently(voc, part)
    assert parts[0] | parts[1] == source
    kept = {name: content for name, (content, _) in before.items() if "ImageSets" not in name}
    written = {name: content for name, (content, _) in snapshot(out).items()}
    assert {name: c for name, c in written.items() if "ImageSets" not in name} == kept
    assert (out / "JPEGImages" / "2007_000001.jpg").is_symlink() == (how == "link")
    assert not (out / "Annotations" / "2007_000001.xml").is_symlink()
    masked = [
        (out / "ImageSets" / "Segmentation" / f"{part}.txt").read_text("utf-8").split()
        for part in ("train", "test")
    ]
    assert sorted(masked[0] + masked[1]) == [f"2007_{number:06}" for number in range(0, 12, 3)]
    assert set(masked[1]) <= parts[1].keys()
    assert snapshot(voc) == before
    again = read_collection(out)
    assert again.parts.value_counts().to_dict() == {"train": len(train), "test": len(test)}
    assert (again.counts != collection.counts).nnz == 0


def test_lists_are_image_sets_alone(voc, tmp_path):
    """They are read again together with the folder of the images."""
    collection = read_collection(voc)
    out = collection.write_split({"train": [4, 0], "test": [7], "none": []}, tmp_path / "out")
    assert {name: content for name, (content, _) in snapshot(out).items()} == {
        "ImageSets/Main/train.txt": b"2007_000000\n2007_000004\n",
        "ImageSets/Main/test.txt": b"2007_000007\n",
        "ImageSets/Main/none.txt": b"",
    }
    again = read_collection(out, root=voc)
    assert again.parts.value_counts().to_dict() == {"train": 2, "test": 1}
    assert len(again) == 12
    with pytest.raises(LayoutError, match=r"holds no XML of Pascal VOC.*by root="):
        read_collection(out)


def test_folders_are_parts_without_sets(voc, tmp_path):
    """Folders named train and val below those of images and XML take the place of sets."""
    shutil.rmtree(voc / "ImageSets")
    for folder, suffix in (("JPEGImages", "jpg"), ("Annotations", "xml")):
        for number in range(12):
            path = voc / folder / ("train" if number < 8 else "val") / f"{number}.{suffix}"
            path.parent.mkdir(exist_ok=True)
            (voc / folder / f"2007_{number:06}.{suffix}").rename(path)
    collection = read_collection(voc)
    assert collection.parts.value_counts().to_dict() == {"train": 8, "val": 4}
    out = collection.write_split({"train": range(9), "test": range(9, 12)}, tmp_path / "o", "copy")
    assert (out / "Annotations" / "val" / "8.xml").is_file()
    assert read_collection(out).parts.value_counts().to_dict() == {"train": 9, "test": 3}


def test_boxes_are_shares_of_the_image(voc):
    """Pixels are counted from 1, and the last one belongs to the box; parts of objects do not."""
    objects = read_collection(voc).objects()
    assert Counter(objects["label"]) == {"cat": 12, "Käse": 6}
    sides = objects[["left", "top", "right", "bottom"]]
    assert sides.iloc[0].tolist() == [0, 0, 20.5 / 40, 10 / 30]
    assert objects["row"].iloc[0] == 1
    assert sides.iloc[1].tolist() == [4 / 40, 5 / 30, 1, 1]


def test_sets_of_single_classes_are_no_parts(voc):
    folder = voc / "ImageSets" / "Main"
    lines = [f"2007_{number:06} {(' 1', '-1', ' 0')[number % 3]}\n" for number in range(6)]
    (folder / "cat_train.txt").write_text("".join(lines), encoding="utf-8")
    with pytest.warns(SkippedFilesWarning, match="skipped 1 image set of single classes"):
        collection = read_collection(voc)
    assert set(collection.parts) == {"train", "val", "test"}


def test_names_that_end_like_a_mark_are_images(beside, tmp_path):
    """A set of "photo 1" and "photo 0" is a part, and no set of one class."""
    for path in [*beside.rglob("*.png"), *beside.rglob("*.xml")]:
        path.rename(path.with_name(f"photo {path.parent.name[0]} {path.name[0]}{path.suffix}"))
    write = beside / "ImageSets" / "Main"
    write.mkdir(parents=True)
    (write / "a.txt").write_text("train/photo t 1\ntrain/photo t 0\n", encoding="utf-8")
    (write / "b.txt").write_text("valid/photo v 1.png\n", encoding="utf-8")
    collection = read_collection(beside)
    assert collection.parts.value_counts().to_dict() == {"a": 2, "b": 1}
    assert len(collection) == 6


def test_a_name_that_is_no_line_is_refused(voc, tmp_path):
    (voc / "JPEGImages" / "2007_000001.jpg").rename(voc / "JPEGImages" / "two\nlines.jpg")
    with pytest.warns(SkippedFilesWarning, match="1 image without XML"):
        collection = read_collection(voc)
    with pytest.raises(LayoutError, match=r"two\\nlines\.jpg cannot be a line of an image set"):
        collection.write_split({"all": range(13)}, tmp_path / "out")


def test_a_test_set_without_annotations(voc):
    """The sets list the images, and there are no classes to count."""
    shutil.rmtree(voc / "Annotations")
    with pytest.warns(SkippedFilesWarning, match="12 images without XML are taken without obj"):
        collection = read_collection(voc)
    assert collection.counts is None
    assert collection.parts.notna().all()
    assert len(collection.objects()) == 0


def test_windows_lines_and_a_byte_order_mark(voc):
    write_set(voc, "train", range(6), "\r\n")
    path = voc / "ImageSets" / "Main" / "train.txt"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_collection(voc).parts.value_counts()["train"] == 6


def test_names_with_accents_are_found_in_either_form(voc):
    for folder, suffix in (("JPEGImages", ".jpg"), ("Annotations", ".xml")):
        file = voc / folder / f"2007_000001{suffix}"
        file.rename(file.with_name(f"cafe\u0301{suffix}"))
    for path in (voc / "ImageSets" / "Main").glob("train*.txt"):
        listed = path.read_text(encoding="utf-8").replace("2007_000001", "caf\u00e9")
        path.write_text(listed, encoding="utf-8")
    collection = read_collection(voc)
    assert collection.parts.notna().all()
    assert all(map(os.path.isfile, collection.images))


def test_images_in_no_set_and_sets_without_files(voc):
    """An image outside of all sets has no part; one that a set lists alone is a row that fails."""
    write_set(voc, "val", range(7, 9))
    write_set(voc, "trainval", [])
    write_set(voc, "test", [*range(9, 12), 99])
    (voc / "Annotations" / "2007_000010.xml").unlink()
    with pytest.warns(SkippedFilesWarning, match="2 images without XML are taken without objects"):
        collection = read_collection(voc)
    assert collection.parts.isna().tolist() == [number == 6 for number in range(13)]
    assert collection.images[12] == str(voc / "JPEGImages" / "2007_000099.jpg")
    assert not os.path.exists(collection.images[12])
    assert collection["annotations"][10] is None
    assert len(collection.objects()) == collection.counts.sum()


def test_folders_above_are_searched(voc, tmp_path):
    assert len(read_collection(tmp_path)) == 12
    voc.rename(tmp_path / "a")
    other = tmp_path / "b" / "Annotations"
    other.mkdir(parents=True)
    (other / "1.xml").write_bytes(make_xml("1.jpg"))
    with pytest.raises(LayoutError, match="holds several data sets: a, b"):
        read_collection(tmp_path)


@pytest.mark.parametrize("name", ["proj", "VOCdevkit/proj"])
def test_a_data_set_among_other_images_is_not_what_a_folder_is(voc, tmp_path, noise_image, name):
    """Its images alone would hide all others. Named as VOC, the others are counted."""
    photos = tmp_path / "photos"
    (photos / "holiday").mkdir(parents=True)
    for number in range(3):
        noise_image(50 + number).save(photos / "holiday" / f"{number}.jpg")
    (photos / name).parent.mkdir(exist_ok=True)
    shutil.rmtree(voc / "SegmentationClass")
    voc.rename(photos / name)
    with pytest.warns(SkippedFilesWarning, match=r"skipped 12 \.xml"):
        collection = read_collection(photos)
    assert collection.layout.name != "voc"
    assert len(collection) == 3 + 12
    note = r"left out 3 images outside of JPEGImages, such as holiday/0\.jpg"
    with pytest.warns(SkippedFilesWarning, match=note):
        assert len(read_collection(photos, layout="voc")) == 12


def test_images_beside_the_folder_of_images_are_counted(voc, noise_image):
    """Neither the masks nor hidden files are among them."""
    noise_image(50).save(voc / "other.jpg")
    noise_image(51).save(voc / ".hidden.jpg")
    note = r"left out 1 image outside of JPEGImages, such as other\.jpg"
    with pytest.warns(SkippedFilesWarning, match=note):
        assert len(read_collection(voc)) == 12


@pytest.mark.parametrize(
    ("images", "xml"),
    [
        ("images", "annotations"),
        ("images", "annotations/xmls"),
        ("Images", "Annotation"),
        ("images/images", "annotations"),
        ("photos", "ANNOTATIONS"),
        ("images/dogs", "xmls/dogs"),
        ("", "xml"),
    ],
)
@pytest.mark.parametrize("how", ["lists", "copy"])
def test_folders_with_other_names_are_found(voc, tmp_path, images, xml, how):
    """The files tell which folder belongs to which. All boxes come along, and are read again."""
    expected = read_collection(voc)
    top = tmp_path / "pets"
    for place in (images, xml):
        (top / place).parent.mkdir(parents=True, exist_ok=True)
    (voc / "Annotations").rename(top / xml)
    if images:
        (voc / "JPEGImages").rename(top / images)
    else:
        for file in (voc / "JPEGImages").iterdir():
            file.rename(top / file.name)
    collection = read_collection(top)
    assert collection.layout.name == "voc"
    assert collection["key"][0] == f"{images}/2007_000000.jpg".lstrip("/")
    assert all(map(os.path.isfile, collection.images))
    assert collection["annotations"].tolist() == expected["annotations"].tolist()
    out = collection.write_split({"train": range(8), "test": range(8, 12)}, tmp_path / "out", how)
    again = read_collection(out, root=top if how == "lists" else None)
    assert again.parts.value_counts().to_dict() == {"train": 8, "test": 4}
    assert again["annotations"].tolist() == expected["annotations"].tolist()
    assert all(map(os.path.isfile, again.images))


def test_other_files_of_annotations_do_not_hide_the_boxes(voc):
    """Oxford's pets keep masks and lists beside the folder of XML."""
    (voc / "Annotations").rename(voc / "xmls")
    (voc / "SegmentationClass").rename(voc / "trimaps")
    (voc / "annotations").mkdir()
    for name in ("xmls", "trimaps"):
        (voc / name).rename(voc / "annotations" / name)
    (voc / "annotations" / "list.txt").write_text("", encoding="utf-8")
    note = r"left out 4 images outside of JPEGImages, such as annotations/trimaps/2007_000000\.png"
    with pytest.warns(SkippedFilesWarning, match=note):
        assert read_collection(voc).counts.sum() == 18


def test_xml_of_other_tools_is_no_annotation(tmp_path, noise_image):
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "1.xml").write_bytes(b"<?xml version='1.0'?><annotations/>")
    noise_image(0).save(tmp_path / "1.png")
    with pytest.warns(SkippedFilesWarning, match=r"skipped 1 \.xml"):
        assert read_collection(tmp_path).layout.name == "folder"


@pytest.mark.parametrize("name", ["trainval", "train_val", "TrainValTest"])
@pytest.mark.parametrize("is_empty", [True, False])
def test_a_set_that_joins_others_is_no_part(voc, name, is_empty):
    """The set for validation may be missing or empty, as where it is not public."""
    folder = voc / "ImageSets" / "Main"
    for other in ("val", "trainval"):
        (folder / f"{other}.txt").unlink()
    if is_empty:
        write_set(voc, "val", [])
    write_set(voc, name, range(9))
    note = rf"skipped {name}\.txt, which joins other sets, with 3 images in no other"
    with pytest.warns(SkippedFilesWarning, match=note):
        collection = read_collection(voc)
    assert collection.parts.value_counts().to_dict() == {"train": 6, "test": 3}


def test_an_image_that_does_not_exist_is_named_with_its_set_and_line(voc):
    """Whether other sets are joined does not matter."""
    write_set(voc, "val", [6, 7, 8, 99])
    note = r"1 image of the sets does not exist: val\.txt, line 4: there is no '2007_000099'"
    with pytest.warns(SkippedFilesWarning, match=note):
        collection = read_collection(voc)
    assert collection.parts.value_counts().to_dict() == {"train": 6, "val": 4, "test": 3}


@pytest.fixture
def beside(tmp_path, noise_image):
    """Make part folders that hold XML beside the images, as labelling tools write it."""
    top = tmp_path / "set"
    for number in range(6):
        folder = top / ("train" if number < 4 else "valid")
        folder.mkdir(parents=True, exist_ok=True)
        noise_image(number).save(folder / f"{number % 4} a.png")
        (folder / f"{number % 4} a.xml").write_bytes(make_xml("other.png", objects_of(number)))
    return top


def test_xml_beside_images(beside, tmp_path):
    collection = read_collection(beside)
    assert collection.layout.name == "voc"
    assert collection.parts.value_counts().to_dict() == {"train": 4, "valid": 2}
    assert collection["key"][0] == "train/0 a.png"
    rows = {"train": [1, 2, 4], "test": [0, 3, 5]}
    out = collection.write_split(rows, tmp_path / "out", how="copy")
    again = read_collection(out)
    assert again.parts.value_counts().to_dict() == rows_by_name(rows)
    train = again.by_part()["train"]
    assert sorted(train["annotations"]) == sorted(collection.select([1, 2, 4])["annotations"])
    assert (out / "test" / "0 a.xml").read_bytes() == (beside / "train" / "0 a.xml").read_bytes()
    clash = collection.write_split({"test": [0, 4]}, tmp_path / "clash", how="copy")
    assert sorted(path.relative_to(clash).as_posix() for path in clash.rglob("*.png")) == [
        "test/train/0 a.png",
        "test/valid/0 a.png",
    ]


def rows_by_name(rows):
    return {name: len(listed) for name, listed in rows.items()}


@pytest.mark.parametrize("inner", ["JPEGImages/out", "Annotations"])
def test_a_split_inside_of_the_images_is_refused(voc, inner):
    """It would be read as images of the source from then on."""
    collection = read_collection(voc)
    before = snapshot(voc)
    with pytest.raises(LayoutError, match="whose files all belong to the data set"):
        collection.write_split({"train": [0]}, voc / inner, how="copy")
    assert snapshot(voc) == before
    assert collection.write_split({"train": [0]}, voc / "clean", how="copy").is_dir()


def test_links_are_images_and_links_to_folders_are_named(voc, tmp_path, noise_image):
    (tmp_path / "more").mkdir()
    noise_image(90).save(tmp_path / "more" / "x.jpg")
    (voc / "JPEGImages" / "more").symlink_to(tmp_path / "more")
    (voc / "JPEGImages" / "copy.png").symlink_to(voc / "JPEGImages" / "2007_000001.jpg")
    (voc / "Annotations" / "copy.xml").write_bytes(make_xml("copy.png", objects_of(1)))
    (voc / "JPEGImages" / ".hidden.jpg").write_bytes(b"")
    with pytest.warns(SkippedFilesWarning, match=r"1 hidden; did not follow 1 link .*/more"):
        collection = read_collection(voc)
    assert collection["key"][12] == "JPEGImages/copy.png"
    assert len(collection) == 13


def replace(old, new):
    return lambda data: data.replace(old, new, 1)


BOMB = b"<!DOCTYPE x [<!ENTITY a 'aa'><!ENTITY b '&a;&a;'>]>\n<annotation>&b;</annotation>"
FILE = b"<!DOCTYPE x [\n<!ENTITY a SYSTEM 'file:///etc/passwd'>]><annotation>&a;</annotation>"
BROKEN = {
    "cut": (lambda data: data[:-20], "line 27, column .*: this is not XML"),
    "empty": (lambda data: b"", "line 1, column 1: this is not XML. No element found"),
    "binary": (lambda data: b"\x89PNG\r\n", "line 1, column 1: this is not XML"),
    "a mismatched tag": (replace(b"</size>", b"</sice>"), "line 3, column .*: this is not XML"),
    "another document": (lambda data: b"<html></html>", "expected XML of .* Got <html>"),
    "an unknown encoding": (lambda data: b"<?xml version='1.0' encoding='x-klingon'?><a/>", "XML"),
    "a bomb": (lambda data: BOMB, "line 1: the XML declares entities, which are never expanded"),
    "a file in an entity": (lambda data: FILE, "line 2: the XML declares entities"),
    "a name that climbs out": (replace(b"2007_000005.jpg", b"../../x.jpg"), "<filename>.*leaves"),
    "an absolute name": (replace(b"2007_000005.jpg", b"C:\\x.jpg"), "<filename>.*is absolute"),
    "no class": (replace(b"<name>cat</name>", b""), "object 1, <name>: the class is missing"),
    "no box": (
        lambda data: data.replace(b"<bndbox>", b"<b>", 1).replace(b"</bndbox>", b"</b>", 1),
        r"object 1 \('cat'\), <bndbox>: the box is missing",
    ),
    "no side": (replace(b"<xmin>1</xmin>", b""), r"<bndbox><xmin>: expected a finite .* Got None"),
    "text for a number": (replace(b"<xmin>1<", b"<xmin>one<"), "<xmin>: expected .* Got 'one'"),
    "NaN": (replace(b"<xmin>1<", b"<xmin>nan<"), "<xmin>: expected a finite number. Got 'nan'"),
    "infinity": (replace(b"<ymax>10<", b"<ymax>1e999<"), "<ymax>: expected a finite number"),
    "a turned box": (
        replace(b"<xmin>1<", b"<xmin>39<"),
        r"object 1 \('cat'\), <bndbox>: xmax is smaller than xmin. Got 20.5 and 39",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_xml_is_named_with_file_and_place(voc, case):
    spoil, message = BROKEN[case]
    path = voc / "Annotations" / "2007_000005.xml"
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(LayoutError, match=message) as caught:
        read_collection(voc)
    assert str(path) in str(caught.value)


def test_a_bomb_in_another_encoding_is_refused(voc):
    lines = ["<!ENTITY a0 'aaaaaaaaaa'>"]
    lines += [f"<!ENTITY a{n + 1} '{f'&a{n};' * 10}'>" for n in range(9)]
    text = f"<?xml version='1.0' encoding='utf-16'?><!DOCTYPE x [{''.join(lines)}]><x>&a9;</x>"
    (voc / "Annotations" / "2007_000005.xml").write_bytes(text.encode("utf-16"))
    with pytest.raises(LayoutError, match=r"2007_000005\.xml, line 1: the XML declares"):
        read_collection(voc)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("../../etc/passwd", "line 2: the name '../../etc/passwd' leaves its folder"),
        ("/etc/passwd", "line 2: the name '/etc/passwd' is absolute"),
        ("..\\x", "line 2: the name .* leaves its folder"),
        ("2007_000010", r"train\.txt, line 2: '2007_000010' is in test\.txt too"),
    ],
)
def test_a_broken_set_is_named_with_file_and_line(voc, line, message):
    path = voc / "ImageSets" / "Main" / "train.txt"
    path.write_text(f"2007_000000\n{line}\n", encoding="utf-8")
    with pytest.raises(LayoutError, match=message):
        read_collection(voc)


def test_two_images_of_one_stem(voc, noise_image):
    """The name in the XML decides, and the other image is named as skipped."""
    noise_image(50).save(voc / "JPEGImages" / "2007_000005.png")
    with pytest.warns(SkippedFilesWarning, match=r"skipped 1 \.png"):
        collection = read_collection(voc)
    assert collection["key"][5] == "JPEGImages/2007_000005.jpg"
    path = voc / "Annotations" / "2007_000005.xml"
    path.write_bytes(make_xml("unknown.jpg"))
    with pytest.raises(LayoutError, match=r"2007_000005\.png share one XML file"):
        read_collection(voc)


def test_sizes_are_needed_for_boxes_alone(voc):
    path = voc / "Annotations" / "2007_000005.xml"
    path.write_bytes(make_xml("2007_000005.jpg", objects_of(5), size=(0, 30)))
    collection = read_collection(voc)
    with pytest.raises(LayoutError, match=r"000005\.xml, <size>: expected a width"):
        collection.objects()


def test_a_missing_image_is_a_row_and_no_copy(voc, tmp_path):
    (voc / "JPEGImages" / "2007_000005.jpg").unlink()
    collection = read_collection(voc)
    assert collection["key"][5] == "JPEGImages/2007_000005.jpg"
    with pytest.raises(LayoutError, match=r"1 file is missing, such as .*2007_000005\.jpg"):
        collection.write_split({"train": range(12)}, tmp_path / "out", how="copy")
    assert not (tmp_path / "out").exists()


@settings(max_examples=60)
@given(
    data=st.binary(max_size=60)
    | st.text(alphabet="<>/!&;'\"[] ab\n", max_size=60).map(str.encode)
    | st.tuples(st.integers(0, 400), st.binary(max_size=4)).map(
        lambda cut: (
            make_xml("1.jpg", objects_of(5))[: cut[0]]
            + cut[1]
            + make_xml("1.jpg", objects_of(5))[cut[0] :]
        )
    )
)
def test_any_xml_is_read_or_refused(tmp_path_factory, data):
    """Whatever an XML file holds, it leads to a collection or to an error that names it."""
    top = tmp_path_factory.mktemp("voc") / "set"
    (top / "Annotations").mkdir(parents=True)
    (top / "Annotations" / "1.xml").write_bytes(data)
    try:
        collection = read_collection(top, layout="voc")
        out = collection.write_split({"a": [0]}, top.parent / "out")
        collection.objects()
    except LayoutError as error:
        assert "1.xml" in str(error)
    else:
        assert (out / "ImageSets" / "Main" / "a.txt").read_bytes() == b"1\n"


@settings(max_examples=40)
@given(
    data=st.binary(max_size=30)
    | st.lists(st.sampled_from(["1", "2", "3 1", "..", "/x", "a\\..\\..", " ", "1 -1", "é"]))
    .map("\n".join)
    .map(str.encode)
)
def test_any_image_set_is_read_or_refused(tmp_path_factory, data):
    """Whatever a set holds, no name of it leads out of the folder of the images."""
    top = tmp_path_factory.mktemp("voc")
    for folder in ("Annotations", "JPEGImages", "ImageSets/Main"):
        (top / folder).mkdir(parents=True)
    (top / "Annotations" / "1.xml").write_bytes(make_xml("1.jpg"))
    (top / "ImageSets" / "Main" / "a.txt").write_bytes(data)
    try:
        with warnings.catch_warnings(action="ignore", category=SkippedFilesWarning):
            collection = read_collection(top)
    except LayoutError as error:
        assert "a.txt" in str(error)
        return
    for path in collection.images:
        assert os.path.normpath(path).startswith(str(top / "JPEGImages") + os.sep)
    out = collection.write_split({"b": range(len(collection))}, top / "out")
    stems = (out / "ImageSets" / "Main" / "b.txt").read_bytes().splitlines()
    assert len(stems) == len(collection)
