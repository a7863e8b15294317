"""When workers or drivers are killed, nothing is lost, doubled or done twice."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pandas as pd
import pytest

from hashfeatures import EngineError, NearDuplicateFinder
from hashfeatures.distributed import (
    LocalExecutor,
    RayExecutor,
    find_pairs,
    hash_dataset,
    read_stage,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="kills processes by POSIX signals"),
]

JOIN = {"part_seconds": 1e-10}
FINDERS = {"join": NearDuplicateFinder(verify=False), "confirm": NearDuplicateFinder()}
PATIENCE = 120  # seconds after which a test gives up


@pytest.fixture
def folder(tmp_path, noise_image):
    """Make 24 images. Every third is a near copy of the one before."""
    place = tmp_path / "images"
    place.mkdir()
    for seed in range(24):
        image = noise_image(seed - (seed % 3 == 2), size=(64, 48))
        image.resize((64 + seed, 48)).save(place / f"{seed:02}.png")
    return place


class Stalling:
    """An executor whose first worker on a given task waits to be killed.

    It writes its number to a file first. All others wait until that is there, so that the kill
    comes in the middle, and a moment, so that something is running when it does.
    """

    def __init__(self, executor, folder, name):
        self.executor, self.file, self.name = executor, str(folder / "pid"), name

    def check(self, function, task):
        self.executor.check(function, task)

    def run(self, function, tasks, retries):
        file, stalled = self.file, self.name

        def stall(task):
            import os
            import time

            if task.name == stalled and not os.path.exists(file):
                with open(file + ".new", "w", encoding="utf-8") as pid:
                    pid.write(str(os.getpid()))
                os.rename(file + ".new", file)
                time.sleep(60)
            time.sleep(0.05)
            return function(task)

        yield from self.executor.run(stall, tasks, retries)


def wait_for(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)


@pytest.fixture
def kill(tmp_path):
    """Kill the worker that stalls, from another thread."""
    killed = []

    def wait_and_kill():
        wait_for((tmp_path / "pid").exists)
        time.sleep(0.2)
        killed.append(int((tmp_path / "pid").read_text()))
        os.kill(killed[0], getattr(signal, "SIGKILL", signal.SIGTERM))

    thread = threading.Thread(target=wait_and_kill)
    thread.start()
    yield killed
    thread.join(PATIENCE)
    assert killed


def test_a_worker_killed_while_hashing(folder, tmp_path, executor, kill):
    stalling = Stalling(executor, tmp_path, "part-00000002.parquet")
    done = hash_dataset(folder, tmp_path / "out", part_size=4, executor=stalling)
    assert (done.n_images, done.n_new, done.n_failed) == (24, 24, 0)
    hash_dataset(folder, tmp_path / "calm", part_size=4, executor=LocalExecutor(2))
    pd.testing.assert_frame_equal(read_stage(tmp_path / "out"), read_stage(tmp_path / "calm"))


@pytest.mark.parametrize("stage", FINDERS)
def test_a_worker_killed_while_joining_or_confirming(folder, tmp_path, stage, executor, kill):
    finder = FINDERS[stage]
    hash_dataset(folder, tmp_path / "hashes", executor=executor)
    find_pairs(tmp_path / "hashes", tmp_path / "calm", finder, executor=executor, **JOIN)
    names = sorted(path.name for path in (tmp_path / "calm").glob("pairs-*"))
    assert len(names) > (10 if stage == "join" else 8)
    stalling = Stalling(executor, tmp_path, names[5])
    done = find_pairs(tmp_path / "hashes", tmp_path / "out", finder, executor=stalling, **JOIN)
    assert done.n_pairs == 8
    pd.testing.assert_frame_equal(read_stage(tmp_path / "out"), read_stage(tmp_path / "calm"))


DRIVER = """
import sys
from hashfeatures import NearDuplicateFinder
from hashfeatures.distributed import LocalExecutor, RayExecutor, find_pairs, hash_dataset

class Slow:
    def __init__(self, executor):
        self.executor, self.check = executor, executor.check

    def run(self, function, tasks, retries):
        def slow(task):
            import time
            time.sleep(0.6)
            return function(task)
        yield from self.executor.run(slow, tasks, retries)

if __name__ == "__main__":
    stage, source, out, *address = sys.argv[1:]
    executor = Slow(RayExecutor(*address) if address else LocalExecutor(2))
    if stage == "hash":
        hash_dataset(source, out, part_size=4, executor=executor)
    else:
        finder = NearDuplicateFinder(verify=stage == "confirm")
        find_pairs(source, out, finder, part_seconds=1e-10, executor=executor)
