"""The benchmarks of splits, scale, segments and views run, and read what they are pointed at."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

pytestmark = pytest.mark.slow

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def run(name, *arguments):
    return subprocess.run(
        [sys.executable, str(BENCHMARKS / name), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture
def cifar(tmp_path, noise_image):
    """Make a small folder like CIFAR-10's: two training images have a copy among the test ones."""
    for part, seeds in (("train", range(6)), ("test", range(6, 10))):
        for number, seed in enumerate(seeds):
            path = tmp_path / part / ("cat", "dog")[number % 2] / f"{number:04}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            noise_image(seed, size=(32, 32)).save(path)
    for number, kind in enumerate(("cat", "dog")):
        image = Image.open(tmp_path / "train" / kind / f"{number:04}.png")
        image.save(tmp_path / "test" / kind / "copy.jpg", quality=95)
    return tmp_path


PAIRS = """test image,train image,judgment
test/cat/copy.jpg,train/cat/0000.png,0
train/dog/0001.png,./test/dog/copy.jpg,1
test/cat/0000.png,train/cat/0002.png,2
train/dog/0001.png,train/dog/0003.png,2
"""


def test_cifar_finds_the_known_pairs(cifar):
    """Two of three known leaks are copies; the third is one that no hash sees."""
    (cifar / "pairs.csv").write_text(PAIRS, encoding="utf-8")
    done = run("cifar10.py", cifar, "--jobs", 1)
    assert done.returncode == 0, done.stderr
    assert "6 training and 6 test images, 3 known pairs" in done.stdout
    assert "| 12 | 2 | 2 | 66.7% | 100.0% | 2 |" in done.stdout


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (None, "Expected one CSV file of known pairs"),
        (
            "a,b\ntest/cat/none.png,train/cat/0000.png\n",
            "line 2: there is no image 'test/cat/none",
        ),
        ("test/cat/0000.png,test/cat/0002.png\n", "names no pair of a training and a test image"),
    ],
)
def test_cifar_tells_what_is_wrong_with_the_pairs(cifar, pairs, message):
    if pairs is not None:
        (cifar / "pairs.csv").write_text(pairs, encoding="utf-8")
    done = run("cifar10.py", cifar)
    assert done.returncode == 1
    assert message in done.stderr


def test_cifar_tells_an_empty_folder(tmp_path):
    done = run("cifar10.py", tmp_path)
    assert done.returncode == 1
    assert "There are no images train/CLASS/*.jpg" in done.stderr


def test_exact_splits_are_as_good_as_all_others_and_as_brute_force():
    done = run("exact_splits.py", "--quick")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "On 2 of 2, the exact split costs what the best of" in done.stdout


def test_splits_runs_and_finds_no_leak():
    done = run("splits.py", "--quick")
    assert done.returncode == 0, done.stderr
    assert "| hashfeatures.train_test_split | 0 |" in done.stdout
    assert "| NearDuplicateKFold(5) | 0 |" in done.stdout


@pytest.mark.parametrize("compared", [[], ["--alone"]], ids=["pixels", "hashes alone"])
def test_scale_runs_and_finds_the_planted_pairs_and_groups(compared):
    done = run("scale.py", "--quick", "--no-ray", *compared)
    assert done.returncode == 0, done.stderr
    assert "| 0.02 M |" in done.stdout
    assert "one node of 64 GB holds" in done.stdout
    assert ("A nominated pair takes" in done.stdout) == (not compared)


def test_stages_runs_and_nothing_differs():
    done = run("stages.py", "--quick", "--only", "small hash", "--jobs", 1)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("| equal |") == 3
    assert "1 settings. 0 results differ" in done.stdout


def test_stage_sources_runs_and_no_code_differs(pictures):
    pytest.importorskip("datasets")
    done = run("stage_sources.py", pictures, "--jobs", 1, "--sources", "stream")
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line.strip("| ").split(" | ") for line in done.stdout.splitlines()]
    found = {cells[0]: cells[1:] for cells in rows}
    for source, n_images in (("files", 4), ("stream", 12)):
        assert int(found[source][0]) == n_images
        assert int(found[source][-1]) == 0
    assert found["200"][0] == "400"


@pytest.fixture
def pictures(tmp_path, photos):
    for path in photos:
        if path.name in {"astronaut.png", "coffee.png", "coins.png", "rocket.jpg"}:
            with Image.open(path) as picture:
                picture.save(tmp_path / path.name)
    return tmp_path


