"""The file of a locked split: what it holds, what it refuses, and who may write it."""

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashfeatures import DuplicateGroups, StoreError, assign_split
from hashfeatures.model_selection.locks import _lock
from hashfeatures.model_selection.locks._image_keys import ImageKeys
from hashfeatures.model_selection.locks._lock import LockFile, SplitLock

SETTINGS = {"sizes": {"test": 0.25}, "seed": 0, "finder": {"bits": 8, "radius": 1}}
LINES = [
    '[{"format": "hashfeatures split lock", "version": 1, "sizes": {"test": 0.25}, "seed": 0,',
    ' "finder": {"bits": 8, "radius": 1}}',
    ',{"name": "a.png", "part": "train", "hash": "00"}',
    ',{"name": "b.png", "part": "test", "hash": "ff"}',
    "]",
]


def make_lock(names, hashes, parts, settings=SETTINGS):
    columns = [np.array([*column, None], dtype=object)[:-1] for column in (names, hashes, parts)]
    pixels = np.full(len(names), None, dtype=object)
    return SplitLock(settings, ImageKeys(columns[0], columns[1], pixels), columns[2])


def load(path, lines):
    path.write_text("\n".join(lines))
    return LockFile(path).load()


@pytest.mark.parametrize("suffix", [".json", ".parquet"])
@given(
    st.dictionaries(st.text(min_size=1), st.sampled_from(["train", "test"])),
    st.lists(st.sampled_from(["00", "7f"])),
)
def test_what_is_saved_is_loaded_whatever_the_names(tmp_path_factory, suffix, parts, nameless):
    """Guards names with line breaks, quotes, and bytes that are not UTF-8."""
    path = tmp_path_factory.mktemp("lock") / f"split{suffix}"
    names = [*parts, *[None] * len(nameless)]
    hashes = [*[None] * len(parts), *nameless]
    lock = make_lock(names, hashes, [*parts.values(), *["train"] * len(nameless)])
    assert LockFile(path).load() is None
    assert LockFile(path).save(lock)
    content = path.read_bytes()
    loaded = LockFile(path).load()
    assert loaded.settings == SETTINGS
    assert dict(zip(loaded.images.names, loaded.parts, strict=True)).items() >= parts.items()
    assert sorted(filter(None, loaded.images.hashes)) == sorted(nameless)
    assert not LockFile(path).save(loaded)
    assert path.read_bytes() == content


def test_a_file_name_that_is_not_utf_8_survives(tmp_path):
    for suffix in (".json", ".parquet"):
        path = tmp_path / f"split{suffix}"
        LockFile(path).save(make_lock(["a\udcff.png"], ["00"], ["train"]))
        assert LockFile(path).load().images.names.tolist() == ["a\udcff.png"]


def test_the_file_is_json_with_one_sorted_line_an_image(tmp_path):
    path = tmp_path / "split.lock.json"
    LockFile(path).save(make_lock(["b", None, "a"], ["00", "11", None], ["train", "test", "test"]))
    lines = path.read_text().splitlines()
    assert lines[-4:] == [
        ',{"name": "a", "part": "test"}',
        ',{"name": "b", "part": "train", "hash": "00"}',
        ',{"part": "test", "hash": "11"}',
        "]",
    ]
    assert json.loads(path.read_text())[1:] == [json.loads(line[1:]) for line in lines[-4:-1]]


def test_a_table_reads_a_lock_in_parquet(tmp_path):
    pytest.importorskip("pyarrow")
    path = tmp_path / "split.lock.parquet"
    LockFile(path).save(make_lock(["a", "b"], ["00", "11"], ["train", "test"]))
    assert pd.read_parquet(path)[["name", "part"]].to_numpy().tolist() == [
        ["a", "train"],
        ["b", "test"],
    ]


