"""
Quickstart: from a folder of images to a leak-free split
========================================================

A folder of images often holds the same picture more than once: scaled down, saved again by
another program, or trimmed a little. Such pictures are **near duplicates**. Their bytes differ,
so a comparison of files does not find them.

A **perceptual hash** does. It sums a picture up in a few bits, and near duplicates differ in few
of them. The number of bits in which two hashes differ is their **Hamming distance**.

This example makes such a folder and finds the groups of near duplicates. Then it shows two ways
to handle them before a model is trained: leave the copies out, or keep each group on one side of
the split into a training and a test part. The chapter
:doc:`Near duplicates </user-guide/near-duplicates>` of the user guide says more.
"""

# %%
# A folder of images
# ------------------
#
# The photos come with scikit-image and scikit-learn. Every second one gets three copies: a small
# one, one that is compressed hard, and one with a narrow strip cut off on each side. The rest of
# the example needs only the list of paths, so you can put the paths of your own images here.

import tempfile
from pathlib import Path

import skimage
import sklearn.datasets
from PIL import Image

photos = Path(skimage.__file__).parent / "data"
samples = Path(sklearn.datasets.__file__).parent / "images"
originals = [
    photos / "astronaut.png",
    photos / "brick.png",
    photos / "camera.png",
    photos / "chelsea.png",
    samples / "china.jpg",
    photos / "coffee.png",
    photos / "coins.png",
    samples / "flower.jpg",
    photos / "gravel.png",
    photos / "moon.png",
    photos / "motorcycle_left.png",
    photos / "motorcycle_right.png",
    photos / "rocket.jpg",
]

temporary = tempfile.TemporaryDirectory()
folder = Path(temporary.name)
for number, original in enumerate(originals):
    photo = Image.open(original).convert("RGB")
    width, height = photo.size
    photo.save(folder / f"{original.stem}.jpg", quality=95)
    if number % 2 == 0:
        photo.resize((width // 4, height // 4)).save(folder / f"{original.stem}_small.png")
        photo.save(folder / f"{original.stem}_low.jpg", quality=10)
        strip = round(0.015 * width)
        trimmed = photo.crop((strip, strip, width - strip, height - strip))
        trimmed.save(folder / f"{original.stem}_trimmed.jpg")

paths = sorted(folder.iterdir())
print(f"{len(paths)} files of {len(originals)} photos")

# %%
# Groups of near duplicates
# -------------------------
#
# ``find_duplicates`` reads the images and lists those that have a near duplicate, group by group.
# The column ``distance`` holds the Hamming distance to the nearest near duplicate. The pixels
# confirm each near duplicate: ``agreement`` is their correlation, and ``relation`` says what was
# done to the first image of the group to get this one. An image without near duplicates is not in
# the list.

from hashfeatures import find_duplicates


def with_names(table):
    """Show the name of each file in place of its whole path."""
    return table.assign(image=[path.name for path in table["image"]])


groups = find_duplicates(paths)
print(f"{groups['group'].nunique()} groups with {len(groups)} images; the first two:")
with_names(groups).head(8)

# %%
# Look at a group
# ---------------
#
# Numbers do not show whether a group is right. Pictures do. These are the images of the first
# group, with their sizes and their distances to the nearest of the others.

import matplotlib.pyplot as plt

group = groups[groups["group"] == 0]
figure, axes = plt.subplots(2, 2, figsize=(6, 6.4), layout="constrained")
for axis, row in zip(axes.flat, group.itertuples(), strict=True):
    picture = Image.open(row.image)
    axis.imshow(picture)
    axis.set_title(
        f"{row.image.name}\n{picture.width} by {picture.height}, distance {row.distance}",
        fontsize=9,
    )
    axis.set_axis_off()
figure.suptitle("One group of near duplicates")
plt.show()

# %%
# A table of hashes
# -----------------
#
# ``hash_images`` returns the hashes in a table, as strings of hex digits. The table can be saved.
# The column ``detail`` measures how much structure a picture has, from 0 to 100. A blank page has
# next to none, so its hash means nothing.

from hashfeatures import hash_images

table = hash_images(paths, ["phash", "dhash"])
columns = ["image", "phash", "dhash", "width", "height", "detail"]
with_names(table)[columns].head(8)

# %%
# ``find_duplicates`` accepts the table in place of the images, and reads no image again. By
# default, the table is made from JPEG files at their full size, while ``find_duplicates`` decodes
# them at a reduced size, which is faster. So some distances differ a little.

again = find_duplicates(table)
print(f"same groups as from the files: {again['group'].equals(groups['group'])}")
change = (again["distance"] - groups["distance"]).abs().max()
print(f"largest change of a distance: {change}")

# %%
# The radius decides
# ------------------
#
# A table of hashes holds no pixels. There, two images are near duplicates if their distance is at
# most the **radius**. The distance counts the 128 bits of two hashes, and the radius is 12 by
# default. A small radius misses copies that were changed more. A large one joins pictures that are
# different.
#
# Two of the photos are a stereo pair: one motorcycle, seen by two cameras side by side. Whether
# they count as one picture depends on what the groups are for. So try several radii and compare
# the number of groups with the number of photos. The table makes that cheap.

from hashfeatures import NearDuplicateFinder

names = [path.stem for path in paths]
for radius in (0, 4, 8, 12, 16, 20):
    finder = NearDuplicateFinder(radius=radius).fit_table(table)
    label_of = dict(zip(names, finder.labels_, strict=True))
    joined = "yes" if label_of["motorcycle_left"] == label_of["motorcycle_right"] else "no"
    print(f"radius {radius:2}: {finder.n_groups_} groups; stereo pair joined: {joined}")

# %%
# Leave the copies out
# --------------------
#
# A picture with copies weighs more in training than one without.
# ``drop_duplicates`` leaves out each image that is a near duplicate of one that
# it keeps. It keeps the first one, or here the largest: the one with the most pixels and, among
# those, with the most bytes.

from hashfeatures import drop_duplicates

kept = drop_duplicates(paths, keep="largest")
print(f"{len(kept)} of {len(paths)} files are kept:")
for path in kept:
    print(" ", path.name)

# %%
# Or split without leakage
# ------------------------
#
# Sometimes the copies must stay. Then each group must stay together. If a picture is in the
# training part and its copy in the test part, the model has seen what it is tested with. This is
# **leakage**, and it makes the test score too good.
#
# ``train_test_split`` is called like scikit-learn's function of the same name,
# but keeps each group on one side. To check that, let a finder search for test images that are
# near duplicates of a training image.

import numpy as np

from hashfeatures import train_test_split

train, test = train_test_split(paths, test_size=0.25, random_state=0)
leaks = NearDuplicateFinder().fit(train).matches(test)
print(f"{len(train)} images to train on, {len(test)} to test on, {len(leaks.left)} leaks")

# %%
# scikit-learn's own function does not know the groups. One random split may be lucky, so compare
# the two over ten. The labels of the groups are split along with the images, and a test image
# leaks if its label is in the training part too.

from sklearn.model_selection import train_test_split as plain_split

labels = NearDuplicateFinder().fit(paths).labels_
for name, split in [("scikit-learn", plain_split), ("hashfeatures", train_test_split)]:
    shares = []
    for seed in range(10):
        _, _, labels_train, labels_test = split(paths, labels, test_size=0.25, random_state=seed)
        shares.append(np.isin(labels_test, labels_train).mean())
    print(f"{name}: on average {np.mean(shares):.0%} of the test images leak")

# %%
# The folder was made for this example only.

temporary.cleanup()
