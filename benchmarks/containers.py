"""Measure how fast many small images are hashed from tar shards and Parquet, and from loose files.

The same images are written as files in folders, as tar shards and as a Parquet file with a column
of bytes. Each set is read by `read_collection` in a process of its own, and then hashed by as many
workers, 5,000 images at a time in turn: A B C, A B C. So what else the machine does slows all down
alike. The speed of loose files is 1: by the time of hashing alone, with that of listing the
images, and by the time that the processor spent on hashing. Memory is the sum of the peaks of the
process and its workers, at the end and after the first 5,000 images.
"""

from __future__ import annotations

import argparse
import io
import multiprocessing
import sys
import tarfile
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
import psutil
from hashing import describe_run, measure_memory, show, stop_workers
from PIL import Image

N_IMAGES = 100_000
PER_FOLDER = 1000
PER_SHARD = 10_000
BLOCK = 5000
LOOSE = "loose files"


def make_images(n_images: int, folder: Path) -> None:
    """Write smooth random images of 32 to 64 pixels a side in each of the three containers."""
    import pyarrow as pa
    from pyarrow import parquet

    rng = np.random.default_rng(0)
    schema = pa.schema([("image", pa.binary()), ("name", pa.string())])
    (folder / "shards").mkdir()
    with parquet.ParquetWriter(folder / "images.parquet", schema) as table:
        for shard in range(-(-n_images // PER_SHARD)):
            numbers = np.arange(shard * PER_SHARD, min((shard + 1) * PER_SHARD, n_images))
            with tarfile.open(folder / "shards" / f"{shard:04}.tar", "w") as tar:
                for block in np.split(numbers, range(PER_FOLDER, len(numbers), PER_FOLDER)):
                    images = {name_image(number): draw(rng, number) for number in block.tolist()}
                    below = folder / "loose" / f"{block[0] // PER_FOLDER:04}"
                    below.mkdir(parents=True)
                    for name, content in images.items():
                        (below / name).write_bytes(content)
                        info = tarfile.TarInfo(name)
                        info.size = len(content)
                        tar.addfile(info, io.BytesIO(content))
                    columns = {"image": list(images.values()), "name": list(images)}
                    table.write_table(pa.table(columns, schema=schema))


def name_image(number: int) -> str:
    """Return the name of an image file."""
    return f"{number:08}.{'png' if number % 4 == 0 else 'jpg'}"


def draw(rng: np.random.Generator, number: int) -> bytes:
    """Return an encoded image: a PNG file each fourth time, and a JPEG file otherwise."""
    noise = rng.integers(0, 256, (6, 6, 3), dtype=np.uint8)
    size = (int(rng.integers(32, 65)), int(rng.integers(32, 65)))
    image = Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC)
    buffer = io.BytesIO()
    image.save(buffer, "PNG" if number % 4 == 0 else "JPEG", quality=90)
    return buffer.getvalue()


@dataclass
class Result:
    """The runs on a container: seconds to list its images and to hash them, and memory in MB."""

    listing: list[float] = field(default_factory=list)
    hashing: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)  # seconds to hash, of all processes
    memory: float = float("nan")
    at_start: float = float("nan")
    bits: list[bytes] = field(default_factory=list)  # of the last run

    @property
    def total(self) -> list[float]:
        """The seconds of each run as a whole."""
        return [sum(pair) for pair in zip(self.listing, self.hashing, strict=True)]


_read: list[Any] = []  # the collection that a process has read last


def list_images(source: Path) -> float:
    """Read a container in its own process; return the seconds that it takes."""
    import hashfeatures

    _read.clear()
    start = perf_counter()
    _read.append(hashfeatures.read_collection(source))
    return perf_counter() - start


def hash_block(start: int, stop: int, jobs: int) -> tuple[float, float, bytes]:
    """Hash some images; return the seconds, those of the processor, and the bits."""
    import hashfeatures

    images = _read[0].select(np.arange(start, stop)).images
    begun, used = perf_counter(), count_seconds()
    featurizer = hashfeatures.ImageHashFeaturizer(
        hashes=("phash", "dhash"), decode="reduced", n_jobs=jobs
    )
    bits = featurizer.fit_transform(images)
    seconds = perf_counter() - begun
    return seconds, count_seconds() - used, np.packbits(np.asarray(bits, dtype=bool)).tobytes()


