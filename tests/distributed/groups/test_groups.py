"""The groups of pairs take the finder of these, warn of chains, and refuse another finder."""

import json
import shutil

import numpy as np
import pytest

from hashfeatures import ChainingWarning, NearDuplicateFinder, ParameterError, StageError
from hashfeatures.distributed import components, find_pairs, hash_dataset, read_stage
from hashfeatures.distributed._executors import ThisProcess
from hashfeatures.distributed._stage_finder import finder_of
from hashfeatures.distributed._stages import Stage
from hashfeatures.distributed.groups._groups import KIND

HERE = ThisProcess()
FINDER = NearDuplicateFinder("phash", verify=False, radius=12)


@pytest.fixture(scope="module")
def run(tmp_path_factory, noise_image):
    """Find the pairs of 30 frames of a pan, each of which is near the next, and of 6 others."""
    folder = tmp_path_factory.mktemp("run")
    long = noise_image(0, size=(64, 48)).resize((240, 90))
    pictures = [long.crop((left, 0, left + 120, 90)) for left in range(0, 90, 3)]
    pictures += [noise_image(seed, size=(120, 90)) for seed in range(1, 7)]
    paths = [str(folder / f"{number:02}.png") for number in range(len(pictures))]
    for path, picture in zip(paths, pictures, strict=True):
        picture.save(path)
    hash_dataset(paths, folder / "hashes", FINDER, part_size=9, executor=HERE)
    find_pairs(folder / "hashes", folder / "pairs", FINDER, executor=HERE)
    return folder, paths


def group(folder, out, **options):
    return components(folder / "pairs", out, hashes=folder / "hashes", **options)


def test_chains_are_told_as_by_the_finder(run, tmp_path):
    """The sizes and diameters are the same, and groups are named by their keys."""
    folder, paths = run
    with pytest.warns(ChainingWarning) as expected:
        FINDER.fit(paths)
    with pytest.warns(ChainingWarning) as given:
        done = group(folder, tmp_path / "groups")
    assert (done.n_images, done.n_groups) == (36, FINDER.n_groups_)
    key = read_stage(tmp_path / "groups")["group"].iloc[0]
    told = str(expected[0].message).replace("label 0", f"group {key}")
    start = told.partition(" The attribute")[0]
    assert str(given[0].message).startswith(start)
    assert 'The columns "size" and "diameter" of' in str(given[0].message)


def test_complete_linkage_keeps_the_components_of_chains(run, tmp_path, recwarn):
    """A finder may differ in its linkage. What chains connect stays known for splits."""
    folder, paths = run
    complete = NearDuplicateFinder("phash", verify=False, radius=12, linkage="complete")
    done = group(folder, tmp_path / "groups", finder=complete)
    assert not recwarn.list
    table = read_stage(tmp_path / "groups")
    assert table["group"].nunique() == done.n_groups == complete.fit(paths).n_groups_
    assert (table["diameter"] <= 12).all()
    assert (table["component"] == table["component"].iloc[0]).sum() == 30
    assert done.n_duplicates == table["size"][table["size"] > 1].count()
    noted = finder_of(Stage.open(tmp_path / "groups", KIND))
    assert noted._comparison_params() == complete._comparison_params()
    with pytest.raises(StageError, match="linkage"):
        group(folder, tmp_path / "groups")


@pytest.mark.parametrize(
    ("finder", "message"),
    [
        (NearDuplicateFinder("phash", verify=False, radius=11), "radius=12.*radius=11"),
        (NearDuplicateFinder("phash", radius=12), "verify=False.*verify=True"),
        (NearDuplicateFinder("dhash", verify=False, radius=12), "hashes="),
    ],
)
def test_another_finder_is_refused(run, tmp_path, finder, message):
    with pytest.raises(StageError, match=message):
        group(run[0], tmp_path / "groups", finder=finder)
    with pytest.raises(ParameterError, match="'finder' parameter of components"):
        group(run[0], tmp_path / "groups", finder="single")


@pytest.mark.filterwarnings("ignore:Among the groups")
def test_directories_without_a_note_of_the_finder_are_of_hashes_alone(run, tmp_path):
    """Earlier runs noted none, and their groups had no diameters: the parts are written again."""
    shutil.copytree(run[0], tmp_path / "run")
    for name in ("hashes", "pairs"):
        path = tmp_path / "run" / name / "_manifest.json"
        manifest = json.loads(path.read_text())
        del manifest["finder"]
        path.write_text(json.dumps(manifest))
    group(run[0], tmp_path / "groups")
    group(tmp_path / "run", tmp_path / "earlier")
    ours, theirs = read_stage(tmp_path / "groups"), read_stage(tmp_path / "earlier")
    assert ours.equals(theirs)
    assert ours["exact"].all()
    assert np.array_equal(ours["diameter"] > 0, ours["size"] > 1)


@pytest.mark.filterwarnings("ignore:Among the groups")
def test_a_directory_that_is_deleted_and_made_again_takes_over_nothing(run, tmp_path):
    """The files of both runs have other names, as processes keep those of the first mapped."""
    finders = [NearDuplicateFinder("phash", verify=False, radius=radius) for radius in (12, 2)]
    for number, finder in enumerate(finders):
        find_pairs(run[0] / "hashes", tmp_path / str(number), finder, executor=HERE)
    for number, finder in enumerate(finders):
        shutil.rmtree(tmp_path / "groups", ignore_errors=True)
        components(tmp_path / str(number), tmp_path / "groups", hashes=run[0] / "hashes")
        finder.fit(run[1])
        ours = read_stage(tmp_path / "groups").query("size > 1").drop_duplicates("group")
        assert sorted(ours["diameter"]) == sorted(finder.groups_["diameter"])
