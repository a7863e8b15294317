"""
Look-alikes: what confirmation refuses
======================================

Two skies over two roofs can have similar hashes, although nobody would call them copies. Hashes
therefore only nominate pairs. A ``NearDuplicateFinder`` then aligns the pixels of each pair, and
keeps the pair if they agree.

This example nominates more generously than usual, so that many pairs of different pictures come
in. It shows which of them the pixels refuse, and where they fail. The chapter
:doc:`Confirmation by pixels </user-guide/matching>` of the user guide explains each step.
"""

# %%
# Pictures, and copies of some
# ----------------------------
#
# Photos of scikit-image are cut into cells that do not overlap. Every sixth cell gets a copy:
# compressed hard, made smaller, cropped, or rotated by three degrees. The list ``cell`` records
# which cell an image shows, so the answers can be checked.

from pathlib import Path

import numpy as np
import skimage
from PIL import Image

from hashfeatures.edits import Edit

names = ["astronaut.png", "brick.png", "camera.png", "chelsea.png", "coffee.png", "coins.png"]
names += ["grass.png", "gravel.png", "hubble_deep_field.jpg", "ihc.png", "motorcycle_left.png"]
names += ["retina.jpg", "rocket.jpg"]
images = []
for name in names:
    photo = Image.open(Path(skimage.__file__).parent / "data" / name).convert("RGB")
    width, height = photo.width // 6, photo.height // 6
    corners = [(column * width, row * height) for row in range(6) for column in range(6)]
    images += [photo.crop((x, y, x + width, y + height)) for x, y in corners]

edits = [
    Edit("recompress", quality=30),
    Edit("resize", scale=0.5),
    Edit("crop", share=0.05),
    Edit("rotate", degrees=3),
]
cell = list(range(len(images)))
for turn, number in enumerate(range(0, len(images), 6)):
    images.append(edits[turn % len(edits)](images[number]))
    cell.append(number)
print(f"{len(images)} images of {len(set(cell))} cells")

# %%
# Nominate and measure
# --------------------
#
# By default, hashes nominate pairs within 28 of 128 bits, and the **agreement** of the pixels must
# be at least 0.85. Here the radius is 32, and ``min_agreement=0`` keeps every pair that was
# nominated. So each pair comes with its distance and its agreement.

from hashfeatures import NearDuplicateFinder

pairs = NearDuplicateFinder(radius=32, min_agreement=0).fit(images).pairs_
is_copy = np.take(cell, pairs.left) == np.take(cell, pairs.right)
print(f"{len(is_copy)} pairs: {is_copy.sum()} of copies, {(~is_copy).sum()} of different cells")

# %%
# The distance alone separates the two poorly: many copies are as far from their originals as
# different cells are from each other. The agreement separates them well. Most pairs of different
# cells have the agreement 0, because no alignment makes them fit. The lines are the defaults.

import matplotlib.pyplot as plt

figure, axis = plt.subplots(figsize=(7, 4.4), layout="constrained")
for name, chosen, style in [
    ("copies", is_copy, {"color": "tab:blue", "marker": "o"}),
    ("different cells", ~is_copy, {"color": "tab:red", "marker": "x"}),
]:
    axis.scatter(pairs.distance[chosen], pairs.agreement[chosen], label=name, alpha=0.7, **style)
axis.axhline(0.85, color="gray", linestyle="--")
axis.axvline(28.5, color="gray", linestyle=":")
axis.annotate("least agreement", (0, 0.85), (0, -6), textcoords="offset points", va="top")
axis.annotate("radius", (28.5, 0.15), (-4, 0), textcoords="offset points", ha="right")
axis.set_xlabel("distance of the hashes, in bits of 128")
axis.set_ylabel("agreement of the pixels")
axis.set_title("Hashes nominate pairs, and pixels decide")
axis.legend(loc="center left")
axis.spines[["top", "right"]].set_visible(False)
plt.show()

# %%
# Refused
# -------
#
# These are the nearest pairs of different cells that the pixels refuse: flat skies, dark corners,
# one coin in the place of another. To hashes they are as near as a copy that was rotated.

different = np.flatnonzero(~is_copy)
nearest = different[np.argsort(pairs.distance[different], kind="stable")]
refused = nearest[pairs.agreement[nearest] < 0.85][:6]


def show(rows, title):
    """Draw pairs of images, one below the other, with their distances and agreements."""
    figure, axes = plt.subplots(2, len(rows), figsize=(1.5 * len(rows), 3.9), layout="constrained")
    for column, row in zip(axes.T, rows, strict=True):
        for axis, side in zip(column, (pairs.left, pairs.right), strict=True):
            axis.imshow(images[side[row]].resize((96, 96)))
            axis.set_axis_off()
        column[0].set_title(f"{pairs.distance[row]} bits\n{pairs.agreement[row]:.2f}", fontsize=10)
    figure.suptitle(title)
    plt.show()


show(refused, "Different cells that are refused")

# %%
# The copies that are hardest to tell
# -----------------------------------
#
# The copies with the lowest agreements are dark, faint or blurred. Two of them fall below 0.85, so
# the finder misses them.

copies = np.flatnonzero(is_copy)
show(copies[np.argsort(pairs.agreement[copies])][:6], "Copies with the lowest agreements")

# %%
# Where pixels fail
# -----------------
#
# The most similar of the different cells show one wall of bricks. Shifted by a brick, a cell fits
# over another one. Repeating patterns, products in one studio pose and neighboring slices of a
# scan agree in the same way. For such collections, pass a greater ``min_agreement``, or let
# ``calibrate`` choose it.

show(different[np.argsort(-pairs.agreement[different])][:6], "Different cells that agree most")

# %%
# The defaults
# ------------
#
# With its defaults, the finder keeps nearly all copies and next to none of the other pairs. Each
# pair says what was done to the left image to get the right one.

found = NearDuplicateFinder().fit(images).pairs_
right = np.take(cell, found.left) == np.take(cell, found.right)
print(f"pairs of copies found: {right.sum()} of {len(copies)}")
print(f"pairs of different cells kept: {(~right).sum()}")
for relation in found.relation[right][:4]:
    print(" ", relation)
