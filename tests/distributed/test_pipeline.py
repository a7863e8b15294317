"""All stages on every executor give the bits and the groups of the finder."""

import tarfile

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from hashfeatures import NearDuplicateFinder, StageError, hash_images
from hashfeatures.distributed import (
    LocalExecutor,
    RayExecutor,
    assign,
    components,
    find_pairs,
    hash_dataset,
    read_stage,
)
from hashfeatures.distributed._hash_stage import HashPlan
from hashfeatures.distributed.hashes._hash_worker import check_versions
from hashfeatures.duplicates.fingerprints._computed import ComputedHashes
from hashfeatures.exceptions import EngineError
from hashfeatures.hashing._hex import bits_to_hex
from hashfeatures.hashing._spec import parse_hashes
from hashfeatures.images._decoding import Decoding

pytestmark = pytest.mark.filterwarnings("ignore:.*could not be read")


@pytest.fixture
def folder(tmp_path, noise_image):
    """Make 12 images, near copies of some, an equal copy, two blank pages and a broken file."""
    place = tmp_path / "images"
    place.mkdir()
    for seed in range(12):
        image = noise_image(seed, size=(64, 48))
        image.save(place / f"{seed:02}.png")
        if seed % 3 == 0:
            image.resize((80, 60)).save(place / f"{seed:02}_near.png")
    noise_image(0, size=(64, 48)).save(place / "equal.png")
    for name in ("blank_1.png", "blank_2.png"):
        Image.new("RGB", (64, 48), "white").save(place / name)
    (place / "broken.png").write_bytes(b"no image")
    return place


def run(source, out, executor, **options):
    hash_dataset(source, out / "hashes", part_size=4, executor=executor, **options)
    find_pairs(out / "hashes", out / "pairs", executor=executor, part_seconds=1e-6)
    components(out / "pairs", out / "groups", hashes=out / "hashes")
    return read_stage(out / "groups")


def assert_grouped_as_by_the_finder(groups):
    finder = NearDuplicateFinder().fit(groups["image"].tolist())
    np.testing.assert_array_equal(pd.factorize(groups["group"])[0], finder.labels_)
    sizes = groups["group"].map(groups["group"].value_counts())
    np.testing.assert_array_equal(groups["size"], sizes)


def test_plugins_of_the_caller_reach_the_workers(executor, tmp_path, image_files, strange_files):
    done = hash_dataset(
        strange_files, tmp_path / "out", NearDuplicateFinder("phash"), executor=executor
    )
    assert (done.n_images, done.n_failed) == (6, 0)
    found = [codes.hex() for codes in read_stage(tmp_path / "out")["codes"]]
    assert found == hash_images(image_files, "phash")["phash"].tolist()


def test_stages_find_what_the_finder_finds(folder, tmp_path, executor):
    groups = run(folder, tmp_path / "run", executor)
    assert len(groups) == 20
    assert groups["group"].nunique() == 14
    assert_grouped_as_by_the_finder(groups)


def test_bits_are_those_of_hash_images(folder, tmp_path, executor):
    hash_dataset(folder, tmp_path / "out", part_size=7, executor=executor)
    table = read_stage(tmp_path / "out")
    expected = hash_images(table["image"].tolist(), ["phash", "dhash"], decode="reduced")
    failed = expected["error"].notna().to_numpy()
    assert failed.sum() == 1
    assert table["error"].tolist()[int(failed.argmax())] == expected["error"][failed].iloc[0]
    codes = np.frombuffer(b"".join(table["codes"][~failed]), dtype=np.uint8).reshape(-1, 16)
    for name, columns in (("phash", slice(0, 8)), ("dhash", slice(8, 16))):
        found = bits_to_hex(np.unpackbits(codes[:, columns], axis=1))
        np.testing.assert_array_equal(found, expected[name][~failed])
    for column in ("width", "height", "detail"):
        np.testing.assert_array_equal(table[column][~failed], expected[column][~failed])


def test_manifests_hold_the_fields_that_they_have_always_held():
    """Directories of hashes that were made before stay usable: their settings are equal."""
    plan = HashPlan(ComputedHashes(parse_hashes("phash")), Decoding("reduced"))
    settings = plan.as_settings()
    assert settings.keys() == {
        "hashes", "decoding", "min_detail", "pillow", "bits", "reduced_bits"
    }  # fmt: skip
    assert settings["decoding"] == {
        "decode": "reduced",
        "orient": True,
        "background": "white",
        "max_pixels": None,
        "reduced_side": 256,
        "colour": True,
        "trim_borders": False,
    }
    assert HashPlan.of_settings(settings) == plan


