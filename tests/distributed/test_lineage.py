"""Stages know the hashes that they were made from by their content, not by names of parts."""

import shutil

import pytest

from hashfeatures import StageError
from hashfeatures.distributed import (
    LocalExecutor,
    components,
    find_leaks,
    find_pairs,
    hash_dataset,
    read_stage,
)

pytestmark = pytest.mark.filterwarnings("ignore:.*could not be read")
here = LocalExecutor(1)


@pytest.fixture
def images(tmp_path, noise_image):
    """Make two sets of four images. In the first, the last is a copy of the first."""
    sets = []
    for name, seeds in (("a", (0, 1, 2, 0)), ("b", (3, 4, 5, 6))):
        paths = [tmp_path / f"{name}{number}.png" for number in range(4)]
        for path, seed in zip(paths, seeds, strict=True):
            noise_image(seed, size=(64, 48)).save(path)
        sets.append(list(map(str, paths)))
    return sets


def run(paths, out):
    hash_dataset(paths, out / "hashes", part_size=2, executor=here)
    found = find_pairs(out / "hashes", out / "pairs", executor=here)
    components(out / "pairs", out / "groups", hashes=out / "hashes", executor=here)
    return found


def test_a_part_that_is_made_again_with_equal_content_is_the_same(images, tmp_path):
    run(images[0], tmp_path)
    groups = read_stage(tmp_path / "groups")
    (tmp_path / "hashes" / "part-00000000.parquet").unlink()
    assert run(images[0], tmp_path).n_new == 0
    assert read_stage(tmp_path / "groups").equals(groups)


def test_an_image_that_can_be_read_later_makes_the_pairs_outdated(images, tmp_path):
    """Its part is hashed again under its name."""
    content = (tmp_path / "a3.png").read_bytes()
    (tmp_path / "a3.png").write_bytes(b"no image")
    assert run(images[0], tmp_path).n_pairs == 0
    (tmp_path / "a3.png").write_bytes(content)
    (tmp_path / "hashes" / "part-00000001.parquet").unlink()
    hash_dataset(images[0], tmp_path / "hashes", part_size=2, executor=here)
    message = r"whose part part-00000001\.parquet has changed .* Delete .*pairs and run its stage"
    with pytest.raises(StageError, match=message):
        find_pairs(tmp_path / "hashes", tmp_path / "pairs", executor=here)
    with pytest.raises(StageError, match=message):
        components(tmp_path / "pairs", tmp_path / "groups", hashes=tmp_path / "hashes")
    shutil.rmtree(tmp_path / "pairs")
    assert run(images[0], tmp_path).n_pairs == 1
    assert read_stage(tmp_path / "groups")["size"].tolist() == [2, 1, 1, 2]


def test_hashes_of_other_images_are_refused(images, tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    run(images[0], a)
    run(images[1], b)
    for call in (
        lambda: find_pairs(b / "hashes", a / "pairs", executor=here),
        lambda: components(a / "pairs", tmp_path / "groups", hashes=b / "hashes"),
    ):
        with pytest.raises(StageError, match="is of other images"):
            call()
    components(b / "pairs", a / "groups", hashes=b / "hashes", executor=here)
    assert read_stage(a / "groups")["image"].tolist() == images[1]  # and not those of the former


def test_two_sets_are_refused_if_either_is_another(images, tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    run(images[0], a)
    run(images[1], b)
    ours, theirs = a / "hashes", b / "hashes"
    across = tmp_path / "across"
    find_pairs(ours, across, against=ours, executor=here)
    for left, right in ((ours, theirs), (theirs, ours)):
        with pytest.raises(StageError, match="is of other images"):
            find_pairs(left, across, against=right, executor=here)
        with pytest.raises(StageError, match="is of other images"):
            find_leaks(across, tmp_path / "leaks", hashes=left, against=right)


def test_hashes_without_their_listing_are_not_hashed_twice(images, tmp_path):
    """Both parts are to be deleted, and are made again."""
    run(images[0], tmp_path)
    groups = read_stage(tmp_path / "groups")
    part = "part-00000001.parquet"
    (tmp_path / "hashes" / "_listing" / part).unlink()
    with pytest.raises(StageError, match=rf"has no part {part}, .* Delete that one too"):
        hash_dataset(images[0], tmp_path / "hashes", part_size=2, executor=here)
    (tmp_path / "hashes" / part).unlink()
    assert run(images[0], tmp_path).n_new == 0
    assert read_stage(tmp_path / "groups").equals(groups)


def test_pairs_without_their_record_are_found_anew(images, tmp_path):
    """Parts of a generation that no record knows would count twice."""
    hashes, pairs, across = (tmp_path / name for name in ("hashes", "pairs", "across"))
    run(images[0][:2], tmp_path)
    run(images[0], tmp_path)
    for out, options in ((pairs, {}), (across, {"against": hashes})):
        find_pairs(hashes, out, executor=here, **options)
        before = read_stage(out)
        (out / "_generations.json").unlink()
        (out / "pairs-0007-equal.parquet").write_bytes(
            (pairs / "pairs-0000-equal.parquet").read_bytes()
        )
        find_pairs(hashes, out, executor=here, **options)
        columns = ["left", "right"]
        after = read_stage(out).sort_values(columns, ignore_index=True)
        assert after.equals(before.sort_values(columns, ignore_index=True))
