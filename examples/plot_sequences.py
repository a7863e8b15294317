"""
Frames of a recording on one side of the split
==============================================

A model that has seen frame 41 of a video knows frame 42. Yet the two need not be near duplicates:
the camera moves, and the pictures differ. File names know what pixels do not.

This example generates recordings, finds them by the names of their frames, and splits them in
three ways. The chapter :doc:`Sequences </user-guide/sequences>` of the user guide describes how
sequences are found where names do not tell.
"""

# %%
# Recordings
# ----------
#
# A camera pans over each of six photos of scikit-image and scikit-learn. From frame to frame it
# moves by a quarter of the width, so neighboring frames share most of the scene.

import tempfile
from pathlib import Path

import skimage
import sklearn.datasets
from PIL import Image

photos = Path(skimage.__file__).parent / "data"
samples = Path(sklearn.datasets.__file__).parent / "images"
scenes = [
    photos / "coffee.png",
    photos / "chelsea.png",
    photos / "motorcycle_left.png",
    photos / "rocket.jpg",
    samples / "china.jpg",
    samples / "flower.jpg",
]

temporary = tempfile.TemporaryDirectory()
folder = Path(temporary.name)
for clip, scene in enumerate(scenes):
    photo = Image.open(scene).convert("RGB").resize((600, 400))
    for frame in range(12):
        left, top = 40 * frame, 10 * frame
        view = photo.crop((left, top, left + 160, top + 160))
        view.save(folder / f"clip{clip}_frame{frame:02}.jpg")

paths = sorted(folder.iterdir())
print(f"{len(paths)} frames, from {paths[0].name} to {paths[-1].name}")

# %%
# These are every other frame of three of the recordings.

import matplotlib.pyplot as plt

frames = [Image.open(path) for path in paths]
figure, axes = plt.subplots(3, 6, figsize=(8, 4.2), layout="constrained")
for clip, strip in zip((0, 2, 4), axes, strict=True):
    for axis, frame in zip(strip, frames[12 * clip : 12 * clip + 12 : 2], strict=True):
        axis.imshow(frame)
        axis.set_axis_off()
figure.suptitle("Frames of three recordings")
plt.show()

# %%
# Find the sequences
# ------------------
#
# ``SequenceFinder`` reads the names. Its description is a sentence to read before you trust the
# split, and ``labels_`` has the number of the recording for each frame.

from hashfeatures import SequenceFinder

finder = SequenceFinder().fit(paths)
print(finder.description_)
finder.patterns_

# %%
# A split by near duplicates alone
# --------------------------------
#
# Hashes find few near duplicates among the frames, so ``train_test_split`` assigns most of them
# one by one. Then almost every test frame has a frame of its recording in training.

import numpy as np

from hashfeatures import train_test_split

recordings = finder.labels_


def share_seen(train, test):
    """Return the share of test frames whose recording is in the training part too."""
    row_of = {path: row for row, path in enumerate(paths)}
    seen = [recordings[row_of[path]] for path in train]
    return np.mean([recordings[row_of[path]] in seen for path in test])


splits = {"near duplicates alone": train_test_split(paths, test_size=1 / 3, random_state=0)}

# %%
# Whole recordings
# ----------------
#
# With ``groups="sequences"``, the function finds the recordings itself and keeps each of them
# whole. The groups of near duplicates stay together as well.

splits["whole recordings"] = train_test_split(
    paths, test_size=1 / 3, groups="sequences", random_state=0
)

# %%
# Cut with a gap
# --------------
#
# If the model will work on later frames of the same recordings, cut each of them. The frames
# within ``gap`` of the cut are in no part, and neither are training frames that are near
# duplicates of a test frame.

splits["cut with a gap"] = train_test_split(
    paths, test_size=1 / 3, groups="sequences", gap=2, random_state=0
)

for name, (train, test) in splits.items():
    unused = len(paths) - len(train) - len(test)
    print(f"{name}: {len(train)} frames to train on, {len(test)} to test on, {unused} unused")
    print(
        f"  {share_seen(train, test):.0%} of the test frames are of a recording seen in training"
    )

# %%
# Each row is a recording, and each cell is a frame. The second split measures how well a model
# does in new recordings. The third one measures how well it does at other times of the same ones.
# The first one measures neither.

# sphinx_gallery_thumbnail_number = 2
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch

colors = {"train": "tab:blue", "test": "tab:orange", "unused": "lightgray"}
figure, axes = plt.subplots(1, 3, figsize=(9, 3.3), sharey=True, layout="constrained")
for axis, (name, (train, test)) in zip(axes, splits.items(), strict=True):
    part = [0 if path in train else 1 if path in test else 2 for path in paths]
    grid = np.reshape(part, (len(scenes), -1))
    axis.pcolormesh(grid, cmap=ListedColormap(colors.values()), vmin=0, vmax=2, ec="white", lw=1)
    axis.invert_yaxis()
    axis.set_title(name)
    axis.set_xlabel("frame")
    axis.set_xticks([])
    axis.set_yticks([])
axes[0].set_ylabel("recording")
figure.suptitle("The parts of the frames in three splits")
figure.legend(
    handles=[Patch(color=color, label=part) for part, color in colors.items()],
    loc="outside lower center",
    ncols=3,
    frameon=False,
)
plt.show()

# %%
# Without names
# -------------
#
# Renamed frames are often still in order. ``by="pixels"`` cuts that order where the scene changes.

by_pixels = SequenceFinder(by="pixels").fit(frames)
print(by_pixels.description_)
print(f"same recordings as by name: {np.array_equal(by_pixels.labels_, recordings)}")

# %%
# The frames were made for this example only.

for frame in frames:
    frame.close()
temporary.cleanup()