def test_workers_of_other_versions_are_refused():
    """Reduced decodes have a version of their own, which earlier runs lack."""
    full, reduced = (
        HashPlan(ComputedHashes(parse_hashes("phash")), Decoding(decode)).as_settings()
        for decode in ("full", "reduced")
    )
    check_versions(full)
    check_versions(reduced)
    del reduced["reduced_bits"]
    with pytest.raises(EngineError, match=r"reduced decoding 2\. .* reduced decoding 1\. Bits"):
        check_versions(reduced)


def test_borders_are_trimmed_as_by_the_finder(tmp_path, noise_image):
    """A bordered copy gets the hash of its original, and other settings are refused."""
    image = noise_image(0, size=(64, 48))
    bordered = Image.new("RGB", (104, 88), "black")
    bordered.paste(image, (20, 20))
    image.save(tmp_path / "image.png")
    bordered.save(tmp_path / "bordered.png")
    files = [str(tmp_path / name) for name in ("bordered.png", "image.png")]
    here = LocalExecutor(1)
    finder = NearDuplicateFinder(trim_borders=True)
    hash_dataset(files, tmp_path / "out", finder, executor=here)
    assert len(set(read_stage(tmp_path / "out")["codes"])) == 1
    with pytest.raises(StageError, match=r"'trim_borders': True.*'trim_borders': False"):
        hash_dataset(files, tmp_path / "out", executor=here)
    hash_dataset(files, tmp_path / "whole", executor=here)
    assert len(set(read_stage(tmp_path / "whole")["codes"])) == 2


def test_new_images_cost_what_they_cost_alone(folder, tmp_path, noise_image, executor):
    out = tmp_path / "run"
    run(folder, out, executor)
    before = {path: path.stat().st_mtime_ns for path in out.glob("hashes/part*")}
    pairs = {path: path.stat().st_mtime_ns for path in out.glob("pairs/pairs*")}
    noise_image(1, size=(64, 48)).resize((50, 40)).save(folder / "later_1.png")
    noise_image(2, size=(64, 48)).save(folder / "later_2.png")
    noise_image(50, size=(64, 48)).save(folder / "later_3.png")
    noise_image(50, size=(64, 48)).resize((70, 50)).save(folder / "later_4.png")
    done = hash_dataset(folder, out / "hashes", part_size=4, executor=executor)
    assert (done.n_images, done.n_new) == (24, 4)
    joined = find_pairs(out / "hashes", out / "pairs", executor=executor)
    assert (joined.n_images, joined.n_new) == (24, 4)
    for path, time in {**before, **pairs}.items():
        assert path.stat().st_mtime_ns == time, path
    components(out / "pairs", out / "groups", hashes=out / "hashes")
    groups = read_stage(out / "groups")
    assert len(groups) == 24
    assert_grouped_as_by_the_finder(groups)
    fresh = run(folder, tmp_path / "fresh", executor)
    by_name = [table.sort_values("image", ignore_index=True) for table in (groups, fresh)]
    pd.testing.assert_frame_equal(*by_name)


@pytest.mark.parametrize("kind", ["csv", "parquet", "list", "pattern"])
def test_sources_name_the_same_images(folder, tmp_path, kind):
    names = sorted(map(str, folder.glob("*.png")))
    table = pd.DataFrame({"path": names, "label": 0})
    source = {"list": names, "pattern": folder / "*.png"}.get(kind, tmp_path / f"names.{kind}")
    if kind == "csv":
        table.to_csv(source)
    if kind == "parquet":
        table.to_parquet(source)
    hash_dataset(source, tmp_path / "out", executor=LocalExecutor(2))
    assert read_stage(tmp_path / "out")["image"].tolist() == names


def test_tar_files_are_hashed_member_by_member(folder, tmp_path, executor):
    names = sorted(folder.glob("*.png"))
    for shard in (0, 1):
        with tarfile.open(tmp_path / f"shard_{shard}.tar", "w") as tar:
            for path in names[shard::2]:
                tar.add(path, arcname=path.name)
                tar.addfile(tarfile.TarInfo(path.stem + ".json"))
    hash_dataset(str(tmp_path / "*.tar"), tmp_path / "out", executor=executor)
    hash_dataset(folder, tmp_path / "files", executor=executor)
    table, files = read_stage(tmp_path / "out"), read_stage(tmp_path / "files")
    inside = [image.rpartition(".tar/")[2] for image in table["image"]]
    table["image"] = [str(folder / name) for name in inside]
    table = table.sort_values("image", ignore_index=True)
    columns = ["image", "codes", "width", "digest"]
    pd.testing.assert_frame_equal(table[columns], files[columns])