@pytest.mark.parametrize(
    ("line", "text", "message"),
    [
        (2, ',{"name": "a.png", "part": "train"', r"is damaged in line 3: '\{\"name\": \"a.png"),
        (3, ',{"name": "a.png", "part": "test"}', r"line 4: the image 'a.png' is in line 3 as we"),
        (3, ',{"name": "b.png", "part": "dev"}', r"line 4: the part must be one of train, test"),
        (3, ',{"name": "b.png"}', "line 4: the part must be one of train, test. Got None"),
        (3, ',{"part": "test"}', "line 4: the image has neither a name nor a hash"),
        (3, ',{"name": 3, "part": "test"}', "line 4: 'name' must be a text. Got 3"),
        (3, ',{"hash": "xy", "part": "test"}', "line 4: 'xy' is not a string of hex digits"),
        (3, ',{"file": "b.png"}', "line 4: expected an object with the keys name, hash, pixels"),
        (3, ',"b.png"', "line 4: expected an object"),
        (3, "<<<<<<< HEAD", "an unresolved merge in line 4. Keep the lines of both sides"),
        (3, "=======", "an unresolved merge in line 4"),
        (4, "", "ends in line 5 without a ']'"),
        (0, "{}", "is not a lock of a split: it is not a JSON array"),
        (0, '[{"format": "other"}', "its first item has no 'hashfeatures split lock' as 'format'"),
        (0, '["a", {', "its first item has no 'hashfeatures split lock'"),
        (1, '"finder": 3}', "has a damaged header"),
        (1, '"finder": {}, "version": 2}', "has version 2 of its format, .* Install a newer"),
        (1, '"finder": {}, "version": "1"}', "has a damaged header"),
        (1, '"finder": {}, "sizes": {"dev": 0.1}}', "has a damaged header"),
        (1, '"finder": {}, "seed": -1}', "has a damaged header"),
        (3, "[" * 100_000, "is damaged in line 4"),
    ],
)
def test_what_a_hand_breaks_is_named_by_its_line(tmp_path, line, text, message):
    lines = [*LINES[:line], text, *LINES[line + 1 :]]
    path = tmp_path / "split.lock.json"
    with pytest.raises(StoreError, match=message):
        load(path, lines)


@pytest.mark.parametrize("content", [b"", b"\x89PNG\xff", b"PAR1", b"   \n"])
@pytest.mark.parametrize("suffix", [".json", ".parquet"])
def test_other_files_are_refused_and_left_alone(tmp_path, content, suffix):
    path = tmp_path / f"split{suffix}"
    path.write_bytes(content)
    with pytest.raises(StoreError, match="is not a lock of a split"):
        assign_split(np.eye(8, dtype=int), lock=path, finder=DuplicateGroups(radius=0))
    assert path.read_bytes() == content


def test_a_parquet_file_of_other_data_is_refused(tmp_path):
    pytest.importorskip("pyarrow")
    path = tmp_path / "split.parquet"
    pd.DataFrame({"name": ["a"]}).to_parquet(path)
    with pytest.raises(StoreError, match="its first item has no 'hashfeatures split lock'"):
        LockFile(path).load()


def test_what_a_hand_may_do(tmp_path):
    """Guards edits: parts, order, needless and missing commas, deleted lines, another layout."""
    path = tmp_path / "split.lock.json"
    edited = [*LINES[:2], LINES[3].strip(",").replace("test", "train"), LINES[2] + ",", LINES[4]]
    lock = load(path, edited)
    assert lock.images.names.tolist() == ["b.png", "a.png"]
    assert lock.parts.tolist() == ["train", "train"]
    assert len(load(path, [*LINES[:2], LINES[4]]).parts) == 0
    pretty = json.dumps(json.loads("\n".join(LINES)), indent=4)
    assert len(load(path, pretty.splitlines()).parts) == 2
    path.write_text("\ufeff" + "\r\n".join(LINES), encoding="utf-8", newline="")
    assert len(LockFile(path).load().parts) == 2


def test_an_image_moves_where_a_hand_moves_it(tmp_path):
    bits = np.repeat(np.eye(8, dtype=int), 4, axis=1)
    finder, path = DuplicateGroups(radius=1), tmp_path / "split.lock.json"
    parts = assign_split(bits, lock=path, finder=finder)
    lines = path.read_text().splitlines()
    row = next(row for row, line in enumerate(lines) if '"train"' in line)
    lines[row] = lines[row].replace("train", "test")
    path.write_text("\n".join(lines))
    with pytest.warns(UserWarning, match="requested"):
        after = assign_split(bits, lock=path, finder=finder, test_size=1)
    assert (after != parts).sum() == 1
    assert (after == "test").sum() == 3


