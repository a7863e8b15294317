"""Measure the stages of hashfeatures.distributed up to 20 million images, and extrapolate.

The codes are uniform bits, of which a share are near or equal copies of earlier ones. So the right
groups are known and checked. `image_sets.py` makes the images from photos. Run this on a quiet
machine. The 20 million need 6 GB of memory, 12 GB of disk and some minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from image_sets import make_set

from hashfeatures import NearDuplicateFinder
from hashfeatures.distributed import (
    LocalExecutor,
    RayExecutor,
    assign,
    components,
    find_pairs,
    hash_dataset,
    read_stage,
)
from hashfeatures.distributed._hash_stage import KIND, LISTING, HashPlan, keys_of, schema_of
from hashfeatures.distributed._part_directory import arrow
from hashfeatures.distributed._stages import Stage
from hashfeatures.duplicates.fingerprints._computed import ComputedHashes
from hashfeatures.hashing._spec import parse_hashes
from hashfeatures.images._decoding import Decoding

RADIUS = 12
COPIES = 0.2  # the share of codes that are copies of others
MOST_FLIPS = 6  # bits in which a copy differs; unrelated codes of 128 uniform bits are far beyond
PART = 1 << 16
SIZES = (100_000, 1_000_000, 5_000_000, 10_000_000, 20_000_000)
GOALS = (100_000_000, 1_000_000_000)
DIFFERENT = 2000  # images that are made; more are links to them
NODE = 64  # GB of memory of the node that the extrapolation asks about


class Watch:
    """Seconds, and the greatest memory of this process and those it started.

    Pages of mapped files that several processes share are counted once (PSS); they are part of
    the figure although the system could do without them.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self.gigabytes = 0.0

    def __enter__(self) -> Watch:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        self._start = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.perf_counter() - self._start
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        me = psutil.Process()
        is_over = False
        while not is_over:
            total = 0
            for process in [me, *me.children(recursive=True)]:
                try:
                    memory = process.memory_full_info()
                except psutil.Error:
                    continue
                total += getattr(memory, "pss", memory.uss)
            self.gigabytes = max(self.gigabytes, total / 1e9)
            is_over = self._stop.wait(0.2)


