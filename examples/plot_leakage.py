"""
Does the test set leak into the training set?
=============================================

A data set often comes with its split: a folder for training, one for testing. If a test image has
a near duplicate among the training images, the score measures how well a model remembers, not how
well it sees. This example examines such a split. It lists the leaks, shows them, measures their
effect on a score, repairs the split, and guards it against the next leak. The chapter
:doc:`Leaks and audits </user-guide/leaks>` of the user guide says more.
"""

# %%
# A split that came with the data
# -------------------------------
#
# Six photos that come with scikit-image and scikit-learn are six scenes, each cut into sixteen
# pictures that do not overlap. A model predicts which scene a picture shows. Someone added
# brightened, shrunk and recompressed copies to "have more data", labeled one of them wrongly, and
# then drew the test pictures at random.

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import skimage
import sklearn.datasets
from PIL import Image, ImageEnhance
from sklearn import model_selection

photos = Path(skimage.__file__).parent / "data"
samples = Path(sklearn.datasets.__file__).parent / "images"
scenes = {
    "cat": photos / "chelsea.png",
    "coffee": photos / "coffee.png",
    "flower": samples / "flower.jpg",
    "motorcycle": photos / "motorcycle_left.png",
    "portrait": photos / "astronaut.png",
    "temple": samples / "china.jpg",
}

rng = np.random.default_rng(0)
temporary = tempfile.TemporaryDirectory()
rows = []
for scene, path in scenes.items():
    photo = Image.open(path).convert("RGB")
    width, height = photo.width // 4, photo.height // 4
    for tile in range(16):
        left, top = tile % 4 * width, tile // 4 * height
        picture = photo.crop((left, top, left + width, top + height))
        copies = [
            picture,
            ImageEnhance.Brightness(picture).enhance(1.2),
            picture.resize((round(0.6 * width), round(0.6 * height))),
        ]
        for copy in range(rng.choice([1, 2, 3], p=[0.6, 0.25, 0.15])):
            file = Path(temporary.name, f"{scene}_{tile:02}_{copy}.jpg")
            copies[copy].save(file, quality=90 - 20 * copy)
            rows.append({"image": str(file), "scene": scene})
frame = pd.DataFrame(rows)
frame.loc[frame.index[frame["image"].str.endswith("_1.jpg")][3], "scene"] = "flower"

train, test = model_selection.train_test_split(
    frame, test_size=0.25, stratify=frame["scene"], random_state=0
)
print(f"{len(train)} training and {len(test)} test pictures")

# %%
# What leaks
# ----------
#
# ``leakage_report`` compares all parts of a split and reports the near duplicates between them.
# With the labels of the test part, it also counts them by class.

from hashfeatures import leakage_report

report = leakage_report(train, test, y=test["scene"])
print(report)
report.by_class.round(2)

# %%
# The pairs are a table, the nearest first. The distance is the number of different bits, of 128.
# ``agreement`` is how well the pixels agree, and ``relation`` what was done to the left image.

pairs = report.pairs.assign(
    left_image=report.pairs["left_image"].map(lambda path: Path(path).name),
    right_image=report.pairs["right_image"].map(lambda path: Path(path).name),
)
pairs[["left_image", "right_image", "distance", "agreement", "relation"]].head(6)

# %%
# Look at some of the pairs: above are pictures of the training part, below are the near duplicates
# in the test part.

import matplotlib.pyplot as plt

chosen = report.pairs.drop_duplicates("right").iloc[:: max(1, len(report.leaking) // 4)].head(4)
figure, axes = plt.subplots(2, len(chosen), figsize=(8, 4.4), layout="constrained")
for column, (_, pair) in zip(axes.T, chosen.iterrows(), strict=True):
    for axis, side in zip(column, ("left", "right"), strict=True):
        with Image.open(pair[f"{side}_image"]) as picture:
            axis.imshow(picture)
        axis.set_xticks([])
        axis.set_yticks([])
    column[0].set_title(f"{pair['distance']} of 128 bits", fontsize=10)
axes[0, 0].set_ylabel("train")
axes[1, 0].set_ylabel("test")
figure.suptitle("Some near duplicates on both sides of the split")
plt.show()

# %%
# The effect on a score
# ---------------------
#
# The same model is scored on the test pictures that leak and on those that do not. The score on
# pictures that leak says nothing about new pictures.

from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

from hashfeatures import ImageHashFeaturizer

model = make_pipeline(ImageHashFeaturizer(), KNeighborsClassifier(1, metric="hamming"))
model.fit(train["image"], train["scene"])
right = model.predict(test["image"]) == test["scene"].to_numpy()
leaks = np.isin(np.arange(len(test)), report.leaking)
scores = {
    "test pictures that leak": right[leaks].mean(),
    "all test pictures": right.mean(),
    "those that do not leak": right[~leaks].mean(),
}
for name, score in scores.items():
    print(f"{name}: {score:.2f}")

figure, axis = plt.subplots(figsize=(6.5, 2.7), layout="constrained")
bars = axis.barh(list(scores), list(scores.values()), color=["tab:red", "tab:orange", "tab:blue"])
axis.bar_label(bars, fmt="%.2f", padding=3)
axis.set_xlim(0, 1.12)
axis.set_xlabel("accuracy")
axis.set_title("Accuracy of one model on three sets of pictures")
axis.invert_yaxis()
axis.spines[["top", "right"]].set_visible(False)
plt.show()

# %%
# Repair
# ------
#
# ``repair_split`` moves whole groups of near duplicates to one side, and nothing
# else. ``priority`` chooses which part keeps a group: here the part that holds most of it, so that
# as few pictures as possible move. DataFrames stay DataFrames, and the labels move along.

from hashfeatures import repair_split

train, test, repair = repair_split(train, test, priority="majority")
print(repair)

# %%
# Guard
# -----
#
# One line in a test suite stops the next leak: ``assert_no_leakage`` raises a
# ``LeakageError`` that names the worst pairs.

from hashfeatures import LeakageError, assert_no_leakage

assert_no_leakage(train, test)
try:
    assert_no_leakage(train, pd.concat([test, train.head(2)]))
except LeakageError as error:
    print(str(error).replace(temporary.name, "."))

# %%
# Or split again
# --------------
#
# If you are free to choose the split, ``train_test_split`` makes one without
# leaks. It makes two or three parts, and gives each its share of every class.

from hashfeatures import train_test_split

train, validation, test = train_test_split(
    frame, test_size=0.2, validation_size=0.2, stratify=frame["scene"], random_state=0
)
parts = {"train": train, "validation": validation, "test": test}
print(leakage_report(parts))
pd.DataFrame({name: part["scene"].value_counts() for name, part in parts.items()})

# %%
# Labels in conflict
# ------------------
#
# If near duplicates have different labels, one of the labels is wrong:
# ``NearDuplicateFinder.conflicts`` lists them.

from hashfeatures import NearDuplicateFinder

finder = NearDuplicateFinder().fit(frame["image"])
for _, conflict in finder.conflicts(frame["scene"]).iterrows():
    names = [Path(frame["image"][row]).name for row in conflict["rows"]]
    print(f"{conflict['labels']}: {', '.join(names)}")

# %%
# The pictures were made for this example only.

temporary.cleanup()
