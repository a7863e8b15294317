"""
Find duplicate images by perceptual hashes, step by step
========================================================

Given a table of image addresses, which of them show the same picture? Is a new image already
among them? Which ones look like it?

**Perceptual hashes** answer all three. A hash sums up an image in a short string of hex digits.
Two images with the same string are the same picture to that hash. Two strings that differ in few
bits belong to pictures that look alike. The number of bits in which they differ is their
**Hamming distance**. The chapter :doc:`Tables of hashes </user-guide/tables>` of the user guide
has a summary.
"""

# %%
# 1. A table of image addresses
# -----------------------------
#
# The images are read from a web server. To keep the example on one machine, the server is started
# here. Its photos come with scikit-image and scikit-learn, ten in color and seven in gray.
#
# Some are served under a second name: three as they are, three at half the size, and two in a
# version without color. The column ``photo`` records which photo an address shows. The hashes do
# not use it. It serves to check their answers.

import tempfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pandas as pd
import skimage
import sklearn.datasets
from PIL import Image

photos = Path(skimage.__file__).parent / "data"
samples = Path(sklearn.datasets.__file__).parent / "images"
originals = {
    path.stem: path
    for path in [
        *(photos / f"{name}.png" for name in ("astronaut", "chelsea", "coffee", "ihc")),
        *(photos / f"{name}.png" for name in ("motorcycle_left", "motorcycle_right")),
        *(photos / f"{name}.jpg" for name in ("retina", "rocket")),
        *(samples / f"{name}.jpg" for name in ("china", "flower")),
        *(photos / f"{name}.png" for name in ("brick", "camera", "cell", "coins")),
        *(photos / f"{name}.png" for name in ("grass", "gravel", "moon")),
    ]
}
again = {
    "as it is": ["astronaut", "camera", "rocket"],
    "half size": ["chelsea", "coins", "motorcycle_left"],
    "no color": ["coffee", "flower"],
}

temporary = tempfile.TemporaryDirectory()
folder = Path(temporary.name)
rows = []


def publish(photo, image):
    """Put an image into the folder of the server under the next number."""
    file = f"{len(rows):03}.png"
    image.save(folder / file)
    rows.append((file, photo))


for name, path in originals.items():
    publish(name, Image.open(path))
for change, names in again.items():
    for name in names:
        image = Image.open(originals[name])
        if change == "half size":
            image = image.resize((image.width // 2, image.height // 2))
        elif change == "no color":
            image = image.convert("L")
        publish(name, image)


class QuietHandler(SimpleHTTPRequestHandler):
    """Serve files without a line of log for each."""

    def log_message(self, *args):
        """Say nothing."""


server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=folder))
thread = Thread(target=server.serve_forever, daemon=True)
thread.start()

site = f"http://127.0.0.1:{server.server_port}"
frame = pd.DataFrame(
    {"url": [f"{site}/{file}" for file, _ in rows], "photo": [photo for _, photo in rows]}
)
print(f"{len(frame)} addresses of {frame['photo'].nunique()} photos")

# %%
# 2. Five hashes each
# -------------------
#
# ``hash_images`` fetches each address once and returns a row for each, with one
# column of hex strings per hash. Four of the hashes describe light and dark in 64 bits: ``ahash``
# by averages, ``phash`` by frequencies, ``dhash`` by differences between neighbors, ``whash`` by
# wavelets. ``colorhash`` describes shares of color in 42 bits.

from hashfeatures import hash_images

hashes = ["ahash", "phash", "dhash", "whash", "colorhash"]
table = frame.join(hash_images(frame["url"], hashes)[hashes])
table[["photo", *hashes]].head()

# %%
# 3. Same hash, same picture?
# ---------------------------
#
# From here on, pandas answers. ``duplicated()`` marks each row whose hash occurred before. Since
# the photos are known, the marks can be checked. A mark is right if the same photo had the same
# hash before, and wrong if only other photos had. A copy without a right mark is missed.

is_copy = table["photo"].duplicated()
counts = pd.DataFrame(0, index=hashes, columns=["marked", "right", "wrong", "missed"])
for name in hashes:
    marked = table[name].duplicated()
    right = table[[name, "photo"]].duplicated()
    counts.loc[name] = [
        marked.sum(),
        right.sum(),
        (marked & ~right).sum(),
        (is_copy & ~right).sum(),
    ]
print(f"{is_copy.sum()} rows show a photo that occurred before")
counts

