"""
Hash bits as features, and the score they deserve
=================================================

``ImageHashFeaturizer`` is a scikit-learn transformer: images in, a matrix of zeros and ones out.
So the bits of perceptual hashes can join other features in a ``ColumnTransformer``, and a grid
search can choose among the hashes. The chapter :doc:`Hashes as features </user-guide/features>` of
the user guide says more.

Measure with care whether they help. The data set of this example holds **near duplicates**:
pictures that were scaled down or compressed again. If a picture is in the training part of a split
and its copy in the test part, the model only has to recognize it. This is **leakage**.
``NearDuplicateKFold`` prevents it, and the example shows how much the scores change.
"""

# %%
# The data
# --------
#
# Six photos that come with scikit-image and scikit-learn are six scenes. Each is cut into twelve
# pictures that do not overlap, of slightly different shapes. The task is to predict which scene a
# picture comes from. Most pictures are stored up to four times, in several sizes and qualities.
#
# Each row has the path of a picture, the size of its file, its aspect ratio, and the camera. The
# camera is made up: it is drawn at random for each picture, and a copy has that of its original.

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import skimage
import sklearn.datasets
from PIL import Image

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
versions = [(1.0, 90), (0.8, 75), (0.6, 60), (0.9, 85)]  # scale, JPEG quality

rng = np.random.default_rng(0)
temporary = tempfile.TemporaryDirectory()
rows = []
for scene, path in scenes.items():
    photo = Image.open(path).convert("RGB")
    tile_width, tile_height = photo.width // 4, photo.height // 3
    for tile in range(12):
        left, top = tile % 4 * tile_width, tile // 4 * tile_height
        width = round(rng.uniform(0.7, 1) * tile_width)
        height = round(rng.uniform(0.7, 1) * tile_height)
        picture = photo.crop((left, top, left + width, top + height))
        camera = rng.choice(["A", "B", "C"])
        for copy in range(rng.integers(1, 5)):
            scale, quality = versions[copy]
            size = round(scale * width), round(scale * height)
            file = Path(temporary.name, f"{scene}_{tile:02}_{copy}.jpg")
            picture.resize(size).save(file, quality=quality)
            rows.append(
                {
                    "image": str(file),
                    "bytes": file.stat().st_size,
                    "aspect": size[0] / size[1],
                    "camera": camera,
                    "scene": scene,
                    "original": f"{scene}_{tile:02}",
                }
            )
everything = pd.DataFrame(rows)

# %%
# Some pictures show nothing but blank sky or a blurred background. The hash of a picture without
# structure means nothing, so hashes cannot find near duplicates among such pictures. The column
# ``detail`` of ``hash_images`` measures the structure. Pictures below 10, which
# is the library's own limit, are left out.

from hashfeatures import hash_images

detail = hash_images(everything["image"], ["phash"])["detail"]
frame = everything[detail >= 10].reset_index(drop=True)
X = frame[["image", "bytes", "aspect", "camera"]]
y = frame["scene"]
print(f"{len(frame)} of {len(everything)} pictures have enough detail")
print(f"they are copies of {frame['original'].nunique()} originals")
print(y.value_counts().to_string())

# %%
# The pipeline
# ------------
#
# The featurizer takes one column of images. So the column is named by a string, ``"image"``, and
# not by a list. ``phash`` has 64 bits that describe structure, ``colorhash`` has 42 that describe
# shares of color. With ``set_output``, the features come as a DataFrame that names each bit.

from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC

from hashfeatures import ImageHashFeaturizer

other_features = [
    ("num", StandardScaler(), ["bytes", "aspect"]),
    ("cat", OneHotEncoder(sparse_output=False), ["camera"]),  # frames cannot be sparse
]
features = ColumnTransformer(
    [("hash", ImageHashFeaturizer(["phash", "colorhash"]), "image"), *other_features]
)

