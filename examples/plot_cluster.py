"""
From a folder to a leak-free split on a Ray cluster
===================================================

A collection that outgrows one machine is processed in stages: hash, join, group, split. Each stage
writes a directory of Parquet files, part by part, so that a run that was killed continues where it
stopped. Here the cluster is two workers on this machine. A real one needs only its address. The
example needs the extra ``ray``. The chapter
:doc:`Past one machine </user-guide/large-collections>` of the user guide says more.
"""

# %%
# A collection
# ------------
#
# The photos ship with scikit-image. Each gets a smaller copy and one of low quality.

from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import skimage
from PIL import Image

photos = Path(skimage.__file__).parent / "data"
workspace = TemporaryDirectory()
folder = Path(workspace.name)
(folder / "images").mkdir()
names = ("astronaut.png", "chelsea.png", "coffee.png", "motorcycle_left.png", "rocket.jpg")
for name in names:
    image = Image.open(photos / name).convert("RGB")
    stem = folder / "images" / name.partition(".")[0]
    image.save(f"{stem}.png")
    image.resize((image.width // 2, image.height // 2)).save(f"{stem}_small.png")
    image.save(f"{stem}_low.jpg", quality=30)

# %%
# A cluster
# ---------
#
# ``RayExecutor("ray://host:10001")`` connects to a cluster. Without Ray, the same stages run in
# processes of this machine.

from hashfeatures.distributed import LocalExecutor, RayExecutor

executor = LocalExecutor(2)
if find_spec("ray") is None:
    print("Ray is not installed: the stages run in two local processes.")
else:
    import logging
    import os
    import warnings

    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    warnings.simplefilter("ignore")  # of Ray's own start
    import ray

    logging.getLogger("ray").setLevel(logging.ERROR)
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    executor = RayExecutor()

# %%
# Hash, join, group, split
# ------------------------
#
# Each function returns a summary of its work. Called again, it does only what is new.

from hashfeatures.distributed import assign, components, find_pairs, hash_dataset, read_stage

hashed = hash_dataset(folder / "images", folder / "hashes", executor=executor)
paired = find_pairs(folder / "hashes", folder / "pairs", executor=executor)
grouped = components(folder / "pairs", folder / "groups", hashes=folder / "hashes")
assigned = assign(folder / "groups", folder / "split", test_size=0.4)
print(f"{hashed.n_images} images, {paired.n_pairs} pairs, {grouped.n_groups} groups")
print(f"{assigned.n_train} for training, {assigned.n_test} for the test")

# %%
# The split
# ---------
#
# The result is a table with one row per image. No group is on two sides.

split = read_stage(folder / "split")
assert split.groupby("group")["split"].nunique().eq(1).all()
split.assign(image=split["image"].map(lambda path: Path(path).name))[["image", "group", "split"]]

# %%
# Each row shows a group, with the part that it is in.

import matplotlib.pyplot as plt

figure, axes = plt.subplots(5, 3, figsize=(5.4, 6.6), layout="constrained")
for row, (_, group) in zip(axes, split.groupby("group"), strict=True):
    part = group["split"].iloc[0]
    color = "tab:blue" if part == "train" else "tab:orange"
    for axis, path in zip(row, sorted(group["image"]), strict=True):
        axis.imshow(Image.open(path))
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set(color=color, linewidth=4)
    row[0].set_ylabel(part, color=color, fontsize="large")
figure.suptitle("Groups of near duplicates in a split")
plt.show()

# %%
# The cluster and the images were made for this example only.

if find_spec("ray") is not None:
    ray.shutdown()
workspace.cleanup()
