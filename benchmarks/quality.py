"""Measure how many edited copies each contestant finds, at equal rates of false matches.

Images of the first folder are edited. Every two images of all folders count as different, except
pairs that show the same picture (see `same_picture.py`). A contestant gives a score to two images:
the agreement of their pixels if it confirms what hashes nominate, or the distance of their hashes
with a minus sign. Its recall at a rate is the share of edited copies that score higher than all
but so many pairs of different images.
"""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hashing import show
from held_out_edits import HELD_OUT_EDITS
from joblib import Parallel, delayed
from matchers import MATCHERS, Finder, Matcher, count_different
from same_picture import find_files, find_same, make_files, read_listed, thumbnail
from scores import Scores

from hashfeatures.edits import EVERYDAY_EDITS, Edit
from hashfeatures.images._read import read_image

RATES = (1e-5, 1e-6, 1e-7)  # false matches a pair of different images
SHOWN_RATE = 1e-6  # of the table by edit
EDITS = (*EVERYDAY_EDITS, *HELD_OUT_EDITS)
N_EVERYDAY = len(EVERYDAY_EDITS)
TURNS = {"mirror", "turn quarters=1"}

# The contestants whose recall is listed by edit.
SHOWN = (
    *("ImageHash's phash", "pdq at 31", "ISO 24138's image code (iscc-lib)"),
    *("phash, dhash, robust, alone", "phash, dhash, identity, confirmed"),
    *("phash, dhash, dihedral, confirmed", "phash, dhash, robust, confirmed"),
)


def save_copy(path: str, edit: Edit, seed: int, target: Path) -> str:
    """Save an edited copy of a file without loss, and return its path."""
    edit(read_image(path).image, seed).save(target)
    return str(target)


def measure(
    paths: Sequence[str], rows: Sequence[int], jobs: int, chosen: Sequence[Matcher], folder: Path
) -> dict[str, Scores]:
    """Return the scores of the contestants."""
    pool = Parallel(n_jobs=jobs)
    same = find_same(pool(delayed(thumbnail)(path) for path in paths)) | read_listed(paths)
    different = {}
    for matcher in chosen:
        print(f"Compared by {matcher.name} ...", file=sys.stderr, flush=True)
        different[matcher.name] = matcher.fit(paths, same, jobs)
    edited = np.array(rows, dtype=np.intp)
    copies: dict[str, list[np.ndarray]] = {matcher.name: [] for matcher in chosen}
    for edit in EDITS:
        print(f"Edited by {edit} ...", file=sys.stderr, flush=True)
        made = pool(
            delayed(save_copy)(paths[row], edit, row, folder / f"{row}.bmp") for row in rows
        )
        for matcher in chosen:
            copies[matcher.name].append(matcher.score(made, edited))
    n_pairs = count_different(paths, same)
    return {
        name: Scores(scores, np.stack(copies[name], axis=1), n_pairs)
        for name, scores in different.items()
    }


# ---- Tables and the figure ----


def overview(measured: dict[str, Scores], chosen: Sequence[Matcher]) -> list[list[str]]:
    """Return a table of all contestants, at equal rates and at their own settings."""
    header = [""]
    for rate in RATES:
        header += [f"everyday at {rate:.0e}", f"held out at {rate:.0e}"]
    table = [[*header, "own setting", "everyday", "not turned", "held out", "false/1e6"]]
    for matcher in chosen:
        scores = measured[matcher.name]
        row = [matcher.name]
        for rate in RATES:
            everyday, _, held_out = means(scores.recall_at(rate))
            row += [everyday, held_out]
        if matcher.own is None:
            row += [""] * 5
        else:
            rate = 1e6 * scores.rate_from(matcher.own)
            row += [matcher.setting, *means(scores.recall_from(matcher.own)), f"{rate:.2f}"]
        table.append(row)
    return table


def means(shares: np.ndarray) -> list[str]:
    """Return the mean recall of the everyday edits, those that do not turn, and the others."""
    upright = [number for number in range(N_EVERYDAY) if str(EDITS[number]) not in TURNS]
    parts = (shares[:N_EVERYDAY], shares[upright], shares[N_EVERYDAY:])
    return [f"{part.mean():.4f}" for part in parts]


def by_edit(measured: dict[str, Scores]) -> list[list[str]]:
    """Return a table of recall by edit."""
    shown = [name for name in SHOWN if name in measured]
    table = [["edit", *shown]]
    shares = [measured[name].recall_at(SHOWN_RATE) for name in shown]
    for number, edit in enumerate(EDITS):
        mark = "" if number < N_EVERYDAY else "(held out) "
        table.append([f"{mark}{edit}", *(f"{part[number]:.3f}" for part in shares)])
    return table


