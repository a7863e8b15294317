"""The search over shards finds what one search of all images finds, each pair once."""

import json
import tempfile
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hashfeatures.distributed._hash_stage import KIND, HashPlan, schema_of
from hashfeatures.distributed._part_directory import PartDirectory, arrow
from hashfeatures.distributed._stages import Stage
from hashfeatures.distributed.pairs._view_search import Side, Sizes, ViewSearch, begin_search
from hashfeatures.distributed.pairs._view_worker import StoredPart, lay_out_shard, search_block
from hashfeatures.duplicates.fingerprints._computed import ComputedHashes
from hashfeatures.duplicates.fingerprints._from_hashes import codes_of
from hashfeatures.duplicates.fingerprints._segments import SegmentCodes
from hashfeatures.hashing._spec import parse_hashes
from hashfeatures.images._decoding import Decoding

SPECS = parse_hashes("phash")
VIEWS = ["flips", "dihedral", "robust", "segments"]


def make_words(rng, n_images, views):
    """Make codes of few different bits, so that many are near."""
    shape = ComputedHashes(SPECS, views).compared[0].shape
    words = rng.integers(1, 2**12, (n_images, shape[0], 1), dtype=np.uint64)
    if views == "segments":
        n_shown = rng.integers(1, 4, n_images)
        words[np.arange(shape[0]) >= n_shown[:, None]] = 0
    return words


def write_hashes(out, words, views, part_size):
    """Write a directory of hashes with these codes, and return it with its parts."""
    plan = HashPlan(ComputedHashes(SPECS, views), Decoding("reduced"))
    pyarrow, schema = arrow(), schema_of(plan.computed)
    parts = []
    with Stage.create(out, KIND, plan.as_settings()) as stage:
        for first in range(0, len(words), part_size):
            some = words[first : first + part_size]
            codes = pyarrow.array(
                [each.tobytes() for each in some], type=schema.field("codes").type
            )
            columns = [
                codes if field.name == "codes" else pyarrow.nulls(len(some)).cast(field.type)
                for field in schema
            ]
            parts.append(StoredPart(f"part-{len(parts):08d}.parquet", first, first + len(some)))
            stage.write(parts[-1].name, [pyarrow.table(columns, schema=schema)], schema)
    return Stage.open(out, KIND), parts


def run(search, out, prefix="pairs"):
    """Run all tasks that are left in this process, and return the number of each kind."""
    layouts = list(search.layouts())
    for layout in layouts:
        lay_out_shard(layout)
    tasks = list(search.tasks(out, prefix))
    for task in tasks:
        search_block(task)
    return len(layouts), len(tasks)


def read(out, prefix="pairs"):
    """Return the pairs with their distances; no pair may be there twice."""
    pairs = {}
    for name in out.names(prefix):
        for row in out.read(name).to_pylist():
            key = row["left"], row["right"]
            assert key not in pairs
            pairs[key] = row["distance"]
    return pairs


def as_dict(pairs):
    """Return pairs as `read` does."""
    rows = zip(pairs.left.tolist(), pairs.right.tolist(), strict=True)
    return dict(zip(rows, pairs.distance.tolist(), strict=True))


def whole(words, views):
    """Return the codes of all images at once."""
    return SegmentCodes.fit(words) if views == "segments" else codes_of(words, views)


@pytest.mark.parametrize("views", VIEWS)
@settings(max_examples=8)
@given(
    st.integers(0, 10**6),
    st.integers(0, 3),
    st.integers(0, 12),
    st.sampled_from([Sizes(3, 2, 3), Sizes(5, 5, 4), Sizes(100, 4, 7)]),
)
def test_shards_find_the_pairs_of_all_images(views, seed, radius, n_old, sizes):
    """In an increment, only pairs with a new image are searched."""
    rng = np.random.default_rng(seed)
    words = make_words(rng, 16, views)
    rows = np.sort(rng.choice(16, 12, replace=False))
    with tempfile.TemporaryDirectory() as folder:
        hashed, parts = write_hashes(f"{folder}/hashes", words, views, 5)
        work, out = PartDirectory(f"{folder}/work"), PartDirectory(f"{folder}/out")
        sides = [Side(hashed, parts, len(rows), n_old)]
        begin_search(sides, [rows], work, "token", radius, 1e9)
        run(ViewSearch(sides, work, "token", radius, sizes), out)
        found = read(out)
    expected = as_dict(whole(words[rows], views).pairs(radius))
    assert found == {
        (rows[left], rows[right]): distance
        for (left, right), distance in expected.items()
        if right >= n_old
    }


