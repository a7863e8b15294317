"""Measure the stage `assign` on generated groups: seconds and memory, by request.

A tenth of the groups hold two to nine images. Each call runs in a process of its own, and no group
may be in two parts. Run this on a quiet machine. Ten million images need 2 GB of disk.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from hashfeatures._utils.mixing import mix_words
from hashfeatures.distributed import assign
from hashfeatures.distributed._hash_stage import HashPlan, keys_of
from hashfeatures.distributed._part_directory import arrow
from hashfeatures.distributed._stages import Stage
from hashfeatures.duplicates.fingerprints._computed import ComputedHashes
from hashfeatures.hashing._spec import parse_hashes
from hashfeatures.images._decoding import Decoding

PART = 1 << 16
CLASSES = 1000
SIZES = (1_000_000, 10_000_000)
CALLS = {
    "plain": {},
    "again": {},
    "more images": {},
    "by folder": {"stratify": "parent"},
    "by column": {"stratify": "label"},
    "with patients": {"groups": "patient"},
    "both columns": {"stratify": "label", "groups": "patient", "validation_size": 0.1},
    "new lock": {"lock": "split.lock.parquet"},
    "old lock": {"lock": "split.lock.parquet"},
}
FIRST = ("plain", "again", "new lock")  # the calls for the first nine tenths of the images


def write_groups(folder: Path, n_images: int) -> None:
    """Write the groups of the first nine tenths of the images and of all, and a table of them."""
    pyarrow = arrow()
    rng = np.random.default_rng(0)
    n_groups = int(n_images / 1.45)
    sizes = np.where(rng.random(n_groups) < 0.1, rng.integers(2, 10, n_groups), 1)
    group = np.repeat(np.arange(n_groups), sizes)
    group = np.concatenate([group, n_groups + np.arange(max(n_images - len(group), 0))])[:n_images]
    group = rng.permutation(group)
    # A group is in one folder, but for one image in fifty.
    label = np.where(rng.random(n_images) < 0.02, rng.integers(0, CLASSES, n_images), 0)
    label = np.where(label > 0, label, (rng.zipf(1.3, int(group.max()) + 1) % CLASSES)[group])
    patient = group // 3

    def name(start: int, end: int) -> list[str]:
        folders = label[start:end].tolist()
        return [
            f"s3://bucket/photos/class_{folder:04d}/{row:012d}.jpg"
            for row, folder in enumerate(folders, start)
        ]

    starts = range(0, n_images, PART)
    keys = np.concatenate([keys_of(name(start, min(start + PART, n_images))) for start in starts])
    smallest = np.full(int(group.max()) + 1, np.iinfo(np.uint64).max, dtype=np.uint64)
    np.minimum.at(smallest, group, keys)
    table = None
    for stage_name, n_rows in (("first", int(0.9 * n_images)), ("all", n_images)):
        with Stage.create(folder / stage_name, "groups", {}) as stage:
            for number, start in enumerate(range(0, n_rows, PART)):
                end = min(start + PART, n_rows)
                columns = {
                    "image": name(start, end),
                    "key": keys[start:end],
                    "error": pyarrow.nulls(end - start, pyarrow.string()),
                    "group": smallest[group[start:end]],
                }
                part = pyarrow.table(columns)
                stage.write(f"part-{number:08d}.parquet", [part], part.schema)
            stage.publish("part")
        write_hashes(folder / f"{stage_name} hashes", keys[:n_rows])
    table = None
    for start in starts:
        end = min(start + PART, n_images)
        rows = pyarrow.table(
            {
                "image": name(start, end),
                "label": [f"class {each}" for each in label[start:end].tolist()],
                "patient": patient[start:end],
            }
        )
        table = table or pyarrow.parquet.ParquetWriter(folder / "table.parquet", rows.schema)
        table.write_table(rows)
    assert table is not None
    table.close()


def write_hashes(out: Path, keys: np.ndarray) -> None:
    """Write random codes of 128 bits, which are the same in each call for the same images."""
    pyarrow = arrow()
    plan = HashPlan(ComputedHashes(parse_hashes(("phash", "dhash"))), Decoding("reduced"))
    with Stage.create(out, "hashes", plan.as_settings()) as stage:
        for number, start in enumerate(range(0, len(keys), PART)):
            part = keys[start : start + PART]
            codes = np.column_stack([mix_words(part), mix_words(part + np.uint64(1))])
            offsets = pyarrow.py_buffer(codes.tobytes())
            columns = {
                "key": part,
                "codes": pyarrow.Array.from_buffers(
                    pyarrow.binary(16), len(part), [None, offsets]
                ),
                "digest": pyarrow.nulls(len(part), pyarrow.binary()),
            }
            table = pyarrow.table(columns)
            stage.write(f"part-{number:08d}.parquet", [table], table.schema)


def run(folder: Path, call: str) -> None:
    """Make one call, and print what it took."""
    parameters = CALLS[call]
    if "label" in parameters.values() or "groups" in parameters:
        parameters = parameters | {"table": folder / "table.parquet"}
    stage = "first" if call in FIRST else "all"
    if "lock" in parameters:
        parameters = {"lock": folder / parameters["lock"], "hashes": folder / f"{stage} hashes"}
        if call == "new lock":
            parameters["lock"].unlink(missing_ok=True)
    out = folder / ("split" if call in ("plain", "again", "more images") else f"split {call}")
    start, before = time.perf_counter(), time.process_time()
    done = assign(folder / stage, out, 0.2, **parameters)
    seconds = [time.perf_counter() - start, time.process_time() - before]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    check(folder / "split" if out.name == "split" else out)
    print(json.dumps([*seconds, peak, done.sizes, len(done.conflicts)]))


def check(out: Path) -> None:
    """Raise if a group is in two parts."""
    stage = Stage.open(out, "splits")
    tables = [stage.read(part, ["group", "split"]).to_pandas() for part in stage.parts()]
    groups = np.concatenate([table["group"].to_numpy() for table in tables])
    parts = np.concatenate([(table["split"] == "train").to_numpy() for table in tables])
    order = np.argsort(groups, kind="stable")
    same = np.diff(groups[order].astype(np.int64)) == 0
    assert (parts[order][1:] == parts[order][:-1])[same].all()


def main() -> None:
    """Measure the calls."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES)
    parser.add_argument("--quick", action="store_true", help="only see that it runs")
    parser.add_argument("--folder", type=Path, help="where to keep the groups")
    parser.add_argument("--call", choices=CALLS, nargs="*", default=list(CALLS))
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        run(options.folder, options.call[0])
        return
    for size in (20_000,) if options.quick else options.sizes:
        with tempfile.TemporaryDirectory() as temporary:
            folder = (options.folder or Path(temporary)) / f"{size}"
            if not folder.exists():
                folder.mkdir(parents=True)
                write_groups(folder, size)
            for call in options.call:
                command = [sys.executable, __file__, "--alone", "--folder", folder, "--call", call]
                line = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                seconds, used, peak, sizes, n_moved = json.loads(line.splitlines()[-1])
                print(
                    f"{size:>12,}  {call:<14} {seconds:8.1f} s, {used:8.1f} of a processor, "
                    f"{peak:6.2f} GB  {sizes} {n_moved} moved",
                    flush=True,
                )


if __name__ == "__main__":
    main()
