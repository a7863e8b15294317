"""Measure how fast the stages hash the same photos from files, tar files, Parquet and a stream.

Each run is a process of its own, with the given number of workers. The times are those of
`hash_dataset` alone: what passes, and what the processors of all processes and of the main process
work. Memory is the most that the main process held while it hashed, beyond what it held before. A
stream repeats the photos, so that one that is held would be seen. The codes of all sources are
compared with those of the files. The command fails if any differ.

The second table has the seconds that listing a folder of Parquet files takes in a bucket, whose
answers take 20 milliseconds each.
"""

from __future__ import annotations

import argparse
import io
import json
import resource
import subprocess
import sys
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, sleep

import fsspec
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
from fsspec.implementations.memory import MemoryFileSystem

from hashfeatures import NearDuplicateFinder
from hashfeatures.distributed import LocalExecutor, hash_dataset, read_stage
from hashfeatures.distributed.sources._listing import find_images
from hashfeatures.images._files import has_image_suffix

SOURCES = ("files", "tar", "parquet", "stream")
N_SHARDS = 8
N_TABLES = 200
LATENCY = 0.02


def write_shards(files: list[Path], folder: Path) -> str:
    """Write the photos to tar files, and return their pattern."""
    for shard in range(N_SHARDS):
        with tarfile.open(folder / f"{shard}.tar", "w") as tar:
            for file in files[shard::N_SHARDS]:
                tar.add(file, file.name)
    return str(folder / "*.tar")


def write_table(files: list[Path], folder: Path) -> str:
    """Write the photos to a Parquet file, and return its path."""
    table = folder / "photos.parquet"
    schema = pa.schema({"image": pa.binary()})
    with pq.ParquetWriter(table, schema) as writer:
        for start in range(0, len(files), 100):
            photos = [file.read_bytes() for file in files[start : start + 100]]
            writer.write_table(pa.table([photos], schema=schema))
    return str(table)


def open_stream(files: list[Path], n_repeats: int):
    """Return a stream of the photos, several times over."""
    import datasets

    def rows():
        for _ in range(n_repeats):
            for file in files:
                yield {"image": {"bytes": file.read_bytes(), "path": None}}

    features = datasets.Features({"image": datasets.Image()})
    return datasets.IterableDataset.from_generator(rows, features=features)


def hash_one(kind: str, folder: Path, out: str, n_jobs: int, n_repeats: int) -> dict[str, float]:
    """Hash one source in this process, and return what it took."""
    files = sorted(path for path in folder.iterdir() if has_image_suffix(path.name))
    with TemporaryDirectory() as place:
        source = {
            "files": lambda: list(map(str, files)),
            "tar": lambda: write_shards(files, Path(place)),
            "parquet": lambda: write_table(files, Path(place)),
            "stream": lambda: open_stream(files, n_repeats),
        }[kind]()
        workers = LocalExecutor(n_jobs)
        finder = NearDuplicateFinder()
        with TemporaryDirectory() as warm:  # the workers start, and load compiled functions
            hash_dataset(list(map(str, files[:8])), warm, finder, part_size=1, executor=workers)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        main_before, all_before = worked()
        start = perf_counter()
        done = hash_dataset(source, out, finder, part_size=64, executor=workers)
        seconds = perf_counter() - start
        main_after, all_after = worked()
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "images": done.n_images,
        "seconds": seconds,
        "all": all_after - all_before,
        "main": main_after - main_before,
        "MB": (most - before) / 1024,
    }


def worked() -> tuple[float, float]:
    """Return the seconds that processors worked for this process, and for it and its workers."""
    here = psutil.Process()
    times = [process.cpu_times() for process in (here, *here.children(recursive=True))]
    seconds = [time.user + time.system for time in times]
    return seconds[0], sum(seconds)


class Distant(MemoryFileSystem):
    """A bucket whose answers take a while."""

    protocol = "distant"
    store: dict = {}  # noqa: RUF012

    @classmethod
    def _strip_protocol(cls, path):
        return "/" + path.removeprefix("distant://").lstrip("/")

    def open(self, *arguments, **options):
        """Open a file, as a distant server would."""
        sleep(LATENCY)
        return super().open(*arguments, **options)


def list_tables(n_tables: int) -> tuple[float, int]:
    """Return the seconds that listing takes, and the number of row groups."""
    fsspec.register_implementation("distant", Distant, clobber=True)
    content = io.BytesIO()
    pq.write_table(pa.table({"image": [b"x"] * 4}), content, row_group_size=2)
    bucket = fsspec.filesystem("distant")
    for number in range(n_tables):
        bucket.pipe(f"/b/{number:05}.parquet", content.getvalue())
    start = perf_counter()
    n_groups = sum(1 for _ in find_images("distant://b").entries)
    return perf_counter() - start, n_groups


def codes_of(out: str) -> set[bytes]:
    """Return the different codes in a directory of hashes."""
    return set(read_stage(out)["codes"].dropna())


def main() -> int:
    """Measure all sources, and print tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="a folder of photos")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3, help="of the photos in the stream")
    parser.add_argument("--tables", type=int, default=N_TABLES)
    parser.add_argument("--sources", nargs="+", choices=SOURCES, default=SOURCES[1:])
    parser.add_argument("--one", choices=SOURCES, help=argparse.SUPPRESS)
    parser.add_argument("--out", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        found = hash_one(options.one, options.folder, options.out, options.jobs, options.repeats)
        print(json.dumps(found))
        return 0
    print(
        "| source | images | images/s | core-ms an image | of these in the main process "
        "| MB of the main process | codes that differ |"
    )
    print("| --- |" + " ---: |" * 6)
    n_differ = 0
    with TemporaryDirectory() as place:
        for kind in (SOURCES[0], *options.sources):
            out = f"{place}/{kind}"
            command = [sys.executable, __file__, str(options.folder), "--one", kind, "--out", out]
            command += ["--jobs", str(options.jobs), "--repeats", str(options.repeats)]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
            found = json.loads(done.stdout)
            differing = len(codes_of(out) ^ codes_of(f"{place}/files"))
            n_differ += differing
            n_images = found["images"]
            core, main = (1000 * found[key] / n_images for key in ("all", "main"))
            print(
                f"| {kind} | {n_images} | {n_images / found['seconds']:.0f} | {core:.2f} "
                f"| {main:.2f} | {found['MB']:.0f} | {differing} |"
            )
    seconds, n_groups = list_tables(options.tables)
    print("\n| Parquet files | row groups | listing, s | one look after the other, s |")
    print("| ---: | ---: | ---: | ---: |")
    least = options.tables * LATENCY
    print(f"| {options.tables} | {n_groups} | {seconds:.2f} | {least:.2f} or more |")
    return 1 if n_differ else 0


if __name__ == "__main__":
    sys.exit(main())
