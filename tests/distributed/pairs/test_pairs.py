"""The join finds every near pair once, however it is cut and in however many generations."""

import json

import numpy as np
import pytest

from hashfeatures import HammingNeighbors, NearDuplicateFinder, ParameterError, RadiusWarning
from hashfeatures.distributed import LocalExecutor, find_pairs, read_stage
from hashfeatures.distributed._hash_stage import KIND, HashPlan, keys_of, schema_of
from hashfeatures.distributed._part_directory import arrow
from hashfeatures.distributed._stages import Stage
from hashfeatures.duplicates.fingerprints._computed import ComputedHashes
from hashfeatures.hashing._default_radius import default_radius
from hashfeatures.hashing._spec import parse_hashes
from hashfeatures.images._decoding import Decoding

SPECS = parse_hashes(("phash", "dhash"))
PLAN = HashPlan(ComputedHashes(SPECS), Decoding("reduced").with_limit())


def write_part(out, number, codes):
    pyarrow, schema = arrow(), schema_of(PLAN.computed)
    names = [f"/{number}/{row}.png" for row in range(len(codes))]
    known = {
        "image": pyarrow.array(names),
        "key": pyarrow.array(keys_of(names)),
        "codes": pyarrow.array([row.tobytes() for row in codes], type=schema.field("codes").type),
    }
    columns = [
        known.get(field.name, pyarrow.nulls(len(codes)).cast(field.type)) for field in schema
    ]
    table = pyarrow.table(columns, schema=schema)
    with Stage.create(out, KIND, PLAN.as_settings()) as stage:
        stage.write(f"part-{number:08d}.parquet", [table], schema)