def test_a_broken_tar_file_keeps_what_could_be_read(folder, tmp_path):
    with tarfile.open(tmp_path / "cut.tar", "w") as tar:
        for path in sorted(folder.glob("0*.png")):
            tar.add(path, arcname=path.name)
    whole = (tmp_path / "cut.tar").read_bytes()
    (tmp_path / "cut.tar").write_bytes(whole[: len(whole) // 2])
    done = hash_dataset(str(tmp_path / "cut.tar"), tmp_path / "out", executor=LocalExecutor(1))
    table = read_stage(tmp_path / "out")
    assert done.n_failed == 1
    assert table["image"].iloc[-1] == str(tmp_path / "cut.tar")
    assert "ReadError" in table["error"].iloc[-1]
    assert 3 <= table["codes"].notna().sum() < 14


@pytest.mark.cluster
@pytest.mark.filterwarnings("ignore")
def test_ray_datasets_are_hashed_where_they_are_read(folder, tmp_path, ray_cluster):
    dataset = pytest.importorskip("ray.data").read_binary_files(str(folder), include_paths=True)
    for n_new in (20, 0):
        done = hash_dataset(dataset, tmp_path / "out", part_size=5, executor=RayExecutor())
        assert (done.n_images, done.n_new, done.n_failed) == (20, n_new, 1)
    hash_dataset(folder, tmp_path / "files", executor=LocalExecutor(2))
    tables = [
        read_stage(tmp_path / name).sort_values("image", ignore_index=True)
        for name in ("out", "files")
    ]
    pd.testing.assert_frame_equal(*(table.drop(columns="error") for table in tables))
    find_pairs(tmp_path / "out", tmp_path / "pairs", executor=RayExecutor())


def test_split_holds_groups_together(folder, tmp_path):
    run(folder, tmp_path, LocalExecutor(2))
    done = assign(tmp_path / "groups", tmp_path / "split", 0.25)
    table = read_stage(tmp_path / "split")
    assert len(table[["group", "split"]].drop_duplicates()) == table["group"].nunique()
    assert done.n_test == (table["split"] == "test").sum()
    assert 3 <= done.n_test <= 7
    assert not len(done.conflicts)


def spoil(folder, kind, number):
    """Write three images without codes, blank or broken, or an archive without images."""
    folder.mkdir(exist_ok=True)
    if kind == "empty archive":
        with tarfile.open(folder / f"{number}.tar", "w"):
            return str(folder / "*.tar")
    for place in range(3):
        path = folder / f"{number}_{place}.png"
        if kind == "blank":
            Image.new("L", (64, 48), 250 - 10 * place).save(path)
        else:
            path.write_bytes(b"no image")
    return folder


@pytest.mark.parametrize("kind", ["blank", "broken", "empty archive"])
def test_images_without_codes_pass_every_stage_on_every_run(tmp_path, noise_image, kind):
    """They pass alone, again, and with images that have codes before and after them.

    A split needs two images that could be read, and says so.
    """
    here, out, folder = LocalExecutor(1), tmp_path / "run", tmp_path / "images"
    n_images = 0
    for number in range(4):
        if number < 3:
            source = spoil(folder, kind, number)
            n_images += 3 * (kind != "empty archive")
        if number == 2 and kind != "empty archive":
            noise_image(0).save(folder / "noise.png")
            n_images += 1
        hash_dataset(source, out / "hashes", executor=here)
        paired = find_pairs(out / "hashes", out / "pairs", executor=here)
        grouped = components(out / "pairs", out / "groups", hashes=out / "hashes")
        n_failed = read_stage(out / "hashes")["error"].notna().sum()
        assert paired.n_images == grouped.n_images == n_images
        written = ["hashes", "groups"]
        if n_images - n_failed < 2:
            with pytest.raises(ValueError, match=r"No image could be read|part will be empty"):
                assign(out / "groups", out / "split", stratify="parent")
        else:
            split = assign(out / "groups", out / "split", stratify="parent")
            assert split.n_train + split.n_test == n_images - n_failed
            written.append("split")
        for name in written:
            assert len(read_stage(out / name)) == n_images
        assert len(read_stage(out / "pairs")) == paired.n_pairs


@pytest.mark.cluster
@pytest.mark.filterwarnings("ignore")
def test_a_ray_dataset_without_rows_holds_nothing_to_hash(tmp_path, ray_cluster):
    dataset = pytest.importorskip("ray.data").from_items([])
    for _ in range(2):
        with pytest.raises(StageError, match="The Ray Dataset has no rows"):
            hash_dataset(dataset, tmp_path / "hashes", executor=RayExecutor())
