"""Measure the stages of hashfeatures.distributed with planted near duplicates, and extrapolate.

The hashes and thumbnails are written directly, see `planted_stages.py`. So the right pairs and
groups are known and checked. `image_sets.py` makes the images that are hashed from photos, or
takes those of folders. Run this on a quiet machine. A million images with thumbnails need 14 GB of
disk. 20 million codes alone need 6 GB of memory, 12 GB of disk and some minutes.
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

import psutil
from image_sets import copy_set, make_set
from planted_stages import NOMINATED, PICTURES, open_pictures, write_hashes

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

RADIUS, ALONE_RADIUS = 28, 12  # the defaults where pixels confirm, and of hashes alone
SIZES = (100_000, 1_000_000)
ALONE_SIZES = (100_000, 1_000_000, 5_000_000, 10_000_000, 20_000_000)
GOALS = (10_000_000, 100_000_000, 1_000_000_000)
DIFFERENT = 2000  # images that are made; more are links to them
NODE = 64  # GB of memory of the node that the extrapolation asks about
STAGES = ("pairs", "groups", "split")


class Watch:
    """Seconds, core-seconds, and the greatest memory of this process and those it started.

    Pages of mapped files that several processes share are counted once (PSS); they are part of
    the figure although the system could do without them.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self.core_seconds = 0.0
        self.gigabytes = 0.0

    def __enter__(self) -> Watch:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._cores = self._count_cores()
        self._start = time.perf_counter()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.perf_counter() - self._start
        self.core_seconds = self._count_cores() - self._cores
        self._stop.set()
        self._thread.join()

    @staticmethod
    def _count_cores() -> float:
        """Return the seconds of the processor that all processes have used, even ended ones."""
        me = psutil.Process()
        total = 0.0
        for process in [me, *me.children(recursive=True)]:
            try:
                total += sum(process.cpu_times()[:4])
            except psutil.Error:
                continue
        return total

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


def measure_stages(
    n_images: int, n_jobs: int, work: Path, pictures: Any, radius: int
) -> dict[str, Any]:
    """Run all stages after hashing over planted images, and check what they find.

    Parameters
    ----------
    n_images, n_jobs
        The numbers of images and workers.
    work : Path
        Where to write.
    pictures : ndarray or None
        The pictures of the images; with None, hashes alone are compared.
    radius : int
        The radius of the search.

    Returns
    -------
    dict
        The seconds, core-seconds and gigabytes of each stage. With pictures, the stage "join" is a
        search by hashes alone within the same radius, so that the rest of "pairs" is confirmation.
    """
    run = work / f"run-{n_images}"
    finder = NearDuplicateFinder(radius=radius, verify=pictures is not None)
    planted = write_hashes(run / "hashes", n_images, finder, pictures, radius)
    row: dict[str, Any] = {"images": n_images, "hashes_disk": size_of(run / "hashes")}
    executor = LocalExecutor(n_jobs)

    def stage(name: str, call: Callable[[], Any]) -> Any:
        with peak_disk(run / name) as peak, Watch() as watch:
            result = call()
        row[f"{name}_s"], row[f"{name}_gb"] = watch.seconds, watch.gigabytes
        row[f"{name}_core_s"] = watch.core_seconds
        row[f"{name}_disk"] = size_of(run / name)
        row[f"{name}_peak_disk"] = max(peak[0], row[f"{name}_disk"])
        return result

    def join(name: str, finder: NearDuplicateFinder) -> Any:
        return stage(
            name, lambda: find_pairs(run / "hashes", run / name, finder, executor=executor)
        )

    if pictures is not None:
        alone = NearDuplicateFinder(radius=radius, verify=False)
        nominated = join("join", alone).n_pairs
        if nominated < planted.n_strangers:
            sys.exit(f"{n_images} images: {nominated} pairs were nominated.")
        row["nominated"] = nominated
    join("pairs", finder)
    if fault := planted.check(run / "pairs"):
        sys.exit(f"{n_images} images: {fault}.")
    found = stage(
        "groups",
        lambda: components(
            run / "pairs", run / "groups", hashes=run / "hashes", executor=executor
        ),
    )
    assigned = stage("split", lambda: assign(run / "groups", run / "split", test_size=0.25))
    n_groups = planted.count_groups(run / "pairs")
    if found.n_groups != n_groups:
        sys.exit(f"{n_images} images: {found.n_groups} groups were found, and {n_groups} planted.")
    if abs(assigned.n_test / n_images - 0.25) > 1e-3:
        sys.exit(f"{n_images} images: the test part has {assigned.n_test} images.")
    shutil.rmtree(run)
    return row