def test_both_sides_of_a_merge_can_be_kept(tmp_path):
    """Guards locks in git: lines of two branches merge without a conflict by `merge=union`."""
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(tmp_path)]
    run = lambda *arguments: subprocess.run([*git, *arguments], check=True, capture_output=True)  # noqa: E731
    try:
        run("init", "-q", "-b", "main")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("git is not installed")
    rng = np.random.default_rng(0)
    finder, path = DuplicateGroups(radius=3), tmp_path / "split.lock.json"
    old, one, other = (rng.integers(0, 2, (8, 64)) for _ in range(3))
    (tmp_path / ".gitattributes").write_text("*.lock.json merge=union\n")
    parts = assign_split(old, lock=path, finder=finder)
    run("add", ".")
    run("commit", "-q", "-m", "old")
    run("checkout", "-q", "-b", "other")
    of_other = assign_split(np.vstack([old, other]), lock=path, finder=finder)
    run("commit", "-qam", "other")
    run("checkout", "-q", "main")
    of_one = assign_split(np.vstack([old, one]), lock=path, finder=finder)
    run("commit", "-qam", "one")
    run("merge", "-q", "other", "-m", "both")
    after = assign_split(np.vstack([old, one, other]), lock=path, finder=finder)
    assert after.tolist() == [*parts, *of_one[8:], *of_other[8:]]


def test_a_change_by_another_process_is_noticed(tmp_path):
    """Guards the other process's images: what it wrote in between is not overwritten."""
    bits = np.repeat(np.eye(8, dtype=int), 4, axis=1)
    path = tmp_path / "split.lock.json"

    class Slow(DuplicateGroups):
        def _compare(self, bits):
            path.write_text("another content")
            return super()._compare(bits)

    for _ in range(2):
        path.unlink(missing_ok=True)
        if _:
            assign_split(bits, lock=path, finder=DuplicateGroups(radius=1))
        with pytest.raises(StoreError, match=r"was changed by another process .* Run this again"):
            assign_split(np.vstack([bits, 1 - bits]), lock=path, finder=Slow(radius=1))
        assert path.read_text() == "another content"


# Each process says that it is ready, and all add their rows when standard input ends.
ADD_ROWS = """
import sys
import numpy as np
from hashfeatures import DuplicateGroups, StoreError, assign_split

path, seed = sys.argv[1], int(sys.argv[2])
old = np.random.default_rng(0).integers(0, 2, (10, 64))
new = np.random.default_rng(seed).integers(0, 2, (5, 64))
finder = DuplicateGroups(radius=1)
assign_split(np.vstack([old, new]), finder=finder)  # imports and compiles everything
print("ready", flush=True)
sys.stdin.read()
try:
    assign_split(np.vstack([old, new]), lock=path, finder=finder)
except StoreError as error:
    assert "Run this again" in str(error)
    print("refused")
else:
    print("written")
"""


@pytest.mark.slow
def test_processes_that_write_at_once_lose_nothing(tmp_path):
    """Guards the moment between the comparison and the replacement of the file."""
    path = tmp_path / "split.lock.json"
    old = np.random.default_rng(0).integers(0, 2, (10, 64))
    assign_split(old, lock=path, finder=DuplicateGroups(radius=1))
    seeds = (1, 2, 3)
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", ADD_ROWS, str(path), str(seed)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in seeds
    ]
    assert [worker.stdout.readline() for worker in workers] == ["ready\n"] * 3
    for worker in workers:
        worker.stdin.close()
    said = [worker.stdout.read() for worker in workers]
    for worker in workers:
        worker.stdout.close()
        assert worker.wait(timeout=300) == 0
    assert set(said) <= {"written\n", "refused\n"}
    written = [seed for seed, text in zip(seeds, said, strict=True) if text == "written\n"]
    assert written
    hashes = set(LockFile(path).load().images.hashes)
    for seed in written:
        new = np.random.default_rng(seed).integers(0, 2, (5, 64))
        assert {np.packbits(row).tobytes().hex() for row in new} <= hashes
    assert len(hashes) == 10 + 5 * len(written)
    assert list(tmp_path.iterdir()) == [path]


def test_a_lock_in_a_folder_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError):
        assign_split(
            np.eye(8, dtype=int),
            lock=Path(tmp_path, "no", "split.json"),
            finder=DuplicateGroups(radius=0),
        )


def test_a_file_lets_one_process_at_a_time_write_on_windows(tmp_path, monkeypatch):
    """Windows cannot lock a folder, and deletes the file when the process that has it ends."""
    path = tmp_path / "alone"
    first = _lock._create_alone(str(path))
    monkeypatch.setattr(_lock, "_LONGEST_WAIT", 0.05)
    with pytest.raises(FileExistsError):
        _lock._create_alone(str(path))
    monkeypatch.setattr(_lock, "_LONGEST_WAIT", 60)
    with ThreadPoolExecutor(1) as threads:
        second = threads.submit(_lock._create_alone, str(path))
        time.sleep(0.05)
        assert not second.done()
        os.close(first)
        os.unlink(path)
        os.close(second.result(timeout=30))
