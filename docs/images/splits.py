"""Figures of splits of images, and of sequences."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from _themes import is_dark, save
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from numpy.typing import NDArray
from PIL import Image
from sklearn.model_selection import KFold

from hashfeatures import (
    NearDuplicateFinder,
    NearDuplicateKFold,
    assign_split,
    train_test_split,
)

LEAK = "#e07b39"
IN_TRAIN, IN_TEST, LEAKS, LEFT_OUT = range(4)
N_VIDEOS, N_FRAMES = 5, 40
BATCHES = (16, 24, 32)


def colors() -> list[str]:
    """Return the colors of the states of an image."""
    if is_dark():
        return ["#2b4763", "#8fbbe8", LEAK, "#14181e"]
    return ["#cfe0f0", "#2f6db0", LEAK, "#ffffff"]


def draw_folds() -> None:
    """Draw the folds of KFold and of NearDuplicateKFold on the same photos."""
    paths = np.array(sorted(str(path) for path in Path("photos").rglob("*.jpg")))
    groups = NearDuplicateFinder(views="robust").fit_predict(paths.tolist())
    sizes = np.bincount(groups)
    order = np.lexsort((groups, -sizes[groups]))
    figure, axes = plt.subplots(
        3, 1, figsize=(9, 5), height_ratios=(5, 1.6, 5), layout="constrained"
    )
    kept = NearDuplicateKFold(5, shuffle=True, random_state=0, finder="precomputed")
    for axis, splitter, folds in (
        (axes[0], "KFold", KFold(5, shuffle=True, random_state=0).split(paths)),
        (axes[2], "NearDuplicateKFold", kept.split(paths, groups=groups)),
    ):
        states = np.array([tell_states(groups, train, test)[order] for train, test in folds])
        paint_states(axis, states, [f"fold {number}" for number in range(1, 6)])
        n_leaks = (states == LEAKS).sum()
        axis.set_title(f"{splitter}: {n_leaks} of {len(paths)} test images leak", fontsize=11.5)
    paint_groups(axes[1], paths[order], groups[order])
    add_legend(figure, ["training", "test, no copy in training", "test, with a copy in training"])
    save(figure, "folds")


def tell_states(
    groups: NDArray[np.intp], train: NDArray[np.intp], test: NDArray[np.intp]
) -> NDArray[np.intp]:
    """Return the state of each image in a split."""
    states = np.full(len(groups), LEFT_OUT)
    states[train] = IN_TRAIN
    states[test] = np.where(np.isin(groups[test], groups[train]), LEAKS, IN_TEST)
    return states


def paint_states(axis: Axes, states: NDArray[np.intp], names: list[str]) -> None:
    """Draw a row of boxes, one for each image."""
    rgb = np.array([plt.matplotlib.colors.to_rgb(color) for color in colors()])
    axis.imshow(rgb[states], aspect="auto", interpolation="nearest")
    for edge in np.arange(0.5, len(states) - 1):
        axis.axhline(edge, color=plt.rcParams["axes.facecolor"], linewidth=3)
    for edge in np.arange(0.5, states.shape[1] - 1):
        axis.axvline(edge, color=plt.rcParams["axes.facecolor"], linewidth=0.6)
    axis.set_yticks(range(len(names)), names, fontsize=10.5)
    axis.set_xticks([])
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)


def paint_groups(axis: Axes, paths: NDArray[np.str_], groups: NDArray[np.intp]) -> None:
    """Draw the photos, with a line under each group of near duplicates."""
    axis.set_xlim(-0.5, len(paths) - 0.5)
    axis.set_ylim(-0.75, 0.5)
    for at, path in enumerate(paths):
        with Image.open(path) as opened:
            side = min(opened.size)
            box = (
                (opened.width - side) // 2,
                (opened.height - side) // 2,
                (opened.width + side) // 2,
                (opened.height + side) // 2,
            )
            photo = opened.convert("RGB").crop(box).resize((48, 48))
        axis.imshow(photo, extent=(at - 0.46, at + 0.46, -0.48, 0.48), aspect="auto")
    for number, group in enumerate(dict.fromkeys(groups.tolist())):
        (members,) = np.nonzero(groups == group)
        if len(members) > 1:
            axis.plot(
                [members[0] - 0.42, members[-1] + 0.42],
                [-0.65, -0.65],
                color=f"C{number}",
                linewidth=4,
                solid_capstyle="butt",
            )
    axis.set_xlim(-0.5, len(paths) - 0.5)
    axis.set_ylim(-0.75, 0.5)
    axis.set_yticks([-0.1], ["images"], fontsize=10.5)
    axis.set_xticks([])
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)


def draw_sequences() -> None:
    """Draw three ways to split the frames of videos."""
    frames = [
        f"video{video}_frame{frame:03d}.png"
        for video in range(N_VIDEOS)
        for frame in range(N_FRAMES)
    ]
    video_of = np.repeat(np.arange(N_VIDEOS), N_FRAMES)
    ways = {
        "by image: most test frames lie beside a training frame": {
            "groups": np.arange(len(frames))
        },
        'groups="sequences": whole videos': {"groups": "sequences"},
        'groups="sequences", gap=4: blocks of each video': {"groups": "sequences", "gap": 4},
    }
    figure, axes = plt.subplots(3, 1, figsize=(9, 6), layout="constrained")
    for axis, (title, options) in zip(axes, ways.items(), strict=True):
        train, test = train_test_split(
            frames, test_size=0.2, random_state=1, finder="precomputed", **options
        )
        train, test = np.isin(frames, train), np.isin(frames, test)
        states = np.where(train, IN_TRAIN, np.where(test, IN_TEST, LEFT_OUT))
        beside = np.zeros(len(frames), dtype=bool)
        same = video_of[1:] == video_of[:-1]
        beside[1:] |= train[:-1] & same
        beside[:-1] |= train[1:] & same
        states[test & beside] = LEAKS
        names = [f"video {number}" for number in range(1, N_VIDEOS + 1)]
        paint_states(axis, states.reshape(N_VIDEOS, N_FRAMES), names)
        axis.set_title(title, fontsize=11.5)
    axes[-1].set_xlabel("frames in the order of time", fontsize=10.5)
    add_legend(
        figure, ["training", "test", "test, beside a training frame", "left out, in no part"]
    )
    save(figure, "sequences")


def draw_lock() -> None:
    """Draw the parts of images that arrive in three batches, without a lock and with one."""
    names = [f"photo{number:02d}.jpg" for number in range(32)]
    figure, axes = plt.subplots(2, 1, figsize=(9, 3.4), layout="constrained")
    for axis, title, lock in (
        (axes[0], "a new random split each time", None),
        (axes[1], "the same split, kept in a lock", "photos.lock.json"),
    ):
        states = np.full((len(BATCHES), len(names)), LEFT_OUT)
        before = np.full(len(names), LEFT_OUT)
        for row, n_images in enumerate(BATCHES):
            parts = assign_split(
                names[:n_images],
                lock=lock,
                groups=range(n_images),
                finder="precomputed",
                random_state=0 if lock else row,
            )
            now = np.where(parts == "test", IN_TEST, IN_TRAIN)
            moved = (before[:n_images] != LEFT_OUT) & (before[:n_images] != now)
            states[row, :n_images] = np.where(moved, LEAKS, now)
            before[:n_images] = now
        paint_states(axis, states, [f"{n_images} images" for n_images in BATCHES])
        axis.set_title(title, fontsize=11.5)
    add_legend(figure, ["training", "test", "moved to the other part"])
    save(figure, "lock")


def add_legend(figure: plt.Figure, names: list[str]) -> None:
    """Add a legend of the states below a figure."""
    edge = plt.rcParams["axes.edgecolor"]
    patches = [
        Patch(facecolor=color, edgecolor=edge, linewidth=0.6, label=name)
        for color, name in zip(colors(), names, strict=False)
    ]
    figure.legend(
        handles=patches, loc="outside lower center", ncols=len(names), frameon=False, fontsize=10.5
    )
