"""Measure how many edited copies views, hashes and peers find, at equal rates of false matches.

Images of the first folder are edited. Every two images of all folders count as different, except
pairs that show the same picture (see `same_picture.py`). A contestant gives a distance to two
images. Its radius is the largest that matches no more than one in 100,000 pairs of different
images (or one pair, if there are fewer). Its recall is the share of edited copies within that
radius of their originals. The peers' own settings are recreated from the same hashes, each at the
radius that its documentation names.
"""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from held_out_edits import HELD_OUT_EDITS
from joblib import Parallel, delayed
from numpy.typing import NDArray
from same_picture import find_files, find_same, make_files, thumbnail

from hashfeatures.duplicates.fingerprints._views import ViewCodes
from hashfeatures.edits import EVERYDAY_EDITS
from hashfeatures.exceptions import MissingExtraError
from hashfeatures.hamming._packing import hamming_distances
from hashfeatures.hashing._spec import HashSpec, parse_hashes
from hashfeatures.hashing._worker import hash_one
from hashfeatures.hashing.views._view_hashes import ViewsSpec
from hashfeatures.hashing.views._windows import VIEW_SETS
from hashfeatures.images._decoding import Decoding, Reduction
from hashfeatures.images._read import read_image

RATE = 1e-5  # false matches a pair of different images
EDITS = (*EVERYDAY_EDITS, *HELD_OUT_EDITS)
N_EVERYDAY = len(EVERYDAY_EDITS)
VIEWS_REACH = 24  # the greatest distance over views that is looked at
DECODING = Decoding("reduced")
REDUCTION = Reduction(512)
WORD = 64

TWO = parse_hashes(("phash", "dhash"))
ROBUST = ViewsSpec.of(TWO, "robust")
N_TURNS = 8

Words = NDArray[np.uint64]
Same = set[tuple[int, int]]


@dataclass(frozen=True)
class Contestant:
    """A way to measure the distance of two images.

    Parameters
    ----------
    name : str
        What it is called.
    hashes : tuple of str
        The hashes whose bits are compared; with `views`, phash and dhash.
    documented : int or None
        The radius that its documentation names.
    views : str
        The views that are compared.
    """

    name: str
    hashes: tuple[str, ...]
    documented: int | None = None
    views: str = "identity"


CONTESTANTS = (
    Contestant("ImageHash's ahash", ("ahash",)),
    Contestant("ImageHash's phash", ("phash",)),
    Contestant("ImageHash's dhash", ("dhash",)),
    Contestant("ImageHash's whash", ("whash",)),
    Contestant("ImageHash's colorhash", ("colorhash",)),
    Contestant("imagededup's phash at 10", ("phash",), 10),
    Contestant("czkawka's gradient of 16 at 5", ("dhash:16",), 5),
    Contestant("perception's phash of 16 at 51", ("phash:16",), 51),
    Contestant("pdq at 31", ("pdq",), 31),
    Contestant("phash, dhash", ("phash", "dhash"), 12),
    Contestant("phash, dhash, flips", ("phash", "dhash"), 12, "flips"),
    Contestant("phash, dhash, dihedral", ("phash", "dhash"), 12, "dihedral"),
    Contestant("phash, dhash, robust", ("phash", "dhash"), 9, "robust"),
)

# The contestants whose recall is listed by edit.
SHOWN = (
    *("ImageHash's phash", "ImageHash's dhash", "pdq at 31"),
    *("phash, dhash", "phash, dhash, dihedral", "phash, dhash, robust"),
)


# ---- Hashing ----


def choose_specs() -> tuple[HashSpec, ...]:
    """Return every hash of the contestants whose packages are installed."""
    names = dict.fromkeys(name for contestant in CONTESTANTS for name in contestant.hashes)
    specs: list[HashSpec] = [ROBUST]
    for spec in parse_hashes(list(names)):
        try:
            spec.check_installed()
        except MissingExtraError as error:
            print(f"Left out: {error}", flush=True)
        else:
            specs.append(spec)
    return tuple(specs)


def hash_file(path: str, specs: Sequence[HashSpec]) -> dict[str, bytes]:
    """Return the hashes of a file."""
    return hash_one(path, specs, DECODING, reduction=REDUCTION).hashes


def hash_edits(path: str, specs: Sequence[HashSpec], seed: int) -> list[dict[str, bytes]]:
    """Return the hashes of every edited copy of a file."""
    image = read_image(path).image
    return [
        hash_one(edit(image, seed), specs, DECODING, reduction=REDUCTION).hashes for edit in EDITS
    ]