"""


@pytest.mark.parametrize("stage", ["hash", "join", "confirm"])
def test_a_driver_killed_and_started_again(folder, tmp_path, stage, executor):
    """A second driver continues, and a Ray cluster outlives the first."""
    script = tmp_path / "driver.py"
    script.write_text(DRIVER, encoding="utf-8")
    source, out = folder, tmp_path / "out"
    if stage != "hash":
        source = tmp_path / "hashes"
        hash_dataset(folder, source, executor=LocalExecutor(2))
    command = [sys.executable, str(script), stage, str(source), str(out)]
    if isinstance(executor, RayExecutor):
        command.append(pytest.importorskip("ray").get_runtime_context().gcs_address)
    process = subprocess.Popen(command)

    def finished():
        return [path for path in out.glob("*.parquet") if not path.name.endswith("equal.parquet")]

    try:
        wait_for(lambda: len(finished()) >= 2)
    finally:
        process.kill()
        process.wait()
    (out / ".part-of-a-killed-run.tmp").write_bytes(b"half")
    time.sleep(0.5)  # until its workers have finished their tasks
    before = {path: path.stat().st_mtime_ns for path in finished()}

    def go_on(place):
        if stage == "hash":
            return hash_dataset(source, place, part_size=4, executor=executor)
        return find_pairs(source, place, FINDERS[stage], executor=executor, **JOIN)

    done = go_on(out)
    assert len(finished()) > len(before)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert not list(out.glob(".*.tmp"))
    if stage == "hash":
        assert done.n_images == 24
        assert 0 < done.n_new <= 16
    go_on(tmp_path / "calm")
    pd.testing.assert_frame_equal(read_stage(out), read_stage(tmp_path / "calm"))


@pytest.mark.filterwarnings("ignore:.*could not be read")
def test_a_poisoned_image_takes_no_other_along(folder, tmp_path, executor, poisonable):
    (folder / "07.png").write_bytes(b"POISON")
    done = hash_dataset(folder, tmp_path / "out", part_size=6, retries=1, executor=executor)
    assert (done.n_images, done.n_failed) == (24, 1)
    table = read_stage(tmp_path / "out")
    assert table["image"].is_unique
    (failed,) = table[table["error"].notna()].to_dict("records")
    assert Path(failed["image"]).name == "07.png"
    assert "process that decoded it died" in failed["error"]
    assert table["codes"].notna().sum() == 23


@pytest.mark.cluster
@pytest.mark.filterwarnings("ignore")
def test_a_poisoned_row_of_a_ray_dataset_takes_no_other_along(folder, tmp_path, ray_cluster):
    (folder / "07.png").write_bytes(b"POISON")
    data = pytest.importorskip("ray.data").read_binary_files(str(folder), include_paths=True)
    done = hash_dataset(data, tmp_path / "out", part_size=6, executor=RayExecutor())
    assert (done.n_images, done.n_failed) == (24, 1)
    assert not list((tmp_path / "out" / "_begun").iterdir())


def test_a_join_that_kills_every_worker_ends_and_keeps_what_is_done(folder, tmp_path):
    plain = FINDERS["join"]
    hash_dataset(folder, tmp_path / "hashes", executor=LocalExecutor(2))

    class Deadly(LocalExecutor):
        def run(self, function, tasks, retries):
            def die(task):
                import os
                import signal

                if task.name == "pairs-0000-00-0000003.parquet":
                    os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
                return function(task)

            yield from super().run(die, tasks, retries)

    with pytest.raises(EngineError, match=r"00-0000003.* it killed 3 worker processes"):
        find_pairs(tmp_path / "hashes", tmp_path / "out", plain, executor=Deadly(2), **JOIN)
    before = len(list((tmp_path / "out").glob("pairs-*")))
    assert before > 3
    two = LocalExecutor(2)
    find_pairs(tmp_path / "hashes", tmp_path / "out", plain, executor=two)  # longer parts
    find_pairs(tmp_path / "hashes", tmp_path / "calm", plain, executor=two, **JOIN)
    pd.testing.assert_frame_equal(read_stage(tmp_path / "out"), read_stage(tmp_path / "calm"))


def test_workers_of_every_stage_know_how_urls_are_read(executor, monkeypatch):
    """Workers that run already get changed settings too, in every stage."""
    config = pytest.importorskip("fsspec").config
    list(executor.run(eval, [SEE_NETWORK] * 2, retries=0))  # start the workers
    monkeypatch.setenv("HASHFEATURES_MAX_WAIT", "7")
    monkeypatch.setenv("no_proxy", "example.org")
    monkeypatch.setitem(config.conf, "http", {"headers": {"X-Key": "key"}})
    seen = [outcome.result for outcome in executor.run(eval, [SEE_NETWORK] * 2, retries=0)]
    assert seen == [("7", "example.org", {"headers": {"X-Key": "key"}})] * 2


# Source code, because workers cannot import the functions of a test.
SEE_NETWORK = """(
    __import__("os").environ.get("HASHFEATURES_MAX_WAIT"),
    __import__("os").environ.get("no_proxy"),
    __import__("fsspec").config.conf.get("http"),
)"""