def plot(measured: dict[str, Scores], chosen: Sequence[Matcher], path: Path) -> None:
    """Plot recall against the rate of false matches, for the everyday and the held-out edits."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(13, 5.5), sharey=True, layout="constrained")
    colors = plt.get_cmap("tab20").colors  # type: ignore[attr-defined]
    rates = np.geomspace(1e-8, 1e-4, 81)
    edits = {"everyday edits": slice(N_EVERYDAY), "held-out edits": slice(N_EVERYDAY, None)}
    for axis, (title, part) in zip(axes, edits.items(), strict=True):
        for number, matcher in enumerate(chosen):
            scores = measured[matcher.name]
            recall = [scores.recall_at(rate)[part].mean() for rate in rates]
            is_ours = isinstance(matcher, Finder)
            is_confirmed = is_ours and "confirmed" in matcher.name
            axis.plot(
                rates,
                recall,
                label=matcher.name,
                color=colors[number % len(colors)],
                lw=2.5 if is_ours else 1.2,
                ls="-" if is_confirmed else "-." if is_ours else "--",
            )
            if matcher.own is not None:
                at = max(scores.rate_from(matcher.own), rates[0])
                found = scores.recall_from(matcher.own)[part].mean()
                axis.plot(at, found, "o", color=colors[number % len(colors)])
        for rate in RATES:
            axis.axvline(rate, color="gray", lw=1, ls=":")
        axis.set(xscale="log", xlim=(rates[0], rates[-1]), ylim=(0, 1.02), title=title)
        axis.set_xlabel("share of the pairs of different images that match")
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("share of the edited copies that are found")
    axes[1].legend(loc="center left", bbox_to_anchor=(1.02, 0.5), frameon=False)
    figure.savefig(path, dpi=110)
    print(f"Written: {path}", flush=True)


def describe_run(n_files: int, n_edited: int, n_pairs: int) -> str:
    """Return a text that describes the measurement and the releases."""
    found = [f"Python {platform.python_version()}"]
    packages = ("hashfeatures", "numpy", "pillow", "ImageHash", "pdqhash", "iscc-lib", "difPy")
    for name in (*packages, "opencv-contrib-python-headless", "scikit-image"):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    n_same = n_files * (n_files - 1) // 2 - n_pairs
    return (
        f"{n_edited} images edited in {N_EVERYDAY} everyday and {len(EDITS) - N_EVERYDAY} "
        f"held-out ways, among {n_files} images; {n_same} pairs that show the same picture set "
        f"aside. {', '.join(found)}."
    )


def main() -> int:
    """Run the benchmark; return 1 if pixels confirm fewer copies than hashes find alone."""
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
    parser.add_argument("--only", metavar="TEXT", help="contestants whose names contain it")
    parser.add_argument("--markdown", action="store_true", help="print Markdown tables")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="where to draw the figure")
    options = parser.parse_args()
    chosen = [matcher for matcher in MATCHERS if (options.only or "") in matcher.name]
    for matcher in chosen:
        if not matcher.is_installed():
            print(f"Left out: {matcher.name}, as {matcher.needs} is not installed.", flush=True)
    chosen = [matcher for matcher in chosen if matcher.is_installed()]
    with TemporaryDirectory(prefix="hashfeatures-benchmark-") as temporary:
        sets = [find_files(folder) for folder in options.folders] or [make_files(Path(temporary))]
        paths = [path for files in sets for path in files]
        n_edited = min(20 if options.quick else options.edited, len(sets[0]))
        rows = np.random.default_rng(0).permutation(len(sets[0]))[:n_edited].tolist()
        copies = Path(temporary, "copies")
        copies.mkdir()
        measured = measure(paths, rows, options.jobs, chosen, copies)
    n_pairs = next(iter(measured.values())).n_pairs
    print(describe_run(len(paths), n_edited, n_pairs) + "\n", flush=True)
    show(overview(measured, chosen), options.markdown)
    show(by_edit(measured), options.markdown)
    if options.plot:
        plot(measured, chosen, options.plot)
    alone, confirmed = (
        measured[name].recall_at(SHOWN_RATE).mean() if name in measured else 0.0
        for name in (
            "phash, dhash, identity, alone",
            "phash, dhash, identity, confirmed",
        )
    )
    return int(confirmed < alone)


if __name__ == "__main__":
    sys.exit(main())