def stack(records: Sequence[dict[str, bytes]], hashes: Sequence[str]) -> Words:
    """Return the concatenated bits of hashes, packed into words."""
    joined = [b"".join(record[name] for name in hashes) for record in records]
    n_bytes = -(-len(joined[0]) // 8) * 8
    padded = b"".join(bits.ljust(n_bytes, b"\0") for bits in joined)
    return np.frombuffer(padded, dtype=np.uint64).reshape(len(joined), -1)


def stack_views(records: Sequence[dict[str, bytes]], views: str) -> ViewCodes:
    """Return the codes of the views in a set."""
    chosen = VIEW_SETS[views]
    words = stack(records, [str(ROBUST)]).reshape(len(records), ROBUST.views.n_views, -1)
    # The views of the smaller sets are the first of the robust ones.
    words = words[:, : chosen.n_views]
    return ViewCodes(words, chosen)


# ---- Distances ----


@dataclass(frozen=True)
class Distances:
    """The distances that a contestant measures between different images, and to copies.

    Parameters
    ----------
    different : ndarray of shape (reach + 1,)
        The numbers of pairs of different images at each distance.
    copies : ndarray of shape (n_edited, n_edits)
        The distance of each edited copy to its original.
    n_pairs : int
        How many pairs of different images there are.
    """

    different: NDArray[np.int64]
    copies: NDArray[np.int64]
    n_pairs: int

    @property
    def rates(self) -> NDArray[np.float64]:
        """The share of the pairs of different images that are within each radius."""
        rates: NDArray[np.float64] = np.cumsum(self.different) / self.n_pairs
        return rates

    def radius(self) -> int | None:
        """Return the greatest radius that keeps to the rate."""
        # If there are few pairs, one false match is allowed.
        allowed = np.flatnonzero(self.rates <= max(RATE, 1 / self.n_pairs))
        return int(allowed[-1]) if len(allowed) else None

    def recall(self, radius: int | None) -> NDArray[np.float64]:
        """Return the share of copies that are found, by edit."""
        if radius is None:
            return np.zeros(self.copies.shape[1])
        shares: NDArray[np.float64] = (self.copies <= radius).mean(axis=0)
        return shares


def compare(
    contestant: Contestant,
    files: Sequence[dict[str, bytes]],
    edited: Sequence[Sequence[dict[str, bytes]]],
    rows: Sequence[int],
    same: Same,
    jobs: int,
) -> Distances:
    """Measure a contestant."""
    n_files = len(files)
    n_pairs = n_files * (n_files - 1) // 2 - len(same)
    originals = [files[row] for row in rows]
    if contestant.views == "identity":
        words = stack(files, contestant.hashes)
        different = count_pairs(words, same)
        kept = words[list(rows)]
        copies = [
            hamming_distances(kept, stack(records, contestant.hashes))
            for records in zip(*edited, strict=True)
        ]
    else:
        codes = stack_views(files, contestant.views)
        near = codes.pairs(VIEWS_REACH, jobs)
        apart = [
            pair not in same for pair in zip(near.left.tolist(), near.right.tolist(), strict=True)
        ]
        different = np.bincount(near.distance[apart], minlength=VIEWS_REACH + 1)
        left = stack_views(originals, contestant.views)
        copies = [
            left.distances(stack_views(records, contestant.views))
            for records in zip(*edited, strict=True)
        ]
    return Distances(different, np.stack(copies, axis=1), n_pairs)


def count_pairs(words: Words, same: Same) -> NDArray[np.int64]:
    """Return the number of pairs of rows at each distance, without those in `same`."""
    counts = np.zeros(WORD * words.shape[1] + 1, dtype=np.int64)
    for row in range(len(words) - 1):
        counts += np.bincount(
            hamming_distances(words[row], words[row + 1 :]), minlength=len(counts)
        )
    for left, right in same:
        counts[hamming_distances(words[left], words[right])] -= 1
    return counts


# ---- Tables and the figure ----


def overview(measured: dict[str, Distances]) -> list[list[str]]:
    """Return a table of all contestants, at the equal rate and at their documented radius."""
    table = [
        ["", "radius", "everyday", "held out", "documented", "everyday", "held out", "false/1e5"]
    ]
    for contestant in CONTESTANTS:
        if contestant.name not in measured:
            continue
        result = measured[contestant.name]
        radius = result.radius()
        row = [contestant.name, "none" if radius is None else str(radius)]
        row += means(result.recall(radius))
        if contestant.documented is None:
            row += ["", "", "", ""]
        else:
            rate = 1e5 * result.rates[contestant.documented]
            row += [str(contestant.documented), *means(result.recall(contestant.documented))]
            row.append(f"{rate:.2f}")
        table.append(row)
    return table


def means(shares: NDArray[np.float64]) -> list[str]:
    """Return the mean recall over the everyday and over the held-out edits."""
    return [f"{part.mean():.3f}" for part in (shares[:N_EVERYDAY], shares[N_EVERYDAY:])]


def by_edit(measured: dict[str, Distances]) -> list[list[str]]:
    """Return a table of recall by edit, at the equal rate."""
    shown = [name for name in SHOWN if name in measured]
    table = [["edit", *shown]]
    shares = [measured[name].recall(measured[name].radius()) for name in shown]
    for number, edit in enumerate(EDITS):
        mark = "" if number < N_EVERYDAY else "(held out) "
        table.append([f"{mark}{edit}", *(f"{part[number]:.3f}" for part in shares)])
    return table


def show(table: list[list[str]], markdown: bool) -> None:
    """Print a table whose first row is its header."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    rule = [width * "-" for width in widths]
    if markdown:
        rule = [rule[0], *(cells[:-1] + ":" for cells in rule[1:])]
    for row in (table[0], rule, *table[1:]):
        first, *others = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        others = [
            cell.strip().rjust(width) for cell, width in zip(others, widths[1:], strict=True)
        ]
        cells = [first, *others]
        print(f"| {' | '.join(cells)} |" if markdown else "  ".join(cells))
    print(flush=True)


def plot(measured: dict[str, Distances], path: Path) -> None:
    """Plot recall against the rate of false matches, for the everyday and the held-out edits."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(12, 5.5), sharey=True, layout="constrained")
    colors = plt.get_cmap("tab20").colors  # type: ignore[attr-defined]
    edits = {"everyday edits": slice(N_EVERYDAY), "held-out edits": slice(N_EVERYDAY, None)}
    for axis, (title, part) in zip(axes, edits.items(), strict=True):
        for number, contestant in enumerate(CONTESTANTS):
            if contestant.name not in measured:
                continue
            result = measured[contestant.name]
            rates = result.rates
            recall = [(result.copies[:, part] <= r).mean() for r in range(len(rates))]
            own = contestant.hashes == ("phash", "dhash")
            style: dict[str, Any] = {"color": colors[number], "lw": 2.5 if own else 1.2}
            style["ls"] = "-" if own else "--"
            axis.plot(np.maximum(rates, 1e-8), recall, label=contestant.name, **style)
            if contestant.documented is not None:
                at = contestant.documented
                axis.plot(max(rates[at], 1e-8), recall[at], "o", color=colors[number])
        axis.axvline(RATE, color="gray", lw=1, ls=":")
        axis.set(xscale="log", xlim=(2e-8, 1e-2), ylim=(0, 1.02), title=title)
        axis.set_xlabel("share of the pairs of different images that match")
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("share of the edited copies that are found")
    axes[1].legend(loc="center left", bbox_to_anchor=(1.02, 0.5), frameon=False)
    figure.savefig(path, dpi=110)
    print(f"Written: {path}", flush=True)


def describe_run(n_files: int, n_edited: int, n_same: int) -> str:
    """Return a text that describes the measurement and the releases."""
    found = [f"Python {platform.python_version()}"]
    for name in ("hashfeatures", "numpy", "pillow", "ImageHash", "pdqhash"):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return (
        f"{n_edited} images edited in {N_EVERYDAY} everyday and {len(EDITS) - N_EVERYDAY} "
        f"held-out ways, among {n_files} images; {n_same} pairs that show the same picture set "
        f"aside. {', '.join(found)}."
    )


def main() -> int:
    """Run the benchmark; return 1 if views find less than hashes alone."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "folders",
        nargs="*",
        type=Path,
        metavar="DIR",
        help="images: those of the first are edited",
    )
    parser.add_argument("--edited", type=int, default=500, help="the most images to edit")
    parser.add_argument("--jobs", type=int, default=2, help="workers")
    parser.add_argument("--quick", action="store_true", help="edit 20 images")
    parser.add_argument("--markdown", action="store_true", help="print Markdown tables")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="where to draw the figure")
    options = parser.parse_args()
    specs = choose_specs()
    known = {str(spec) for spec in specs}
    pool = Parallel(n_jobs=options.jobs)
    with TemporaryDirectory(prefix="hashfeatures-benchmark-") as temporary:
        if options.folders:
            sets = [find_files(folder) for folder in options.folders]
        else:
            sets = [make_files(Path(temporary))]
        paths = [path for files in sets for path in files]
        n_edited = min(20 if options.quick else options.edited, len(sets[0]))
        rows = np.random.default_rng(0).permutation(len(sets[0]))[:n_edited].tolist()
        files = pool(delayed(hash_file)(path, specs) for path in paths)
        same = find_same(pool(delayed(thumbnail)(path) for path in paths))
        edited = pool(delayed(hash_edits)(paths[row], specs, row) for row in rows)
    measured = {
        contestant.name: compare(contestant, files, edited, rows, same, options.jobs)
        for contestant in CONTESTANTS
        if known.issuperset(contestant.hashes)
    }
    print(describe_run(len(paths), n_edited, len(same)) + "\n", flush=True)
    show(overview(measured), options.markdown)
    show(by_edit(measured), options.markdown)
    if options.plot:
        plot(measured, options.plot)
    alone, robust = (
        measured[name].recall(measured[name].radius()).mean()
        for name in ("phash, dhash", "phash, dhash, robust")
    )
    return int(robust < alone)


if __name__ == "__main__":
    sys.exit(main())