def test_segments_runs_and_finds_copies_and_no_bit_that_differs(pictures):
    done = run("segments.py", pictures, "--quick", "--markdown")
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line.strip("| ").split(" | ") for line in done.stdout.splitlines()]
    rows = {cells[0].strip(): cells[1:] for cells in rows}
    assert int(rows[f"2 images: {pictures.name}"][-1]) == 0
    assert float(rows["recompress quality=60"][0]) == 1
    assert float(rows["different images, in a million"][0]) == 0


def test_views_runs_and_joins_images_of_a_folder(pictures):
    done = run("views.py", pictures, "--quick", "--join", 1000)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The join is of 100 images; 4 were hashed." in done.stdout
    assert "times the hashing of as many images" in done.stdout


def test_relations_runs_and_names_edits(pictures):
    done = run("relations.py", pictures, "--quick")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "| mirror | 1.000 | 1.000 |" in done.stdout
    assert "| crop share=0.05 | 1.000 | 1.000 |" in done.stdout


def test_radius_runs_and_shows_the_defaults_beside(pictures):
    done = run("radius.py", pictures, "--quick", "--markdown", "--jobs", 1)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in
            done.stdout.splitlines()]  # fmt: skip
    shown = {tuple(cells[:2]): cells[-1] for cells in rows if len(cells) == 7}
    assert "6 pairs of 4 images; 0 pairs" in done.stdout
    assert shown["identity", "phash, dhash"] == "12"
    assert shown["robust", "phash, dhash"] == "9"
    assert shown["identity", "ahash"] == "0"


def test_intervals_runs_and_no_end_falls(pictures):
    done = run("intervals.py", pictures, "--quick", "--markdown", "--jobs", 1)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in
            done.stdout.splitlines()]  # fmt: skip
    falls = [cells[3] for cells in rows if len(cells) > 3 and "end that falls" in cells[2]]
    assert falls and set(falls) == {"0"}


def test_quality_runs_and_finds_more_by_pixels_than_by_hashes_alone(pictures):
    done = run("quality.py", pictures, "--quick", "--only", "identity", "--markdown", "--jobs", 1)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line.strip("| ").split(" | ") for line in done.stdout.splitlines()]
    rows = {cells[0].strip(): cells[1:] for cells in rows}
    alone, confirmed = (f"phash, dhash, identity, {by}" for by in ("alone", "confirmed"))
    assert float(rows[confirmed][0]) > 0.9
    assert rows[confirmed][0] >= rows[alone][0]


def test_scores_of_leaks_runs_on_simulated_leaks():
    done = run("scores_of_leaks.py", "--quick", "--jobs", 1)
    assert done.returncode == 0, done.stderr
    rows = [line.strip("| ").split(" | ") for line in done.stdout.splitlines()]
    assert {(row[0], row[3]) for row in rows} >= {("30", "clean"), ("500", "corrected")}


def test_scores_of_leaks_runs_on_a_folder(tmp_path, noise_image):
    """Half of the test images are training images too."""
    for part, seeds in (("Training", range(80)), ("Testing", range(40, 120))):
        for seed in seeds:
            path = tmp_path / part / ("cat", "dog")[seed % 2] / f"{seed:03}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            noise_image(seed, size=(64, 48)).save(path)
    done = run("scores_of_leaks.py", tmp_path, "--quick", "--jobs", 1)
    assert done.returncode == 0, done.stderr
    assert "on 40 leaking images" in done.stdout
    assert "In 2 subsets of 80% of the groups" in done.stdout


def test_sequences_runs_and_finds_the_tracks(tmp_path, pictures):
    """Frames that pan over four photos are four tracks, by their names and by their pixels."""
    for number, path in enumerate(sorted(pictures.glob("*.*"))):
        with Image.open(path) as picture:
            photo = picture.convert("RGB")
        side = min(photo.size) * 2 // 3
        for frame in range(6):
            target = tmp_path / "signs" / f"0000{number % 2}" / f"{number:05}_{frame:05}.png"
            target.parent.mkdir(parents=True, exist_ok=True)
            box = (3 * frame, 2 * frame, 3 * frame + side, 2 * frame + side)
            photo.resize((64, 64), box=box).save(target)
    done = run("sequences.py", tmp_path / "signs", "--markdown", "--score", "--jobs", 1)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in
            done.stdout.splitlines()]  # fmt: skip
    rows = {cells[0]: cells[1:] for cells in rows}
    assert rows["names"][:3] == ["4", "1.0000", "1.0000"]
    assert rows["pixels in order"][:3] == ["4", "1.0000", "1.0000"]
    assert rows["near duplicates and names"][-2] == "0.0%"
    assert 0 <= float(rows["near duplicates and names"][-1]) <= 1


