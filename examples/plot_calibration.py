"""
Which radius and which agreement? Measured on your own images
=============================================================

Two images are near duplicates if their hashes differ in few bits and their pixels agree. The
**radius** is the most bits, and the **agreement** is the least correlation. A larger radius and a
lower agreement find more copies and join more pictures that have nothing to do with each other.
Where the limits lie depends on the pictures: scans of forms resemble each other more than holiday
photos do.

``calibrate`` measures both sides. It compares a sample of the images with each
other, which gives the **false matches**, and edits some of them, which gives the **recall**: the
share of the copies that are found. The chapter :doc:`Choosing a radius </user-guide/radius>` of
the user guide says more.
"""

# %%
# A collection
# ------------
#
# Each photo that ships with scikit-image is cut into cells that share no pixel. These are few and
# small. Take a few thousand images of your own instead.

from pathlib import Path

import matplotlib.pyplot as plt
import skimage
from PIL import Image

names = ["astronaut.png", "chelsea.png", "coffee.png", "hubble_deep_field.jpg", "ihc.png"]
names += ["motorcycle_left.png", "retina.jpg", "rocket.jpg"]
images = []
for name in names:
    with Image.open(Path(skimage.__file__).parent / "data" / name) as opened:
        photo = opened.convert("RGB")
    width, height = photo.width // 6, photo.height // 6
    corners = [(column * width, row * height) for column in range(6) for row in range(6)]
    images += [photo.crop((x, y, x + width, y + height)) for x, y in corners]
print(f"{len(images)} images")

# %%
# Calibrate
# ---------
#
# The target is the most false matches in a million pairs. The result names the radius and the
# agreement that meet it, the share of the copies that they find, and intervals for both. Thousands
# of images can prove that the target is met. Of a few hundred, as here, the estimate meets it.
# ``n_images`` is the size of the whole collection where the images are a sample of it. The last
# line predicts the number of false matches there.

from hashfeatures import calibrate
from hashfeatures.edits import Edit

edits = [
    Edit("recompress", quality=30),
    Edit("resize", scale=0.5),
    Edit("crop", share=0.025),
    Edit("crop", share=0.05),
    Edit("rotate", degrees=2),
    Edit("bars", share=0.05),
    Edit("mirror"),
]
calibration = calibrate(images, edits=edits, target=20, n_edited=40, n_images=100_000)
print(calibration)

# %%
# The table behind it
# -------------------
#
# The table has one row per radius and agreement. Where fewer than ten false matches were seen,
# their rate may be extrapolated from lower agreements, and ``extrapolated`` is True. There, rely
# on the upper end of the interval: it rests on what was seen, and not on a model.

columns = ["recall", "false_per_million", "false_per_million_high", "false_in_set", "extrapolated"]
table = calibration.table.loc[calibration.radius, columns]
rates = ["false_per_million", "false_per_million_high", "false_in_set"]
table.iloc[::3].round({"recall": 3} | dict.fromkeys(rates, 1))

# %%
# The false matches are dashed where they are extrapolated. Where the recall is flat to the left of
# the agreement, a stricter one costs little.

calibration.plot().set_title("Copies found and false matches, by the least agreement")
plt.show()

# %%
# Look at the border
# ------------------
#
# Numbers do not show what a false match looks like. ``borderline`` holds the pairs of images whose
# agreements are nearest to the limit. ``same`` marks those that show one picture by their pixels,
# which were set aside.

pairs = calibration.borderline
pairs[["left", "right", "distance", "agreement", "same"]].tail(5)

# %%
# These are the last four of them.

figure, axes = plt.subplots(2, 4, figsize=(8, 4.4), layout="constrained")
for column, pair in enumerate(pairs.tail(4).itertuples()):
    for row, image in enumerate((pair.left_image, pair.right_image)):
        axes[row, column].imshow(image)
        axes[row, column].axis("off")
    axes[0, column].set_title(f"agreement {pair.agreement:.2f}")
figure.suptitle("Pairs of different images at the border")
plt.show()

# %%
# Edits of your own
# -----------------
#
# An edit is any function from an image to the edited image: whatever happens to pictures on their
# way to you. ``hashfeatures.edits`` has many to start with.


def stamp(image):
    """Paste a white label over the lower right corner."""
    label = Image.new("RGB", (image.width // 5, image.height // 8), "white")
    stamped = image.copy()
    stamped.paste(label, (image.width - label.width, image.height - label.height))
    return stamped


from hashfeatures import NearDuplicateFinder

edits.append(stamp)
for views in ("identity", "dihedral", "robust"):
    finder = NearDuplicateFinder(views=views)
    tried = calibrate(images, finder=finder, edits=edits, target=20, n_edited=40)
    found = tried.table.loc[(tried.radius, tried.min_agreement), tried.trial.edits].astype(float)
    limits = f"radius {tried.radius}, agreement {tried.min_agreement:g}"
    print(f"{views}: {limits}, recall {tried.summary()['recall']:.0%}; least:")
    print(found.sort_values().head(3).to_string(float_format="{:.2f}".format))

# %%
# Use it
# ------
#
# The radius and the agreement are parameters of a finder. With ``radius="calibrated"``, ``fit``
# does all of this, with everyday edits and a target of ten false matches in a million pairs.

finder = NearDuplicateFinder(radius=calibration.radius, min_agreement=calibration.min_agreement)
copies = [edits[0](image) for image in images[:10]]
finder.fit(images + copies)
finder.groups_.head()
