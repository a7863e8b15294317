"""The stage assigns the parts of `assign_split`, with its lock and without, label for label."""

import warnings

import numpy as np
import pytest
from PIL import Image

from hashfeatures import (
    NearDuplicateFinder,
    ParameterError,
    SplitMoveWarning,
    StageError,
    StoreError,
    assign_split,
)
from hashfeatures.distributed import assign, hash_dataset, read_stage
from hashfeatures.distributed._stages import Stage

pytestmark = [
    pytest.mark.filterwarnings("ignore::hashfeatures.SplitSizeWarning"),
    pytest.mark.filterwarnings("ignore::hashfeatures.FailedImagesWarning"),
]
OTHERS = {
    "hashes": NearDuplicateFinder(verify=False, radius=10),
    "flips": NearDuplicateFinder("phash", views="flips", linkage="complete"),
    "colors": NearDuplicateFinder(color_radius=6, min_detail=20, trim_borders=True),
}
FINDERS = {"default": NearDuplicateFinder(), **OTHERS}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Make 32 images of two classes: copies, mirrored ones, blank ones, a broken one."""
    folder = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(0)
    names = []

    def save(image, label):
        name = folder / label / f"{len(names):03d}.png"
        name.parent.mkdir(exist_ok=True)
        image.save(name)
        names.append(str(name))

    for number in range(14):
        noise = Image.fromarray(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8))
        image, label = (
            noise.resize((96, 72), Image.Resampling.BICUBIC),
            "cat" if number % 3 else "dog",
        )
        save(image, label)
        if number % 2:
            save(image.resize((80, 60)), label)
        if number % 4 == 0:
            save(image, "dog")
        if number % 5 == 0:
            save(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT), label)
    for value in (200, 220, 220):
        save(Image.new("RGB", (60, 40), (value, value, value)), "cat")
    broken = folder / "dog" / "broken.png"
    broken.write_bytes(b"no image")
    names.append(str(broken))
    order = rng.permutation(len(names))
    return [names[row] for row in order]


class Run:
    """Hashes of images, and the groups in which a finder finds the first ones and all."""

    def __init__(self, folder, finder, files, executor, write_parts):
        self.folder, self.finder, self.hashes = folder, finder, folder / "hashes"
        self._executor, self._write = executor, write_parts
        self.names = [self._add(files[:25], 0), self._add(files, 1)]

    def _add(self, names, number):
        hash_dataset(names, self.hashes, self.finder, part_size=7, executor=self._executor)
        table, parts = read_stage(self.hashes), Stage.open(self.hashes, "hashes")
        self.finder.fit(table["image"].tolist())
        for name, labels in (
            ("group", self.finder.labels_),
            ("component", self.finder.graph_.labels()),
        ):
            table[name] = table["key"].groupby(labels).transform("min")
        if self.finder.linkage == "single":
            del table["component"]
        self._write(self.folder / f"groups{number}", table, map(parts.count, parts.names()))
        return table["image"].tolist()

    def assign(self, number, out, **parameters):
        assign(self.folder / f"groups{number}", out, **parameters)
        return listed(read_stage(out)["split"])


def listed(parts):
    return parts.astype(object).where(parts.notna(), None).tolist()


def expected(names, **parameters):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SplitMoveWarning)
        return listed(assign_split(names, **parameters))


@pytest.fixture(scope="module")
def run_of(files, tmp_path_factory, write_parts):
    """Return a function that hashes 25 images, then all of them, for a finder, but once."""
    runs = {}

    def run(name, executor):
        if name not in runs:
            folder = tmp_path_factory.mktemp(name)
            runs[name] = Run(folder, FINDERS[name], files, executor, write_parts)
        return runs[name]

    return run


SETTINGS = {
    "three parts": {"test_size": 0.2, "validation_size": 0.2, "random_state": 7},
    "numbers": {"test_size": 6, "train_size": 12, "priority": "test"},
    "majority": {"test_size": 0.4, "priority": "majority"},
    "plain": {},
}


@pytest.mark.parametrize(
    ("finder", "setting"),
    [*(("default", each) for each in SETTINGS), *((each, "plain") for each in OTHERS)],
)
def test_parts_are_those_of_assign_split_whole_and_in_two_steps(
    run_of, in_process, finder, setting, tmp_path
):
    """Guards equal parts with the lock of either function, and with the directory alone."""
    run, parameters = run_of(finder, in_process), SETTINGS[setting]
    lock, other = tmp_path / "lock.json", tmp_path / "other.json"
    for number, names in enumerate(run.names):
        classes = [name.split("/")[-2] for name in names]
        given = {"finder": run.finder, "stratify": classes, **parameters}
        wanted = expected(names, lock=lock, **given)
        staged = {"stratify": "parent", **parameters}
        locked = {"lock": other, "hashes": run.hashes, **staged}
        assert run.assign(number, tmp_path / "locked", **locked) == wanted
        assert other.read_bytes() == lock.read_bytes()
        assert run.assign(number, tmp_path / "alone", **staged) == wanted
        assert run.assign(number, tmp_path / f"{number}", **staged) == expected(names, **given)
        lock, other = other, lock  # each continues the lock of the other


def test_locks_of_other_images_hashes_or_settings_are_refused(
    run_of, in_process, frames, tmp_path
):
    run = run_of("default", in_process)
    lock = {"lock": tmp_path / "lock.json", "hashes": run.hashes}
    with pytest.raises(StageError, match="holds the hashes of other images than"):
        assign(tmp_path / "groups", tmp_path / "split", **lock)
    run.assign(0, tmp_path / "split", **lock)
    content = lock["lock"].read_bytes()
    lock["lock"].write_bytes(content.replace(b'"radius": ', b'"radius": 1'))
    with pytest.raises(ParameterError, match="was made with radius=1"):
        run.assign(1, tmp_path / "other", **lock)
    lines = content.decode().splitlines()
    kept = [line for line in lines if "dog/" not in line and "cat/" not in line]
    lock["lock"].write_text("\n".join([*kept[:-1], ',{"name": "x.png", "part": "test"}', "]"]))
    with pytest.raises(StoreError, match="is the lock of other images"):
        run.assign(1, tmp_path / "other", **lock)