def test_sequences_tells_an_empty_folder(tmp_path):
    done = run("sequences.py", tmp_path)
    assert done.returncode == 1
    assert "There are no images CLASS/TRACK_FRAME.*" in done.stderr


@pytest.fixture
def signs(tmp_path, noise_image):
    """Make frames of two classes of signs, with CSV files of their boxes as GTSRB has them."""
    for label in range(2):
        lines = ["Filename;Width;Height;Roi.X1;Roi.Y1;Roi.X2;Roi.Y2;ClassId"]
        for number in range(5 * 6):
            path = tmp_path / f"{label:05}" / f"{number // 6:05}_{number % 6:05}.png"
            path.parent.mkdir(exist_ok=True)
            noise_image(number // 6 + 10 * label, size=(33, 30)).save(path)
            lines.append(f"{path.name};33;30;5;{number % 6};26;24;{label}")
        (tmp_path / f"{label:05}" / f"GT-{label:05}.csv").write_text("\n".join(lines))
    return tmp_path


@pytest.mark.parametrize("more", [[], ["--near-duplicates", "--jobs", 1]])
def test_layouts_runs_and_reads_every_box_again(signs, more):
    """Two of ten tracks are for testing, one of each class, in each layout."""
    done = run("layouts.py", signs, "--quick", "--markdown", *more)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in
            done.stdout.splitlines()]  # fmt: skip
    rows = {cells[0]: cells[1:] for cells in rows}
    for layout in ("COCO", "YOLO", "Pascal VOC"):
        assert rows[layout][:3] == ["48", "12", "0"]
        assert rows[layout][3].startswith("0.0%")
    assert "Each of 60 boxes was read back once and unchanged, in every layout." in done.stdout


def test_layouts_tells_a_folder_without_boxes(tmp_path):
    done = run("layouts.py", tmp_path)
    assert done.returncode == 1
    assert "There are no files GT-*.csv" in done.stderr


def test_drift_tells_each_hash_alone_and_the_worst_pair():
    pytest.importorskip("skimage")
    done = run("drift.py", "--quick", "--markdown", "--jobs", 1)
    assert done.returncode == 0, done.stdout + done.stderr
    for part in ("", ", 12 megapixels, baseline", ", 12 megapixels, progressive"):
        assert f"500 x 375 pixels{part}\n" in done.stdout
    assert done.stdout.count("| dhash alone ") == 3
    assert done.stdout.count("| worst pair: ") == 3
    assert "| hashfeatures, five hashes, from the first scans " in done.stdout


def test_containers_runs_and_finds_the_same_hashes():
    pytest.importorskip("pyarrow")
    done = run("containers.py", "--quick", "--markdown", "--jobs", 1)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All containers have the same hashes." in done.stdout
    for name in ("loose files", "tar shards", "Parquet file"):
        assert f"| {name}" in done.stdout


def test_plan_runs_and_all_ways_find_the_same_pairs():
    done = run("plan.py", "--quick", "--jobs", 1)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "| 1,000 uniform | 128 | 12 |" in done.stdout
    assert "| 11,000 skewed | 128 | 12 |" in done.stdout
    assert "4 cells. auto takes at most 1.3 times" in done.stdout


def test_search_runs_on_a_folder_and_peers_find_the_same(pictures):
    done = run("search.py", pictures, "--only", "query, 4 photos' phash codes", "--jobs", 1)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (
        "4 photos' phash codes of 64 bits, radius 10" in done.stdout or "Left out" in done.stdout
    )
    assert "DIFFERENT" not in done.stdout


def test_small_images_runs_and_no_bit_differs(pictures):
    """With simplejpeg and without, or where it is not installed."""
    done = run("small_images.py", pictures, "--quick")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "| five hashes, in full | " in done.stdout
    assert "simplejpeg changes no bit" in done.stdout


def test_startup_runs_and_first_calls_give_the_same_answers():
    done = run("startup.py", "--quick")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "| bare imports | 1.00 | 1.00 |" in done.stdout
    assert "| hashfeatures duplicates, with copies |" in done.stdout
    assert "the first search among 20000 codes" in done.stdout


def test_wide_radii_finds_the_same_pairs_as_another_checkout():
    done = run("wide_radii.py", BENCHMARKS.parent, "--quick")
    assert done.returncode == 0, done.stderr
    assert "| 20,000 | 28 | other |" in done.stdout