@pytest.mark.parametrize("views", VIEWS)
@settings(max_examples=8)
@given(
    st.integers(0, 10**6),
    st.integers(0, 3),
    st.integers(0, 7),
    st.integers(0, 9),
    st.sampled_from([Sizes(3, 2, 1), Sizes(100, 4, 5)]),
)
def test_two_sides_are_compared_with_each_other_alone(
    views, seed, radius, n_old, n_old_others, sizes
):
    """Each image of the one side meets each of the other, unless both are old."""
    rng = np.random.default_rng(seed)
    words = [make_words(rng, n_images, views) for n_images in (7, 9)]
    rows = [np.arange(7), np.arange(9)]
    with tempfile.TemporaryDirectory() as folder:
        sides = [
            Side(*write_hashes(f"{folder}/{number}", some, views, 4), len(some), old)
            for number, (some, old) in enumerate(zip(words, (n_old, n_old_others), strict=True))
        ]
        work, out = PartDirectory(f"{folder}/work"), PartDirectory(f"{folder}/out")
        begin_search(sides, rows, work, "token", radius, 1e9)
        run(ViewSearch(sides, work, "token", radius, sizes), out)
        found = read(out)
    left, right = (whole(some, views) for some in words)
    assert found == {
        (one, other): distance
        for (one, other), distance in as_dict(right.matches(left, radius)).items()
        if one >= n_old or other >= n_old_others
    }


def test_what_is_there_is_not_searched_again(tmp_path):
    """A killed search goes on, and of what is deleted, only that is written again."""
    words = make_words(np.random.default_rng(0), 12, "flips")
    hashed, parts = write_hashes(tmp_path / "hashes", words, "flips", 5)
    work, out = PartDirectory(tmp_path / "work"), PartDirectory(tmp_path / "out")
    sides = [Side(hashed, parts, 12, 0)]
    begin_search(sides, [np.arange(12)], work, "token", 3, 1e9)
    killed, search = (ViewSearch(sides, work, "token", 3, Sizes(5, 1, 3)) for _ in range(2))
    for layout in islice(killed.layouts(), 2):
        lay_out_shard(layout)
    for task in islice(killed.tasks(out, "pairs"), 4):
        search_block(task)
    assert run(search, out) == (3 - 2, 3 * (2 + 2 + 1) - 4)
    found = read(out)
    assert found == as_dict(whole(words, "flips").pairs(3))
    assert run(search, out) == (0, 0)
    fullest = max(out.names("pairs"), key=out.count)
    out.remove([fullest])
    work.remove([next(path.name for path in Path(work.path).glob("codes-*"))])
    assert run(search, out) == (1, 1)
    assert read(out) == found


@pytest.mark.parametrize("views", VIEWS)
def test_sizes_are_written_to_json_and_depend_on_the_images(tmp_path, views):
    """Blocks take about the time that is asked for, and shards have bounded numbers of codes."""
    rng = np.random.default_rng(0)
    words = make_words(rng, 40, views)
    hashed, parts = write_hashes(tmp_path / "hashes", words, views, 15)
    work = PartDirectory(tmp_path / "work")
    sides = [Side(hashed, parts, 40, 30)]
    brief, long = (
        begin_search(sides, [np.arange(40)], work, token, 3, nanoseconds)
        for token, nanoseconds in (("a", 1e5), ("b", 1e15))
    )
    assert 1 <= brief.old < brief.new <= long.new == long.old == long.shard == brief.shard
    codes = whole(words, views)
    assert long.shard * len(codes.index_codes()) / 40 <= 1 << 20
    assert long.shard * codes.words[0].nbytes <= 1 << 28
    assert Sizes(*json.loads(json.dumps(long))) == long


@pytest.mark.parametrize("n_images", [0, 1])
def test_nobody_has_no_pairs(tmp_path, n_images):
    words = make_words(np.random.default_rng(0), 3, "robust")
    hashed, parts = write_hashes(tmp_path / "hashes", words, "robust", 5)
    work, out = PartDirectory(tmp_path / "work"), PartDirectory(tmp_path / "out")
    sides = [Side(hashed, parts, n_images, 0)]
    sizes = begin_search(sides, [np.arange(n_images)], work, "token", 3, 1e9)
    assert run(ViewSearch(sides, work, "token", 3, sizes), out) == (n_images, n_images)
    assert read(out) == {}