def link_images(n_images: int, work: Path, folders: list[Path]) -> list[str]:
    """Return the paths of as many images as wanted: few contents under many names."""
    made = []
    for number, folder in enumerate(folders):
        made += copy_set(folder, work / f"images-{number}", n_images).paths
    made = made or make_set("", work / "images-0", min(n_images, DIFFERENT), 1).paths
    sources = made[:n_images]
    while len(sources) < n_images:
        link = work / "images-0" / f"again_{len(sources):06}{Path(made[0]).suffix}"
        os.link(made[len(sources) % len(made)], link)
        sources.append(str(link))
    return sources


def measure_images(
    n_images: int, n_jobs: int, work: Path, with_ray: bool, folders: list[Path]
) -> dict[str, Any]:
    """Hash the same images on local processes and on Ray, both started before.

    Local processes hash them with thumbnails and without, in turns.
    """
    sources = link_images(n_images, work, folders)
    finders = {
        "with thumbnails": NearDuplicateFinder(),
        "alone": NearDuplicateFinder(verify=False),
    }
    engines: dict[str, Any] = {"local": LocalExecutor(n_jobs)}
    if with_ray:
        import ray

        ray.init(num_cpus=n_jobs, include_dashboard=False, log_to_driver=False)
        engines["ray"] = RayExecutor()
    figures: dict[str, Any] = {"images": n_images}
    for kind, finder in finders.items():
        tables = []
        for name, executor in engines.items():
            for part in ("warm", "timed"):
                chosen = sources[: 8 * n_jobs] if part == "warm" else sources
                out = work / f"{kind}-{name}-{part}"
                part_size = 512 if part == "timed" else 8
                with Watch() as watch:
                    hash_dataset(chosen, out, finder, part_size=part_size, executor=executor)
            figures[f"{kind}, {name}"] = watch.seconds / n_images
            if name == "local":
                figures[f"{kind}, core"] = watch.core_seconds / n_images
                figures[f"{kind}, bytes"] = size_of(out) * 1e9 / n_images
            tables.append(read_stage(out))
        if not all(table.equals(tables[0]) for table in tables):
            sys.exit("The engines gave different hashes.")
    return figures


def print_table(header: list[str], rows: list[list[str]]) -> None:
    """Print a table of Markdown."""
    print("| " + " | ".join(header) + " |")
    print("|" + " ---: |" * len(header))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()


def print_stages(rows: list[dict[str, Any]]) -> None:
    """Print what the stages took."""
    is_confirmed = "nominated" in rows[0]
    header = ["images", *(f"{name}, s per million" for name in STAGES), "all three, s",
              "most memory, GB", "disk, GB", "disk while pairing, GB"]  # fmt: skip
    if is_confirmed:
        header += ["nominated pairs", "join, core-s", "join and confirmation, core-s"]
    table = []
    for row in rows:
        cells = [
            f"{row['images'] / 1e6:g} M",
            *(f"{row[f'{name}_s'] / row['images'] * 1e6:.2f}" for name in STAGES),
            f"{sum(row[f'{name}_s'] for name in STAGES):.1f}",
            f"{max(row[f'{name}_gb'] for name in STAGES):.2f}",
            f"{row['hashes_disk'] + sum(row[f'{name}_disk'] for name in STAGES):.2f}",
            f"{row['pairs_peak_disk']:.2f}",
        ]
        if is_confirmed:
            cells += [f"{row['nominated']:,}", f"{row['join_core_s']:.1f}"]
            cells += [f"{row['pairs_core_s']:.1f}"]
        table.append(cells)
    print_table(header, table)


