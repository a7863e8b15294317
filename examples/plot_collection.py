"""
A detection data set: read, split, and written in its own layout
================================================================

Detection data come with boxes, in the layout of a trainer. ``read_collection`` reads YOLO, COCO,
Pascal VOC and others into one table, and ``Collection.write_split`` writes a split back in the
same layout. Boxes stay as they were.

This example makes a small data set in the layout of COCO, with near duplicates among its images.
It splits them so that each part has its share of the objects of each class. No part has a copy of
an image of the other one. The chapter
:doc:`Collections and layouts </user-guide/collections>` of the user guide lists all layouts.
"""

# %%
# A data set in the layout of COCO
# --------------------------------
#
# Parcels lie on six photos of scikit-image and scikit-learn, cut into cells. A parcel is large
# and brown or small and white. Every third image is saved a second time, darker and under another
# name, as happens when a data set is exported twice. The last of these copies loses a box.

import json
import tempfile
from pathlib import Path

import numpy as np
import skimage
import sklearn.datasets
from PIL import Image, ImageDraw, ImageEnhance

photos = Path(skimage.__file__).parent / "data"
samples = Path(sklearn.datasets.__file__).parent / "images"
names = ["astronaut.png", "chelsea.png", "coffee.png", "motorcycle_left.png"]
scenes = [*(photos / name for name in names), samples / "china.jpg", samples / "flower.jpg"]
classes = {1: ("box", 40, "peru"), 2: ("letter", 18, "white")}  # name, width, color

rng = np.random.default_rng(0)
temporary = tempfile.TemporaryDirectory()
source = Path(temporary.name, "parcels")
(source / "images").mkdir(parents=True)
(source / "annotations").mkdir()
images, annotations = [], []


def save(picture, boxes):
    """Save a picture and record its boxes, as COCO does: left, top, width, height in pixels."""
    file = f"{len(images):03}.jpg"
    picture.save(source / "images" / file, quality=90)
    images.append({"id": len(images), "file_name": file, "width": 160, "height": 120})
    for category, box in boxes:
        annotations.append(
            {"id": len(annotations), "image_id": images[-1]["id"], "category_id": category}
            | {"bbox": box, "area": box[2] * box[3], "iscrowd": 0}
        )


for scene in scenes:
    photo = Image.open(scene).convert("RGB").resize((640, 360))
    for cell in range(12):
        left, top = cell % 4 * 160, cell // 4 * 120
        picture = photo.crop((left, top, left + 160, top + 120))
        boxes = []
        for category in rng.choice([1, 2], size=rng.integers(1, 4), p=[0.7, 0.3]).tolist():
            _, width, color = classes[category]
            height = width * 3 // 4
            x, y = rng.integers(0, (160 - width, 120 - height)).tolist()
            ImageDraw.Draw(picture).rectangle((x, y, x + width, y + height), color, "black")
            boxes.append((category, [x, y, width, height]))
        save(picture, boxes)
        if cell % 3 == 2:
            save(ImageEnhance.Brightness(picture).enhance(0.7), boxes)
annotations.pop()  # the last copy loses a box

categories = [{"id": number, "name": name} for number, (name, _, _) in classes.items()]
coco = {"images": images, "annotations": annotations, "categories": categories}
with open(source / "annotations" / "instances_all.json", "w") as file:
    json.dump(coco, file)

# %%
# Read it
# -------
#
# One call reads the layout, and opens no image. Every function of the library that takes images
# takes a collection.

from hashfeatures import read_collection

parcels = read_collection(source)
print(parcels.describe())
parcels.objects().head()

# %%
# Boxes are shares of the width and the height, whatever the layout. Here are some images with
# their boxes.

import matplotlib.pyplot as plt
from matplotlib.patches import Rectangle

objects = parcels.objects()
figure, axes = plt.subplots(2, 4, figsize=(8, 3.4), layout="constrained")
for axis, row in zip(axes.flat, range(0, 96, 12), strict=True):
    picture = Image.open(parcels.images[row])
    axis.imshow(picture, extent=(0, 1, 1, 0), aspect=0.75)
    axis.set_axis_off()
    for found in objects[objects["row"] == row].itertuples():
        width, height = found.right - found.left, found.bottom - found.top
        color = "tab:red" if found.label == "box" else "tab:cyan"
        axis.add_patch(Rectangle((found.left, found.top), width, height, ec=color, fc="none"))
figure.suptitle("Images with their boxes")
plt.show()

# %%
# Split it
# --------
#
# ``stratify`` takes the number of objects of each class in each image, so each part gets its share
# of both classes. The near duplicates stay together, as always.

import pandas as pd

from hashfeatures import train_test_split

train, test = train_test_split(parcels, test_size=0.25, stratify=parcels.counts, random_state=0)
parts = {"train": train, "test": test}
pd.DataFrame(
    {name: [len(part), *part.counts.sum(axis=0)] for name, part in parts.items()},
    index=["images", *parcels.class_names],
)

# %%
# Write it
# --------
#
# The images stay where they are, and each part gets a file of annotations. ``how="copy"`` copies
# the images as well.

out = parcels.write_split(parts, Path(temporary.name, "split"))
for path in sorted(out.rglob("*.json")):
    content = json.loads(path.read_text())
    sizes = ", ".join(f"{len(content[key])} {key}" for key in ("images", "annotations"))
    print(f"{path.relative_to(out)}: {sizes}")

# %%
# What was written can be read again, with its parts.

from hashfeatures import leakage_report

again = read_collection(out, root=source / "images")
print(again.describe())
print(leakage_report(again))

# %%
# Do the copies agree?
# --------------------
#
# Near duplicates should carry the same boxes. ``find_annotation_conflicts`` aligns each pair,
# moves the boxes of one image onto the other, and lists what does not match. It finds the box that
# was lost.

from hashfeatures import find_annotation_conflicts

conflicts = find_annotation_conflicts(parcels)
conflicts

# %%
# The data set was made for this example only.

temporary.cleanup()
