"""Diagrams of how data move: from layouts to a split, and from stage to stage."""

from __future__ import annotations

import matplotlib.pyplot as plt
from _themes import save
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

BLUE, GREEN, ORANGE, GRAY = "#2f83c5", "#3d9a5b", "#d9822b", "#808a94"
LINE = 0.30  # from one line of text to the next


def draw_layouts() -> None:
    """Draw three layouts, the table that is read from them, and the same layouts split."""
    figure, axes = make_axes(10, 4.4)
    layouts = [
        ("YOLO", "images/001.jpg\nlabels/001.txt", "data.yaml\ntrain.txt, test.txt"),
        ("COCO", "images/001.jpg\ninstances.json", "instances_train.json\ninstances_test.json"),
        ("class folders", "car/001.jpg\nbus/002.jpg", "train.csv\ntest.csv"),
    ]
    rows = [
        ("image", "part", "objects"),
        ("001.jpg", "train", "2 cars"),
        ("002.jpg", "train", "1 bus"),
        ("003.jpg", "test", "1 car"),
    ]
    for number, (name, source, split) in enumerate(layouts):
        middle, end = 3.2 - 1.25 * number, 1.95 + 0.4 * (1 - number)
        add_box(axes, (1.25, middle), 2.1, name, source, BLUE)
        add_arrow(axes, (2.35, middle), (3.5, end))
        add_arrow(axes, (6.5, end), (7.5, middle))
        add_box(axes, (8.75, middle), 2.3, name, split, GREEN)
    add_frame(axes, (5, 1.95), 2.9, 2.0, ORANGE)
    for line, cells in enumerate(rows):
        for left, cell in zip((3.75, 4.78, 5.48), cells, strict=True):
            weight = "bold" if line == 0 else "normal"
            axes.text(left, 2.62 - 0.45 * line, cell, va="center", size=10.5, weight=weight)
    titles = ((1.25, "what you have"), (5, "one table of images"), (8.75, "its split"))
    for middle, title in titles:
        axes.text(middle, 4.12, title, ha="center", va="center", size=12)
    for middle, name in ((3.22, "read_collection"), (6.82, "write_split")):
        axes.text(middle, 3.62, name, ha="center", va="center", size=10, family="monospace")
    axes.text(5, 0.6, "split, deduplicate, audit", ha="center", size=10.5)
    save(figure, "layouts")


def draw_stages() -> None:
    """Draw the stages of hashfeatures.distributed and the directory that each writes."""
    figure, axes = make_axes(10.6, 3.4)
    stages = [
        ("hash_dataset", "hashes/", "hashes and\nthumbnails"),
        ("find_pairs", "pairs/", "near duplicates,\nconfirmed"),
        ("components", "groups/", "the group\nof each image"),
        ("assign", "split/", "the part\nof each image"),
    ]
    add_box(axes, (0.85, 2.3), 1.4, "photos/", "images in\nany layout", GRAY)
    for number, (stage, directory, content) in enumerate(stages):
        middle = 3.15 + 2.2 * number
        add_arrow(axes, (middle - 1.38, 2.3), (middle - 0.82, 2.3))
        add_box(axes, (middle, 2.3), 1.55, directory, content, BLUE)
        axes.text(middle - 1.15, 3.1, stage, ha="center", va="center", size=10, family="monospace")
    add_box(axes, (3.15, 0.65), 1.55, "test/", "hashes of\nother images", GRAY)
    add_box(axes, (7.55, 0.65), 1.55, "leaks/", "what is\nin both", ORANGE)
    add_arrow(axes, (3.98, 0.75), (4.9, 1.72))
    add_arrow(axes, (5.8, 1.72), (6.72, 0.75))
    axes.text(3.9, 1.4, "against=", ha="center", va="center", size=10, family="monospace")
    axes.text(6.95, 1.4, "find_leaks", ha="center", va="center", size=10, family="monospace")
    save(figure, "stages")


def make_axes(width: float, height: float) -> tuple[Figure, Axes]:
    """Return a figure whose only axes are not drawn, and measured in units of 0.8 inches."""
    figure = plt.figure(figsize=(0.8 * width, 0.8 * height))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(0, height))
    axes.axis("off")
    return figure, axes


def add_box(
    axes: Axes,
    center: tuple[float, float],
    width: float,
    title: str,
    text: str,
    color: str,
) -> None:
    """Add a frame with a bold title above lines of text."""
    lines = [title, *text.split("\n")]
    add_frame(axes, center, width, LINE * len(lines) + 0.14, color)
    top = center[1] + LINE * (len(lines) - 1) / 2
    for number, line in enumerate(lines):
        size, weight = (9.5, "normal") if number else (10.5, "bold")
        height = top - LINE * number
        axes.text(center[0], height, line, ha="center", va="center", size=size, weight=weight)


def add_frame(
    axes: Axes, center: tuple[float, float], width: float, height: float, color: str
) -> None:
    """Add a rounded frame, lightly filled."""
    axes.add_patch(
        FancyBboxPatch(
            (center[0] - width / 2 + 0.05, center[1] - height / 2 + 0.05),
            width - 0.1,
            height - 0.1,
            boxstyle="round,pad=0.05",
            facecolor=color + "26",
            edgecolor=color,
            linewidth=1.5,
        )
    )


def add_arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Add an arrow that shows on light and on dark pages."""
    arrow = {"arrowstyle": "-|>", "color": GRAY, "linewidth": 1.5, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", xy=end, xytext=start, arrowprops=arrow)