def print_images(figures: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    """Print what hashing took, and what confirmation adds to it."""
    n_images = figures["images"]
    table = [
        [kind, *(f"{figures[f'{kind}, {what}'] * 1e3:.3f}" for what in ("local", "core")),
         f"{figures[f'{kind}, bytes']:.0f}"]
        for kind in ("alone", "with thumbnails")
    ]  # fmt: skip
    print(f"{n_images} images hashed:\n")
    print_table(["hashes", "ms an image", "core-ms an image", "bytes an image on disk"], table)
    if "alone, ray" in figures:
        ratio = figures["alone, ray"] / figures["alone, local"]
        print(f"Ray took {ratio:.2f} times as long as local.\n")
    for row in rows:
        alone = figures["alone, core"] * row["images"]
        thumbnails = figures["with thumbnails, core"] * row["images"] / alone - 1
        confirmation = (row["pairs_core_s"] - row["join_core_s"]) / alone
        print(
            f"- {row['images'] / 1e6:g} M images: of hashing's core-seconds, thumbnails take "
            f"{thumbnails:.1%} and confirmation {confirmation:.1%} more."
        )
    print()


def print_extrapolation(rows: list[dict[str, Any]], figures: dict[str, Any], kind: str) -> None:
    """Print what more images would take, from the largest run.

    The join is taken to grow with the square of the number of images, since its bands are as wide
    as they get (24 bits) from some ten million codes on: an upper bound, for uniform codes. So do
    the pairs that hashes nominate within one radius. All else grows in proportion.
    """
    large = rows[-1]
    table = []
    for goal in GOALS:
        times = goal / large["images"]
        memory = {name: large[f"{name}_gb"] * times for name in STAGES}
        join = large["join_core_s" if "nominated" in large else "pairs_core_s"]
        cells = [
            f"{goal / 1e6:g} M",
            f"{figures[f'{kind}, core'] * goal / 3600:.0f}",
            f"{join * times**2 / 3600:.0f}",
            f"{(large['groups_s'] + large['split_s']) * times / 3600:.1f}",
            *(f"{memory[name]:.0f}" for name in memory),
            f"{figures[f'{kind}, bytes'] * goal / 1e9:.0f}",
            f"{(large['groups_disk'] + large['split_disk']) * times:.0f}",
        ]
        table.append(cells)
    header = [
        "images", "hashing, core-hours", "join, core-hours", "groups and split, hours",
        "join, GB of memory", "groups, GB of memory", "split, GB of memory", "hashes, GB of disk",
        "groups and split, GB of disk",
    ]  # fmt: skip
    print_table(header, table)
    if "nominated" in large:
        print_confirmation(large)
    for name in STAGES:
        most = NODE / (large[f"{name}_gb"] / large["images"]) / 1e6
        print(f"- {name}: one node of {NODE} GB holds {most:.0f} million images.")
    print(
        f"- hashing: any number of nodes; the listing takes some 100 bytes of the driver's memory "
        f"an image, {NODE * 10:.0f} million in {NODE} GB.\n"
    )


def print_confirmation(large: dict[str, Any]) -> None:
    """Print what the confirmation of the pairs takes that hashes nominate within other radii."""
    each = (large["pairs_core_s"] - large["join_core_s"]) / large["nominated"]
    table = []
    for radius, share in NOMINATED.items():
        cells = [f"{radius}"]
        for goal in GOALS:
            n_pairs = share * goal**2 / 2
            cells.append(f"{n_pairs / 1e6:,.0f} M, {n_pairs * each / 3600:,.0f} core-hours")
        table.append(cells)
    print_table(["radius", *(f"{goal / 1e6:g} M images" for goal in GOALS)], table)
    print(f"A nominated pair takes {each * 1e6:.0f} µs.\n")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="*", metavar="DIR", help="images to hash")
    parser.add_argument("--sizes", type=int, nargs="+", metavar="N")
    parser.add_argument("--alone", action="store_true", help="compare hashes alone")
    parser.add_argument(
        "--radius", type=int, help=f"of the search ({RADIUS}, or {ALONE_RADIUS} with --alone)"
    )
    parser.add_argument("--images", type=int, default=20_000, metavar="N", help="to hash (20000)")
    parser.add_argument("--jobs", type=int, default=2, metavar="N")
    parser.add_argument("--no-ray", action="store_true", help="do not compare Ray")
    parser.add_argument("--quick", action="store_true", help="see that it runs")
    parser.add_argument("--work", type=Path, help="where to write [default: temporary]")
    parser.add_argument("--json", type=Path, help="write the figures there as well")
    options = parser.parse_args()
    sizes = sorted(options.sizes or (ALONE_SIZES if options.alone else SIZES))
    n_images = options.images
    radius = options.radius or (ALONE_RADIUS if options.alone else RADIUS)
    if not options.alone and radius not in NOMINATED:
        sys.exit(f"--radius must be one of {list(NOMINATED)}. Got {radius}.")
    if options.quick:
        sizes, n_images = [5_000, 20_000], 60
    pictures = None if options.alone else open_pictures(60 if options.quick else PICTURES)
    with tempfile.TemporaryDirectory(dir=options.work) as folder:
        work = Path(folder)
        rows = []
        for size in sizes:
            rows.append(measure_stages(size, options.jobs, work, pictures, radius))
            print(f"{size} images done", file=sys.stderr)
        figures = measure_images(n_images, options.jobs, work, not options.no_ray, options.folders)
    if options.json:
        options.json.write_text(json.dumps({"stages": rows, "hashing": figures}, indent=1))
    print(f"{options.jobs} workers, 128 bits, radius {radius}.\n")
    print_stages(rows)
    print_images(figures, [] if options.alone else rows)
    kind = "alone" if options.alone else "with thumbnails"
    print_extrapolation(rows, figures, kind)


if __name__ == "__main__":
    main()
