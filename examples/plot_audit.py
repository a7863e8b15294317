"""
An audit card, and a split that stays in place
==============================================

A data set is published with a split. Is the split sound? And does it stay sound when images are
added next month? ``audit_split`` answers the first question with a card for the documentation of
the data set. ``assign_split`` answers the second one: it records the part of each image in a file,
the lock.

The chapter :doc:`Leaks and audits </user-guide/leaks>` of the user guide and the page
:doc:`Lock a split </how-to/lock-a-split>` say more.
"""

# %%
# A data set with a split
# -----------------------
#
# Six photos of scikit-image and scikit-learn are six classes, each cut into twenty cells that do
# not overlap. Every fourth cell is there twice. The images are encoded in memory, as they are in a
# Parquet file, each with its name. scikit-learn splits them without a look at them.

import io
import tempfile
from pathlib import Path

import pandas as pd
import skimage
import sklearn.datasets
from PIL import Image
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
rows = []
for scene, path in scenes.items():
    photo = Image.open(path).convert("RGB")
    width, height = photo.width // 5, photo.height // 4
    for cell in range(20):
        left, top = cell % 5 * width, cell // 5 * height
        picture = photo.crop((left, top, left + width, top + height))
        versions = {"": picture}
        if cell % 4 == 0:
            versions["_small"] = picture.resize((width * 2 // 3, height * 2 // 3))
        for ending, version in versions.items():
            buffer = io.BytesIO()
            version.save(buffer, "JPEG", quality=90)
            image = {"bytes": buffer.getvalue(), "path": f"{scene}_{cell:02}{ending}.jpg"}
            rows.append({"image": image, "scene": scene, "cell": cell})
frame = pd.DataFrame(rows)
train, test = model_selection.train_test_split(
    frame, test_size=0.25, stratify=frame["scene"], random_state=0
)

# %%
# Audit it
# --------
#
# The card counts the leaks with an interval, and lists identical files, labels in conflict and
# unreadable images. It shows the worst pairs, and says what a repaired split would be.
# ``SplitAudit.save`` writes it as a page, as Markdown or as JSON.

from hashfeatures import audit_split

audit = audit_split(train, test, y="scene", n_pairs=4, title="Audit of the six scenes")
audit

# %%
# A build can fail on the figures of the card.

print(audit.exceeded({"leaks": 0.01}))

# %%
# Lock a split
# ------------
#
# ``assign_split`` makes a new split without leaks. Suppose that only half of the cells are there
# at first. The lock is a JSON file with one line for each image, which git can compare.

from hashfeatures import assign_split

temporary = tempfile.TemporaryDirectory()
lock = Path(temporary.name, "split.lock.json")
at_first = frame[frame["cell"] < 10]
parts, info = assign_split(at_first, lock=lock, stratify="scene", return_info=True)
print(info)
print(lock.read_text().splitlines()[10])

# %%
# Add images
# ----------
#
# The other half arrives. Pass all images again. Those of the lock keep their part. A new copy
# joins its original. The other new images fill the parts up.

grown, info = assign_split(frame, lock=lock, stratify="scene", return_info=True)
print(info)

# %%
# Compare this with a new random split of all images, whose training part holds most of the images
# that were for the test. Scores before and after could not be compared.

import matplotlib.pyplot as plt

first_test = parts.index[parts == "test"]
new_train, _ = model_selection.train_test_split(frame, test_size=0.25, random_state=0)
moved = {
    "a new random split": first_test.isin(new_train.index).mean(),
    "a locked split": (grown[first_test] == "train").mean(),
}
figure, axis = plt.subplots(figsize=(5.6, 2.8), layout="constrained")
bars = axis.barh(list(moved), list(moved.values()), color=["tab:red", "tab:blue"])
axis.bar_label(bars, fmt="{:.0%}", padding=3)
axis.set_xlim(0, 1)
axis.xaxis.set_major_formatter("{x:.0%}")
axis.invert_yaxis()
axis.spines[["top", "right"]].set_visible(False)
axis.set_title("Test images that are in training now")
plt.show()

# %%
# The lock was made for this example only.

temporary.cleanup()