def make_codes(n_codes, rng):
    """Make codes. A third are within 10 bits of others, and a thirtieth share a large bucket."""
    codes = rng.integers(0, 256, (n_codes, 16), dtype=np.uint8)
    codes[: n_codes // 30, :12] = 7
    copies = rng.integers(0, n_codes, n_codes // 3)
    flips = np.zeros((len(copies), 128), dtype=np.uint8)
    flips[np.arange(len(copies))[:, None], rng.integers(0, 128, (len(copies), 10))] = 1
    flips[::5] = 0
    codes[-len(copies) :] = codes[copies] ^ np.packbits(flips, axis=1)
    return rng.permutation(codes)


@pytest.mark.slow
@pytest.mark.parametrize("n_first", [60_000, 44_000])
def test_pairs_are_those_of_brute_force(tmp_path, n_first):
    codes = make_codes(60_000, np.random.default_rng(0))
    parts = [part for part in np.split(codes, [18_000, n_first]) if len(part)]
    for number, part in enumerate(parts):
        write_part(tmp_path / "hashes", number, part)
        if number:
            done = find_pairs(
                tmp_path / "hashes",
                tmp_path / "pairs",
                NearDuplicateFinder(radius=12, verify=False),
                part_seconds=0.001,
                executor=LocalExecutor(2),
            )
    assert done.n_images == 60_000
    generations = json.loads((tmp_path / "pairs" / "_generations.json").read_text())
    assert [len(each["bands"]) > 1 for each in generations] == [True] * (len(parts) - 1)
    table = read_stage(tmp_path / "pairs")
    assert len(list((tmp_path / "pairs").glob("pairs-*"))) > 10

    # Equal codes are paired only with the first of them.
    _, firsts, numbers = np.unique(codes, axis=0, return_index=True, return_inverse=True)
    order = np.sort(firsts)
    bits = np.unpackbits(codes[order], axis=1)
    near = HammingNeighbors(radius=12, algorithm="brute").fit(bits).pairs()
    first_of = firsts[numbers.ravel()]
    again = np.flatnonzero(first_of != np.arange(len(codes)))
    expected = np.column_stack(
        [
            np.concatenate([order[near.left], first_of[again]]),
            np.concatenate([order[near.right], again]),
            np.concatenate([near.distance, np.zeros(len(again), dtype=int)]),
        ]
    )
    found = table[["left", "right", "distance"]].to_numpy().astype(np.int64)
    assert len(again) > 1000
    assert len(near.left) > 5000
    for pairs in (found, expected):
        pairs[:] = pairs[np.lexsort(pairs.T[::-1])]
    np.testing.assert_array_equal(found, expected)


def test_the_radius_by_default_is_that_of_the_hashes(tmp_path):
    """The default depends on the hashes, and a radius above their number of bits is refused."""
    rng = np.random.default_rng(0)
    write_part(tmp_path / "hashes", 0, rng.integers(0, 256, (20, 16), dtype=np.uint8))
    find_pairs(tmp_path / "hashes", tmp_path / "pairs")
    settings = json.loads((tmp_path / "pairs" / "_manifest.json").read_text())["settings"]
    assert settings["radius"] == default_radius(SPECS).bits == 12
    with pytest.raises(ParameterError, match=r"'radius' .*Finder must .* \[0, 128\].* Got 129"):
        find_pairs(
            tmp_path / "hashes", tmp_path / "other", NearDuplicateFinder(radius=129, verify=False)
        )


def test_a_radius_that_matches_most_pairs_is_warned_of(tmp_path):
    """The warning comes before billions of pairs are written."""
    rng = np.random.default_rng(0)
    write_part(tmp_path / "hashes", 0, rng.integers(0, 256, (100, 16), dtype=np.uint8))
    with pytest.warns(
        RadiusWarning, match=r"A radius of 64 of 128 bits matches \d\d% of all pairs"
    ):
        find_pairs(
            tmp_path / "hashes", tmp_path / "pairs", NearDuplicateFinder(radius=64, verify=False)
        )


@pytest.mark.slow
def test_pairs_of_two_sets_are_those_of_brute_force(tmp_path, in_process):
    """Whichever set is looked up in the other, and if both grow."""
    codes = make_codes(72_000, np.random.default_rng(1))
    left, right = codes[:48_000], codes[48_000:]
    finder = NearDuplicateFinder(radius=8, verify=False)
    added = zip(np.split(left, [40_000]), np.split(right, [12_000]), strict=True)
    for number, parts in enumerate(added):
        for side, part in zip(("left", "right"), parts, strict=True):
            write_part(tmp_path / side, number, part)
        find_pairs(
            tmp_path / "left",
            tmp_path / "pairs",
            finder,
            against=tmp_path / "right",
            part_seconds=0.001,
            executor=in_process,
        )
    generations = json.loads((tmp_path / "pairs" / "_generations.json").read_text())
    joins = [join for each in generations for join in each["joins"]]
    assert len(joins) == 3
    assert all(len(join["bands"]) > 1 for join in joins)
    assert {join["asked"] for join in joins} == {"left", "right"}
    assert len(list((tmp_path / "pairs").glob("pairs-*"))) > 10

    # Only the first of equal codes of a set is in pairs.
    firsts = [np.sort(np.unique(each, axis=0, return_index=True)[1]) for each in (left, right)]
    unique = np.concatenate([left[firsts[0]], right[firsts[1]]])
    bits = np.unpackbits(unique, axis=1)
    near = HammingNeighbors(radius=8, algorithm="brute").fit(bits).pairs()
    n_left = len(firsts[0])
    across = near.take((near.left < n_left) & (near.right >= n_left))
    expected = np.column_stack(
        [firsts[0][across.left], firsts[1][across.right - n_left], across.distance]
    )
    found = read_stage(tmp_path / "pairs")[["left", "right", "distance"]].to_numpy()
    assert len(expected) > 5000
    assert (expected[:, 2] == 0).sum() > 500
    for pairs in (found, expected):
        pairs[:] = pairs[np.lexsort(pairs.T[::-1])]
    np.testing.assert_array_equal(found, expected)