def write_codes(out: Path, n_codes: int) -> int:
    """Write a directory of hashes as `hash_dataset` would, and return its number of groups."""
    plan = HashPlan(
        ComputedHashes(parse_hashes(("phash", "dhash"))), Decoding("reduced").with_limit()
    )
    pyarrow, schema = arrow(), schema_of(plan.computed)
    with Stage.create(out, KIND, plan.as_settings()) as stage:
        listing = stage.sub(LISTING)
        n_groups = 0
        for number, first in enumerate(range(0, n_codes, PART)):
            rng = np.random.default_rng(number)
            n_rows = min(PART, n_codes - first)
            codes = rng.integers(0, 256, (n_rows, 16), dtype=np.uint8)
            n_copies = int(COPIES * n_rows)
            n_groups += n_rows - n_copies
            originals = rng.integers(0, n_rows - n_copies, n_copies)
            flipped = rng.integers(0, 128, (n_copies, MOST_FLIPS))
            flipped = flipped[:, : MOST_FLIPS // 2]  # two copies of one are within the radius too
            masks = np.zeros((n_copies, 128), dtype=np.uint8)
            n_flips = rng.integers(0, MOST_FLIPS // 2 + 1, n_copies)
            for flip in range(MOST_FLIPS // 2):
                rows = np.flatnonzero(n_flips > flip)
                masks[rows, flipped[rows, flip]] = 1
            codes[n_rows - n_copies :] = codes[originals] ^ np.packbits(masks, axis=1)
            names = [f"/images/{row:010d}.jpg" for row in range(first, first + n_rows)]
            offsets = pyarrow.py_buffer(codes.tobytes())
            none = pyarrow.nulls(n_rows)
            columns = [
                pyarrow.array(names),
                pyarrow.array(keys_of(names)),
                pyarrow.FixedSizeBinaryArray.from_buffers(
                    pyarrow.binary(16), n_rows, [None, offsets]
                ),
                pyarrow.array(np.full(n_rows, 100, dtype=np.uint8)),
                *(pyarrow.array(np.full(n_rows, 500, dtype=np.int32)) for _ in range(2)),
                *(none.cast(schema.field(name).type) for name in ("format", "digest", "error")),
            ]
            table = pyarrow.table(columns, schema=schema)
            name = f"part-{number:08d}.parquet"
            stage.write(name, [table], schema)
            units = table.select(["image"]).rename_columns(["unit"])
            listing.write(name, [units], units.schema)
    return n_groups


def size_of(folder: Path) -> float:
    """Return the gigabytes of a directory."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e9


@contextmanager
def peak_disk(folder: Path) -> Iterator[list[float]]:
    """Watch the greatest size of a directory."""
    peak, stop = [0.0], threading.Event()

    def look() -> None:
        while not stop.wait(1.0):
            try:
                peak[0] = max(peak[0], size_of(folder))
            except OSError:  # a file was renamed
                continue

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield peak
    finally:
        stop.set()
        thread.join()


def measure_codes(n_codes: int, n_jobs: int, work: Path) -> dict[str, Any]:
    """Run join, components and split over generated codes, and check what they find."""
    run = work / f"run-{n_codes}"
    n_groups = write_codes(run / "hashes", n_codes)
    row: dict[str, Any] = {"codes": n_codes, "hashes_gb": size_of(run / "hashes")}

    def stage(name: str, call: Callable[[], Any]) -> Any:
        with peak_disk(run / name) as peak, Watch() as watch:
            result = call()
        row[f"{name}_s"], row[f"{name}_gb"] = watch.seconds, watch.gigabytes
        row[f"{name}_disk"] = size_of(run / name)
        row[f"{name}_peak_disk"] = max(peak[0], row[f"{name}_disk"])
        return result

    executor = LocalExecutor(n_jobs)
    finder = NearDuplicateFinder(radius=RADIUS, verify=False)
    stage("pairs", lambda: find_pairs(run / "hashes", run / "pairs", finder, executor=executor))
    found = stage(
        "groups", lambda: components(run / "pairs", run / "groups", hashes=run / "hashes")
    )
    assigned = stage("split", lambda: assign(run / "groups", run / "split", 0.25))
    if found.n_groups != n_groups:
        sys.exit(f"{n_codes} codes: {found.n_groups} groups were found, and {n_groups} planted.")
    if abs(assigned.n_test / n_codes - 0.25) > 1e-3:
        sys.exit(f"{n_codes} codes: the test part has {assigned.n_test} images.")
    shutil.rmtree(run)
    return row


def measure_images(n_images: int, n_jobs: int, work: Path, with_ray: bool) -> dict[str, float]:
    """Hash the same images on local processes and on Ray, both started before."""
    made = make_set("", work / "images", min(n_images, DIFFERENT), 1).paths
    sources = list(made)
    while len(sources) < n_images:  # the same contents under other names
        link = work / "images" / f"again_{len(sources):06}.jpg"
        os.link(made[len(sources) % len(made)], link)
        sources.append(str(link))
    engines: dict[str, Any] = {"local": LocalExecutor(n_jobs)}
    if with_ray:
        import ray

        ray.init(num_cpus=n_jobs, include_dashboard=False, log_to_driver=False)
        engines["ray"] = RayExecutor()
    seconds = {}
    tables = []
    for name, executor in engines.items():
        for part in ("warm", "timed"):
            chosen = sources[: 8 * n_jobs] if part == "warm" else sources
            out = work / f"{name}-{part}"
            start = time.perf_counter()
            hash_dataset(chosen, out, part_size=1024 if part == "timed" else 8, executor=executor)
            seconds[name] = time.perf_counter() - start
        tables.append(read_stage(out))
    if not all(table.equals(tables[0]) for table in tables):
        sys.exit("The engines gave different hashes.")
    return seconds


def print_table(header: list[str], rows: list[list[str]]) -> None:
    """Print a table of Markdown."""
    print("| " + " | ".join(header) + " |")
    print("|" + " ---: |" * len(header))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()


def print_codes(rows: list[dict[str, Any]]) -> None:
    """Print what the stages took."""
    stages = ("pairs", "groups", "split")
    header = ["codes", *(f"{name}, s per million" for name in stages), "all three, s",
              "most memory, GB", "disk, GB", "disk while joining, GB"]  # fmt: skip
    print_table(
        header,
        [
            [
                f"{row['codes'] / 1e6:g} M",
                *(f"{row[f'{name}_s'] / row['codes'] * 1e6:.2f}" for name in stages),
                f"{sum(row[f'{name}_s'] for name in stages):.1f}",
                f"{max(row[f'{name}_gb'] for name in stages):.2f}",
                f"{row['hashes_gb'] + sum(row[f'{name}_disk'] for name in stages):.2f}",
                f"{row['pairs_peak_disk']:.2f}",
            ]
            for row in rows
        ],
    )


def print_extrapolation(rows: list[dict[str, Any]], image_seconds: float, n_jobs: int) -> None:
    """Print what more images would take, from the largest run.

    The join is taken to grow with the square of the number of codes, since its bands are as wide
    as they get (24 bits) from some ten million codes on: an upper bound, for uniform codes. All
    else grows in proportion.
    """
    large = rows[-1]
    table = []
    for goal in GOALS:
        times = goal / large["codes"]
        hashing = image_seconds * n_jobs * goal / 3600
        join = large["pairs_s"] * n_jobs * times**2 / 3600
        rest = (large["groups_s"] + large["split_s"]) * times / 3600
        memory = {name: large[f"{name}_gb"] * times for name in ("pairs", "groups", "split")}
        table.append(
            [
                f"{goal / 1e6:g} M",
                f"{hashing:.0f}",
                f"{join:.0f}",
                f"{rest:.1f}",
                *(f"{memory[name]:.0f}" for name in memory),
                f"{large['hashes_gb'] * times:.0f}",
                f"{large['pairs_disk'] * times:.0f}",
                f"{large['pairs_peak_disk'] * times:.0f}",
                f"{(large['groups_disk'] + large['split_disk']) * times:.0f}",
            ]
        )
    print_table(
        ["images", "hashing, core-hours", "join, core-hours", "groups and split, hours",
         "join, GB of memory", "groups, GB of memory", "split, GB of memory", "hashes, GB of disk",
         "pairs, GB of disk", "while joining, GB of disk", "groups and split, GB of disk"],
        table,
    )  # fmt: skip
    for name in ("pairs", "groups", "split"):
        most = NODE / (large[f"{name}_gb"] / large["codes"]) / 1e6
        print(f"- {name}: one node of {NODE} GB holds {most:.0f} million images.")
    print(
        f"- hashing: any number of nodes; the listing takes some 100 bytes of the driver's memory "
        f"an image, {NODE * 10:.0f} million in {NODE} GB.\n"
    )


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, metavar="N")
    parser.add_argument("--images", type=int, default=20_000, metavar="N")
    parser.add_argument("--jobs", type=int, default=2, metavar="N")
    parser.add_argument("--no-ray", action="store_true", help="do not compare Ray")
    parser.add_argument("--quick", action="store_true", help="see that it runs")
    parser.add_argument("--work", type=Path, help="where to write [default: temporary]")
    parser.add_argument("--json", type=Path, help="write the figures there as well")
    options = parser.parse_args()
    sizes, n_images = sorted(options.sizes), options.images
    if options.quick:
        sizes, n_images = [5_000, 20_000], 60
    with tempfile.TemporaryDirectory(dir=options.work) as folder:
        work = Path(folder)
        rows = []
        for n_codes in sizes:
            rows.append(measure_codes(n_codes, options.jobs, work))
            print(f"{n_codes} codes done", file=sys.stderr)
        seconds = measure_images(n_images, options.jobs, work, not options.no_ray)
    if options.json:
        options.json.write_text(json.dumps({"codes": rows, "images": seconds}, indent=1))
    print(f"{options.jobs} workers, 128 bits, radius {RADIUS}.\n")
    print_codes(rows)
    print(f"{n_images} images: {seconds['local'] / n_images * 1e3:.2f} ms an image (local)")
    if "ray" in seconds:
        print(f"Ray took {seconds['ray'] / seconds['local']:.2f} times as long as local.")
    print()
    print_extrapolation(rows, seconds["local"] / n_images, options.jobs)


if __name__ == "__main__":
    main()