# %%
# The hashes disagree on what a duplicate is. ``colorhash`` compares color alone. To it, gray
# photos are much alike, and a photo that lost its color is another one. The other four compare
# light and dark alone, so a missing color does not matter to them. But equal strings are a strict
# condition: a copy that differs in a single bit is missed.
#
# ``colorhash`` takes these photos for one and the same.

for string, column in table.groupby("colorhash", sort=False)["photo"]:
    names = column.unique()
    if len(names) > 1:
        print(f"{string}: {', '.join(names)}")

# %%
# 4. Is a new image already known?
# --------------------------------
#
# Three images come in: a photo of the table at a third of its size, another one that was made
# brighter, and a drawing that is not in the table. ``is_known`` hashes them in
# the same way, and checks whether the string of a new image is in the column.

from PIL import ImageEnhance

from hashfeatures import is_known

coffee = Image.open(originals["coffee"])
motorcycle = Image.open(originals["motorcycle_left"])
incoming = {
    "coffee, small": coffee.resize((coffee.width // 3, coffee.height // 3)),
    "motorcycle, bright": ImageEnhance.Brightness(motorcycle).enhance(1.5),
    "a drawing": Image.open(photos / "phantom.png"),
}
pd.DataFrame(
    {by: [is_known(table, image, by=by) for image in incoming.values()] for by in hashes},
    index=list(incoming),
)

# %%
# Equal strings are strict here too. A **radius** allows a few bits to differ: 8 of the 64 bits of
# ``phash``. Compare it with the distance to the nearest image of the table, which is the first row
# of the ranking that ``find_similar`` returns.

from hashfeatures import find_similar

for name, image in incoming.items():
    verdict = "known" if is_known(table, image, by="phash", radius=8) else "new"
    nearest = find_similar(table, image, by="phash", n=1).iloc[0]
    distance, photo = nearest["hamming_distance"], table.loc[nearest.name, "photo"]
    print(f"{name}: {verdict} (the nearest is {photo}, at distance {distance})")

# %%
# 5. Rank the table by similarity
# -------------------------------
#
# The whole ranking shows more than its first row. Take the bright motorcycle. The result has the
# index of the table, so it can be joined with its other columns.

query = incoming["motorcycle, bright"]
columns = ["photo", "hash", "hamming_distance"]
by_phash = find_similar(table, query, by="phash", n=7)
by_phash.join(table["photo"])[columns]

# %%
# Look where the distances of ``phash`` jump. Before the jump are the images of the motorcycle,
# both views of a stereo pair. The photos after it have nothing to do with the query, and their
# order means little. By ``colorhash`` the distances rise in small steps instead.

by_colorhash = find_similar(table, query, by="colorhash", n=7)
by_colorhash.join(table["photo"])[columns]

# %%
# 6. Look at the pictures
# -----------------------
#
# The query comes first, then what ``phash`` finds, each below its distance. The images are fetched
# once more.

import matplotlib.pyplot as plt

from hashfeatures.plotting import plot_similar

axes = plot_similar(query, by_phash, n_columns=4)
axes[0, 0].figure.suptitle("The motorcycle, made brighter, and what phash finds")
plt.show()

# %%
# The server and its folder were made for this example only.

server.shutdown()
server.server_close()
thread.join()
temporary.cleanup()

# %%
# 7. Digits or bits?
# ------------------
#
# The Hamming distance of two strings counts the hex digits in which they differ. A digit stands
# for four bits, and may differ in one of them or in all. So digits are coarser than bits.
# ``unit="hex"`` counts them, to compare with distances that were counted so. Here are four
# ``ahash`` strings from such a table, and the last query. ``from_hex`` makes a
# table of stored strings: those of ImageHash, old and new, of imagededup and of PDQ.

from hashfeatures import from_hex

stored = from_hex(
    ["333e9f8981c3c3e3", "ffc1818183cfffff", "fe86c38181c1c3c7", "2700017303030f9f"], "ahash"
)
last = "fe86c38181c1c3c7"
digits = find_similar(stored, last, by="ahash", unit="hex")
bits = find_similar(stored, last, by="ahash")
both = digits.rename(columns={"hamming_distance": "hex digits (of 16)"})
both["bits (of 64)"] = bits["hamming_distance"]
both.drop(columns="image").sort_index()

# %%
# Both units rank the equal string first and the last string last. Of the two strings between them,
# one is a single digit, and a single bit, nearer than the other.
