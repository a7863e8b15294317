"""The chart of how fast this package is, compared with its peers."""

from __future__ import annotations

import matplotlib.pyplot as plt
from _themes import save

# What is done, the peer, how many times faster a warm call is, and a first call if it is known.
# The pages in docs/benchmarks have these figures.
RATIOS = [
    ("hash photos of 500 by 375 pixels", "ImageHash", 10.4, 2.2),
    ("hash photos of 4000 by 3000 pixels, reduced", "ImageHash", 24.9, 5.6),
    ("hash the same photos again, from the cache", "hashing them", 35, None),
    ("all pairs of 10,145 hashes of photos", "imagededup", 2493, 31),
    ("all pairs of 10,145 hashes of photos", "faiss flat", 32, 0.4),
    ("all pairs of a million hashes", "faiss flat", 672, 295),
    ("100,000 queries among a million hashes", "faiss flat", 200, 52),
    ("stratified folds of 900,000 groups", "scikit-learn", 201, None),
]
BLUE, ORANGE = "#2f83c5", "#e8903a"


def draw_speed() -> None:
    """Draw a bar for each warm call, and a mark for each first call."""
    figure, axes = plt.subplots(figsize=(8.2, 4.4), layout="constrained")
    rows = range(len(RATIOS))
    warm = [ratio for *_, ratio, _ in RATIOS]
    first = [(first, row) for row, (*_, first) in enumerate(RATIOS) if first is not None]
    axes.barh(rows, [ratio - 0.1 for ratio in warm], left=0.1, color=BLUE, label="a later call")
    axes.plot(*zip(*first, strict=True), "D", color=ORANGE, label="the first call of a process")
    axes.axvline(1, color="gray", linestyle=":")
    axes.set_xscale("log")
    axes.set(xlim=(0.1, 9000), xlabel="times as fast as the peer", xticks=[0.1, 1, 10, 100, 1000])
    axes.set_xticklabels(["0.1", "1", "10", "100", "1,000"])
    axes.set_yticks(rows, [f"{task}\ncompared with {peer}" for task, peer, *_ in RATIOS], size=9)
    axes.invert_yaxis()
    for row, ratio in enumerate(warm):
        axes.text(ratio * 1.15, row, f"{ratio:,}", va="center", size=9)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="upper right", frameon=False)
    save(figure, "speed")
