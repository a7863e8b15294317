"""Measure how long the search for all pairs within a wide radius takes, and its memory.

Each search runs in a process of its own: with this checkout, and in turn with another one if its
path is given. The benchmark fails unless both find the same pairs.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from code_sets import Case

THIS = Path(__file__).resolve().parents[1]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("other", nargs="?", type=Path, help="another checkout")
    parser.add_argument("--codes", nargs="+", type=int, default=[1_000_000])
    parser.add_argument("--bits", type=int, default=128)
    parser.add_argument("--radii", nargs="+", type=int, default=[24, 28])
    parser.add_argument("--kind", choices=["uniform", "skewed"], default="uniform")
    parser.add_argument("--jobs", type=int, default=-1)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="few codes, to see that it runs")
    parser.add_argument("--search", nargs=2, type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.search:
        print(json.dumps(search(chosen, *chosen.search)))
        return
    sizes = [20_000] if chosen.quick else chosen.codes
    sides = {"this": THIS} | ({"other": chosen.other.resolve()} if chosen.other else {})
    print("| codes | radius | checkout | seconds | processor, s | peak, MB | pairs |")
    print("| ---: | ---: | --- | ---: | ---: | ---: | ---: |")
    for n_codes in sizes:
        for radius in chosen.radii:
            compare(chosen, sides, n_codes, radius)


def compare(chosen: Any, sides: dict[str, Path], n_codes: int, radius: int) -> None:
    """Search with each checkout in turn, and print the times and their ratio."""
    results: dict[str, list[dict[str, Any]]] = {side: [] for side in sides}
    for _ in range(chosen.repeats):
        for side, checkout in sides.items():
            results[side].append(run(chosen, checkout, n_codes, radius))
    seconds = {}
    for side, each in results.items():
        seconds[side] = median(result["seconds"] for result in each)
        print(
            f"| {n_codes:,} | {radius} | {side} | {seconds[side]:.2f} "
            f"| {median(result['processor'] for result in each):.2f} "
            f"| {max(result['peak'] for result in each):,.0f} | {each[0]['pairs']:,} |",
            flush=True,
        )
    found = {(result["pairs"], result["sum"]) for each in results.values() for result in each}
    if len(found) > 1:
        sys.exit(f"The checkouts differ in the pairs that they find: {found}.")
    if "other" in seconds:
        print(f"This checkout is {seconds['other'] / seconds['this']:.1f} times as fast.\n")


def run(chosen: Any, checkout: Path, n_codes: int, radius: int) -> dict[str, Any]:
    """Search with a checkout in a process of its own."""
    command = [sys.executable, __file__, "--search", n_codes, radius, "--bits", chosen.bits]
    command += ["--kind", chosen.kind, "--jobs", chosen.jobs]
    path = os.pathsep.join(filter(None, [str(checkout), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [str(part) for part in command],
        env=os.environ | {"PYTHONPATH": path},
        stdout=subprocess.PIPE,
        check=True,
    )
    result: dict[str, Any] = json.loads(done.stdout)
    if not Path(result["package"]).is_relative_to(checkout):
        sys.exit(f"{checkout} holds no package hashfeatures: {result['package']} was measured.")
    return result


def search(chosen: Any, n_codes: int, radius: int) -> dict[str, Any]:
    """Find all pairs once, and return the time, the memory, and a sum that tells pairs apart."""
    import hashfeatures
    from hashfeatures.hamming._index import HammingIndex

    few = Case("uniform", 5000, chosen.bits, radius).codes()
    for _ in HammingIndex(few, np.ones(5000, dtype=bool), chosen.bits).pairs(radius):
        pass  # numba's start and the compiled loops are not measured
    words = Case(chosen.kind, n_codes, chosen.bits, radius).codes()
    present = np.ones(n_codes, dtype=bool)
    began, began_processor = time.perf_counter(), time.process_time()
    n_pairs, total = 0, 0
    for found in HammingIndex(words, present, chosen.bits, chosen.jobs).pairs(radius):
        n_pairs += len(found.left)
        mixed = found.left.astype(np.uint64) << np.uint64(32) | found.right.astype(np.uint64)
        mixed = (mixed ^ mixed >> np.uint64(29)) * np.uint64(0x9E3779B97F4A7C15)
        total += int(((mixed ^ mixed >> np.uint64(32)) + found.distance.astype(np.uint64)).sum())
    return {
        "package": hashfeatures.__file__,
        "seconds": time.perf_counter() - began,
        "processor": time.process_time() - began_processor,
        "peak": peak_megabytes(),
        "pairs": n_pairs,
        "sum": total % 2**64,
    }


def peak_megabytes() -> float:
    """Return the greatest memory that this process has held."""
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1e6 if sys.platform == "darwin" else 1e3)


if __name__ == "__main__":
    main()
