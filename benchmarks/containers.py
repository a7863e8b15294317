"""Measure how fast many small images are hashed from tar shards and Parquet, and from loose files.

The same images are written as files in folders, as tar shards and as a Parquet file with a column
of bytes. Each set is read by `read_collection` and hashed in a process of its own, with as many
workers, in turn: A B C, A B C, after a warm-up on a tenth of the images. The speed of loose files
is 1. Memory is the sum of the peaks of the process and its workers, and beside it, what a
process holds that has only imported the library and started its workers.
"""

from __future__ import annotations

import argparse
import io
import multiprocessing
import sys
import tarfile
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
from hashing import describe_run, measure_memory, show, stop_workers
from PIL import Image

N_IMAGES = 100_000
PER_FOLDER = 1000
PER_SHARD = 10_000
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
    """The runs on a container: seconds to list the images and to hash them, and memory in MB."""

    listing: list[float] = field(default_factory=list)
    hashing: list[float] = field(default_factory=list)
    memory: float = float("nan")
    at_start: float = float("nan")
    digest: bytes = b""

    @property
    def total(self) -> list[float]:
        """The seconds of each run as a whole."""
        return [sum(pair) for pair in zip(self.listing, self.hashing, strict=True)]


def run(source: Path, jobs: int, n_images: int | None = None) -> tuple[float, float, bytes]:
    """Return the seconds to list and to hash a container, and the hashes."""
    import hashfeatures

    start = perf_counter()
    collection = hashfeatures.read_collection(source)
    if n_images is not None:
        collection = collection.select(np.arange(min(n_images, len(collection))))
    listed = perf_counter()
    featurizer = hashfeatures.ImageHashFeaturizer(
        hashes=("phash", "dhash"), decode="reduced", n_jobs=jobs
    )
    bits = featurizer.fit_transform(collection.images)
    hashed = perf_counter()
    return listed - start, hashed - listed, np.ascontiguousarray(np.asarray(bits)).tobytes()


def measure(sources: dict[str, Path], jobs: int, repeats: int, warm_up: int) -> dict[str, Result]:
    """Time all containers in turn, each in its own process."""
    context = multiprocessing.get_context("spawn")
    processes = {name: ProcessPoolExecutor(1, context) for name in sources}
    results = {name: Result() for name in sources}
    try:
        for name, process in processes.items():
            process.submit(run, sources[name], jobs, warm_up).result()
            results[name].at_start = process.submit(measure_memory).result()
        for _ in range(repeats):
            for name, process in processes.items():
                listing, hashing, bits = process.submit(run, sources[name], jobs).result()
                results[name].listing.append(listing)
                results[name].hashing.append(hashing)
                results[name].digest = bits
        for name, process in processes.items():
            results[name].memory = process.submit(measure_memory).result()
    finally:
        for process in processes.values():
            with suppress(Exception):
                process.submit(stop_workers).result()
            process.shutdown()
    return results


def tabulate(results: dict[str, Result], n_images: int) -> list[list[str]]:
    """Return a table of speeds relative to those of loose files, and of memory."""
    header = ["container", "hashing", "with listing", "images/s", "listing, s", "hashing, s"]
    table = [[*header, "spread", "memory, MB", "at the start"]]
    base = results[LOOSE]
    for name, result in results.items():
        ratios = [
            median(base.hashing) / median(result.hashing),
            median(base.total) / median(result.total),
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
        results = measure(sources, options.jobs, repeats, max(1, n_images // 10))
    print(f"\n#### {n_images} images of 32 to 64 pixels\n", flush=True)
    show(tabulate(results, n_images), options.markdown)
    n_different = len({result.digest for result in results.values()}) - 1
    print("All containers have the same hashes." if not n_different else "Hashes differ.")
    return int(n_different > 0)


if __name__ == "__main__":
    sys.exit(main())