def count_seconds() -> float:
    """Return the seconds that the processor spent on this process and its workers."""
    processes = (psutil.Process(), *psutil.Process().children(recursive=True))
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def measure(sources: dict[str, Path], n_images: int, jobs: int, repeats: int) -> dict[str, Result]:
    """Time all containers in turn, each in its own process."""
    context = multiprocessing.get_context("spawn")
    processes = {name: ProcessPoolExecutor(1, context) for name in sources}
    results = {name: Result() for name in sources}
    try:
        for name, process in processes.items():
            process.submit(list_images, sources[name]).result()
            process.submit(hash_block, 0, min(BLOCK, n_images), jobs).result()
            results[name].at_start = process.submit(measure_memory).result()
        for _ in range(repeats):
            for name, process in processes.items():
                seconds = process.submit(list_images, sources[name]).result()
                results[name].listing.append(seconds)
                results[name].hashing.append(0)
                results[name].processor.append(0)
                results[name].bits.clear()
            for start in range(0, n_images, BLOCK):
                for name, process in processes.items():
                    block = (start, min(start + BLOCK, n_images))
                    seconds, used, bits = process.submit(hash_block, *block, jobs).result()
                    results[name].hashing[-1] += seconds
                    results[name].processor[-1] += used
                    results[name].bits.append(bits)
        for name, process in processes.items():
            results[name].memory = process.submit(measure_memory).result()
    finally:
        for process in processes.values():
            with suppress(BrokenProcessPool):
                process.submit(stop_workers).result()
            process.shutdown()
    return results


def tabulate(results: dict[str, Result], n_images: int) -> list[list[str]]:
    """Return a table of speeds relative to those of loose files, and of memory."""
    header = ["container", "hashing", "with listing", "by processor", "images/s"]
    header += ["listing, s", "hashing, s"]
    table = [[*header, "spread", "memory, MB", "after 5,000"]]
    base = results[LOOSE]
    for name, result in results.items():
        ratios = [
            median(base.hashing) / median(result.hashing),
            median(base.total) / median(result.total),
            median(base.processor) / median(result.processor),
        ]
        spread = (max(result.hashing) - min(result.hashing)) / median(result.hashing)
        table.append(
            [
                name,
                *(f"{ratio:.2f}" for ratio in ratios),
                f"{n_images / median(result.hashing):.0f}",
                f"{median(result.listing):.2f}",
                f"{median(result.hashing):.2f}",
                f"{spread:.0%}",
                f"{result.memory:.0f}",
                f"{result.at_start:.0f}",
            ]
        )
    return table


def main() -> int:
    """Run the benchmark; return 1 if the hashes of two containers differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=N_IMAGES, help="the number of images")
    parser.add_argument("--jobs", type=int, default=2, help="workers")
    parser.add_argument("--repeats", type=int, default=3, help="timed runs of every container")
    parser.add_argument("--quick", action="store_true", help="one run on 1,000 images")
    parser.add_argument("--markdown", action="store_true", help="print Markdown tables")
    options = parser.parse_args()
    n_images = 1000 if options.quick else options.images
    repeats = 1 if options.quick else options.repeats
    print(describe_run(options.jobs, repeats), flush=True)
    with TemporaryDirectory(prefix="hashfeatures-benchmark-") as temporary:
        folder = Path(temporary)
        make_images(n_images, folder)
        sources = {
            LOOSE: folder / "loose",
            "tar shards": folder / "shards",
            "Parquet file": folder / "images.parquet",
        }
        results = measure(sources, n_images, options.jobs, repeats)
    print(f"\n#### {n_images} images of 32 to 64 pixels\n", flush=True)
    show(tabulate(results, n_images), options.markdown)
    are_equal = all(result.bits == results[LOOSE].bits for result in results.values())
    print("All containers have the same hashes." if are_equal else "The hashes differ.")
    return int(not are_equal)


if __name__ == "__main__":
    sys.exit(main())