named = clone(features).set_output(transform="pandas")
values = named.fit_transform(X)
columns = ["hash__phash_00", "hash__colorhash_41", "num__bytes", "cat__camera_A"]
print(f"{values.shape[0]} rows, {len(named.get_feature_names_out())} features, among them:")
values[columns].head().round(2)

# %%
# Two ways to cross-validate
# --------------------------
#
# scikit-learn's ``StratifiedKFold`` assigns the pictures to folds one by one.
# ``NearDuplicateKFold`` assigns whole groups of near duplicates. Both keep the proportions of the
# classes in each fold alike, as far as they can. ``NearDuplicateKFold`` finds the images by the
# name of the column, ``image``. Use it like any other splitter.

from sklearn.model_selection import StratifiedKFold, cross_val_score

from hashfeatures import NearDuplicateKFold

splitters = {
    "picture by picture": StratifiedKFold(4, shuffle=True, random_state=0),
    "group by group": NearDuplicateKFold(4, stratify=True, shuffle=True, random_state=0),
}

# %%
# How many pictures of the test folds have a near duplicate in the training folds? The originals
# are known here, so no hash is needed to count them.

original = frame["original"].to_numpy()
for name, splitter in splitters.items():
    leaks = sum(
        np.isin(original[test], original[train]).sum() for train, test in splitter.split(X, y)
    )
    print(f"{name}: {leaks} of {len(X)} test pictures have a copy to train on")

# %%
# Now score the same model in both ways. The scores without the hash bits show what the other
# features are worth alone.

classifier = SVC()
with_bits = Pipeline([("features", features), ("classify", classifier)])
without_bits = Pipeline(
    [("features", ColumnTransformer(other_features)), ("classify", classifier)]
)
for what, model in [("without hash bits", without_bits), ("with hash bits", with_bits)]:
    for name, splitter in splitters.items():
        scores = cross_val_score(model, X, y, cv=splitter)
        print(f"{what}, {name}: accuracy {scores.mean():.2f}")

# %%
# Which hashes?
# -------------
#
# The hashes are a parameter, so a grid search can choose them. It needs a splitter too. Leakage
# does not only inflate the scores: it can make the choice wrong. The bits of ``phash`` and
# ``dhash`` separate one picture from all others. That helps to recognize a copy. A new picture of
# a scene shares only something more general with the others, such as its colors.

from sklearn.model_selection import GridSearchCV

choices = [["phash"], ["dhash"], ["colorhash"], ["phash", "colorhash"]]
table = pd.DataFrame(index=[" + ".join(choice) for choice in choices])
for name, splitter in splitters.items():
    search = GridSearchCV(with_bits, {"features__hash__hashes": choices}, cv=splitter)
    search.fit(X, y)
    table[name] = search.cv_results_["mean_test_score"]
    print(f"{name}: the best is {' + '.join(search.best_params_['features__hash__hashes'])}")
table.round(2)

# %%
# The scores as bars
# ------------------
#
# Apart from chance, the gap between the two bars of a pair is what leakage adds to the score. The
# dashed line is the score of a model that always predicts the most frequent scene.

import matplotlib.pyplot as plt

figure, axis = plt.subplots(figsize=(7.5, 4), layout="constrained")
table.plot.bar(ax=axis, rot=0, width=0.75, color=["tab:red", "tab:blue"])
for bars in axis.containers:
    axis.bar_label(bars, fmt="%.2f", padding=2, fontsize=9)
most_frequent = y.value_counts(normalize=True).max()
axis.axhline(most_frequent, color="gray", linestyle="--", zorder=0, label="most frequent scene")
axis.set_ylim(0, 1.05)
axis.set_ylabel("mean accuracy")
axis.set_title("Which scene? The same models, cross-validated in two ways", pad=30)
axis.legend(title=None, ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1), frameon=False)
axis.spines[["top", "right"]].set_visible(False)
plt.show()

# %%
# The pictures were made for this example only.

temporary.cleanup()
