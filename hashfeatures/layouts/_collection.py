"""The images of a data set as a table, in whatever layout people keep them."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import vstack

from .._utils.labels import list_labels
from .._utils.part_names import order_parts
from .._utils.quantities import count
from .._utils.validation import check_choice, refuse
from ._plan import write_plan

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from ._layout import Layout

# What any file system takes for a folder, and what no shell or trainer stumbles over.
_PART_NAME = re.compile(r"\w[\w .+()-]*")


class Collection:
    """The images of a data set as a table, one row per image.

    `read_collection` makes it. Every function that takes images takes a collection, and a function
    that returns images returns one. The table's columns can be named where a function takes
    labels: ``train_test_split(collection, stratify="label")``.

    Read more in the :doc:`User Guide </user-guide/collections>`.

    Attributes
    ----------
    frame : pandas.DataFrame
        One row per image, with the columns

        - "image": what to open, such as a path;
        - "key": the name of the image inside the layout, unique, with "/" as separator;
        - "part": the part of a split that holds the image, if the layout has parts;
        - "label": the class of the image, if the layout has classes;
        - "annotations": what the layout holds about the image, untouched, if it holds anything;
        - the other columns of a table.
    layout : Layout
        The layout of the data set, which reads and writes it.
    root : pathlib.Path or None
        The folder that the names of images are relative to.
    counts : csr_array of shape (n_images, n_classes), dtype int64, or None
        The number of annotated objects of each class in each image.
    class_names : list of str
        The names of the classes, in the order of the columns of `counts`.
    skipped : str
        What the data set holds beside images, in one line. Empty if nothing was left out.
    images : list
    labels : pandas.Series or None
    parts : pandas.Series or None
    strata : pandas.Series, csr_array or None
    columns : list of str
    shape : tuple of int

    See Also
    --------
    read_collection : Reads a data set.

    Examples
    --------
    >>> import pandas as pd
    >>> from hashfeatures import read_collection
    >>> table = pd.DataFrame({"image": ["1.png", "2.png"], "label": ["cat", "dog"]})
    >>> collection = read_collection(table)
    >>> len(collection), collection.images, collection.labels.tolist()
    (2, ['1.png', '2.png'], ['cat', 'dog'])
    >>> collection.select([1]).describe()
    'table layout, 1 image, 2 classes'
    """

    def __init__(
        self,
        frame: pd.DataFrame,
        layout: Layout,
        *,
        root: Path | None = None,
        counts: csr_array | None = None,
        class_names: Sequence[str] | None = None,
        skipped: str = "",
    ) -> None:
        self.frame = frame.reset_index(drop=True)
        self.layout = layout
        self.root = root
        self.counts = counts
        self.skipped = skipped
        if class_names is None:
            labels = [] if self.labels is None else self.labels.dropna().unique().tolist()
            class_names = sorted(map(str, labels))
        self.class_names = list(class_names)

    @property
    def images(self) -> list[Any]:
        """The image sources, such as paths."""
        return list(self.frame["image"])

    @property
    def labels(self) -> pd.Series[Any] | None:
        """The class of each image; None if the layout has no classes of images."""
        return self.frame.get("label")

    @property
    def parts(self) -> pd.Series[Any] | None:
        """The part of each image; None if the layout has no parts."""
        return self.frame.get("part")

    @property
    def strata(self) -> pd.Series[Any] | csr_array | None:
        """The labels, or else the numbers of objects by class; None without both."""
        return self.counts if self.labels is None else self.labels

    @property
    def columns(self) -> list[str]:
        """The names of the columns of the table."""
        return list(self.frame.columns)

    @property
    def shape(self) -> tuple[int, int]:
        """The number of images and of columns."""
        return self.frame.shape

    def __len__(self) -> int:
        return len(self.frame)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.images)

    def __getitem__(self, key: Any) -> Any:
        """Return a column by its name, an image by its row, or the collection of some rows."""
        if isinstance(key, str):
            return self.frame[key]
        if isinstance(key, int | np.integer) and not isinstance(key, bool):
            return self.frame["image"].iloc[key]
        if isinstance(key, tuple) and len(key) == 2 and key[1] in (Ellipsis, slice(None)):
            key = key[0]  # the form in which scikit-learn takes rows of arrays
        return self.select(np.arange(len(self))[key])

    def select(self, rows: Any) -> Collection:
        """Return the collection of some images.

        Parameters
        ----------
        rows : array-like of int, bool or str
            The row numbers, a mask, or keys.

        Returns
        -------
        Collection
            The images in the order of `rows`.

        Raises
        ------
        ParameterError
            If a row or a key is not among those of the collection.

        Examples
        --------
        >>> import pandas as pd
        >>> from hashfeatures import read_collection
        >>> table = pd.DataFrame({"image": ["1.png", "2.png"], "part": ["train", "test"]})

        >>> read_collection(table).select([False, True]).images
        ['2.png']
        """
        expected = f"row numbers, a mask or keys of these {len(self)} images"
        rows = self._find_rows("select", "rows", rows, expected)
        return Collection(
            self.frame.iloc[rows],
            self.layout,
            root=self.root,
            counts=None if self.counts is None else self.counts[rows],
            class_names=self.class_names,
            skipped=self.skipped,
        )

    def append(self, others: Sequence[Collection]) -> Collection:
        """Return this collection and others of the same data set as one.

        Parameters
        ----------
        others : sequence of Collection
            The other collections.

        Returns
        -------
        Collection
            The images of this collection, then those of the others.

        Raises
        ------
        TypeError
            If they were read by different calls of `read_collection`.
        """
        if any(other.layout is not self.layout for other in others):
            raise TypeError(
                "Expected collections of one data set, to move images between them. Read all of "
                "its files by one call: read_collection([first, second])."
            )
        pieces = [self, *others]
        counts = [piece.counts for piece in pieces]
        return Collection(
            pd.concat([piece.frame for piece in pieces], ignore_index=True),
            self.layout,
            root=self.root,
            counts=None if self.counts is None else vstack(counts).tocsr(),
            class_names=self.class_names,
            skipped=self.skipped,
        )

    def by_part(self) -> dict[str, Collection]:
        """Return the images of each part, in the order in which parts are used.

        Images in no part are left out.

        Returns
        -------
        dict of str to Collection
            Empty if the layout has no parts.

        Examples
        --------
        >>> import pandas as pd
        >>> from hashfeatures import read_collection
        >>> table = pd.DataFrame({"image": ["1.png", "2.png"], "part": ["train", "test"]})

        >>> {name: part.images for name, part in read_collection(table).by_part().items()}
        {'train': ['1.png'], 'test': ['2.png']}
        """
        if self.parts is None:
            return {}
        names = order_parts(self.parts.dropna().unique().tolist())
        return {name: self.select((self.parts == name).to_numpy(dtype=bool)) for name in names}

    def objects(self) -> pd.DataFrame:
        """Return the annotated objects of the images.

        Returns
        -------
        pandas.DataFrame
            One row per object, with the columns

            - "row": the row of the image;
            - "label": the name of the class;
            - "left", "top", "right", "bottom": the box, as shares of the width and the height;
            - "polygons": the mask as a list of arrays of shape (n_points, 2) with the same
              shares, or None;
            - "crowd": whether the object stands for a group of objects.

        Raises
        ------
        LayoutError
            If the layout holds no boxes.

        Examples
        --------
        >>> import json
        >>> import tempfile
        >>> from pathlib import Path
        >>> from PIL import Image
        >>> from hashfeatures import read_collection
        >>> coco = {
        ...     "images": [{"id": 1, "file_name": "1.png", "width": 10, "height": 10}],
        ...     "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [2, 1, 4, 5]}],
        ...     "categories": [{"id": 1, "name": "cat"}],
        ... }
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Image.new("RGB", (10, 10)).save(Path(folder, "1.png"))
        ...     path = Path(folder, "instances.json")
        ...     _ = path.write_text(json.dumps(coco))
        ...     objects = read_collection(path).objects()
        >>> objects[["label", "left", "top", "right", "bottom"]]
          label  left  top  right  bottom
        0   cat   0.2  0.1    0.6     0.6
        """
        return self.layout.find_objects(self)

    def write_split(self, parts: Any, out: str | os.PathLike[str], how: str = "lists") -> Path:
        """Write a split of the collection in its own layout.

        Annotations are written as they were read. The source stays as it is. The folder is
        written completely or not at all.

        Parameters
        ----------
        parts : dict of str to Collection or rows, or array-like of shape (n_images,)
            The images of each part: a collection that `train_test_split` returned, row numbers,
            a mask, keys or paths. An array holds the name of the part of each image, as
            `assign_split` returns it. Images in no part are left out.
        out : path-like
            The folder to write, which must not exist or be empty.
        how : {"lists", "link", "copy"}, default="lists"
            "lists" leaves the images where they are, and writes what names them. "link" and
            "copy" make a data set of its own, with links to the images or copies.

        Returns
        -------
        pathlib.Path
            The folder.

        Raises
        ------
        LayoutError
            If the folder is not empty, if names collide, or if the layout cannot be written so.
        ParameterError
            If an image is in two parts, or is not in the collection.

        Examples
        --------
        >>> import tempfile
        >>> from pathlib import Path
        >>> from PIL import Image
        >>> from hashfeatures import read_collection
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for name in ("cat/1.png", "cat/2.png", "dog/1.png"):
        ...         Path(folder, "pets", name).parent.mkdir(parents=True, exist_ok=True)
        ...         Image.new("RGB", (8, 8)).save(Path(folder, "pets", name))
        ...     pets = read_collection(Path(folder, "pets"))
        ...     parts = ["train", "test", "train"]
        ...     out = pets.write_split(parts, Path(folder, "split"), how="copy")
        ...     sorted(path.relative_to(out).as_posix() for path in out.rglob("*.png"))
        ['test/cat/2.png', 'train/cat/1.png', 'train/dog/1.png']
        """
        check_choice("write_split", "how", how, ("lists", "link", "copy"))
        rows = self._rows_by_part(parts)
        place = Path(os.path.abspath(out))
        check_place(self, place)
        write_plan(self.layout.plan_split(self, rows, how, place), place, how)
        return Path(out)

    def _rows_by_part(self, parts: Any) -> dict[str, NDArray[np.intp]]:
        if isinstance(parts, Mapping):
            found = {
                str(name): self._rows_of_part(str(name), part) for name, part in parts.items()
            }
        else:
            values = list_labels(parts, len(self))
            known = ~pd.isna(values)
            names = order_parts(dict.fromkeys(map(str, values[known])))
            texts = np.array([str(value) for value in values], dtype=object)
            found = {name: np.flatnonzero(known & (texts == name)) for name in names}
        unfit = next((name for name in found if not _PART_NAME.fullmatch(name)), None)
        if unfit is not None or not found:
            expected = "parts whose names can be those of files, such as 'train' and 'test'"
            raise refuse("write_split", "parts", expected, unfit or parts)
        taken = Counter(row for rows in found.values() for row in rows.tolist())
        twice = [row for row, n in taken.items() if n > 1]
        if twice:
            expected = "parts without a common image"
            raise refuse("write_split", "parts", expected, str(self.frame["key"].iloc[twice[0]]))
        return found

    def _rows_of_part(self, name: str, part: Any) -> NDArray[np.intp]:
        """Return the rows of the images of a part."""
        expected = f"row numbers, keys or a collection of these {len(self)} images for {name!r}"
        if isinstance(part, Collection):
            if part.layout is not self.layout:
                raise refuse("write_split", "parts", expected, part)
            part = part.frame["key"]
        return self._find_rows("write_split", "parts", part, expected)

    def _find_rows(
        self, caller: str, parameter: str, given: Any, expected: str
    ) -> NDArray[np.intp]:
        """Return the rows that numbers, a mask, keys or paths stand for."""
        values = np.atleast_1d(np.asarray(given))
        if values.dtype == bool and values.shape == (len(self),):
            return np.flatnonzero(values)
        if not len(values):
            return np.zeros(0, dtype=np.intp)
        if values.dtype.kind in "iu" and values.ndim == 1:
            if values.min() < 0 or values.max() >= len(self):
                raise refuse(caller, parameter, expected, given)
            return values.astype(np.intp)
        images = self.frame["image"]
        row_of = {image: row for row, image in enumerate(images) if isinstance(image, str)}
        row_of |= {key: row for row, key in enumerate(self.frame["key"])}
        names = values.tolist()
        if not all(isinstance(value, str) and value in row_of for value in names):
            unknown = next(v for v in names if not isinstance(v, str) or v not in row_of)
            raise refuse(caller, parameter, expected, unknown)
        return np.array([row_of[value] for value in names], dtype=np.intp)

    def describe(self) -> str:
        """Return the layout, the images, the parts and the classes in one line.

        Returns
        -------
        str
            Such as "YOLO layout, 120 images, 3 parts (train 80, val 20, test 20), 8 classes".
        """
        facts = [f"{self.layout.title} layout", count(len(self), "image")]
        if self.parts is not None:
            sizes = self.parts.value_counts()
            names = order_parts(sizes.index.tolist())
            listed = ", ".join(f"{name} {sizes[name]}" for name in names[:8])
            facts.append(f"{count(len(names), 'part')} ({listed})")
        if self.class_names:
            facts.append(count(len(self.class_names), "class", "classes"))
        return ", ".join(facts)

    def __repr__(self) -> str:
        where = "" if self.root is None else f" in {self.root}"
        return f"<Collection{where}: {self.describe()}>"

    def _repr_html_(self) -> str:
        table: str = self.frame.drop(columns="annotations", errors="ignore")._repr_html_()  # type: ignore[operator]
        return f"<p>{self.describe()}</p>{table}"


def check_place(collection: Collection, out: str | os.PathLike[str]) -> None:
    """Raise if a split would be written among images that all belong to the data set."""
    if collection.root is None or not collection.layout.takes_all_files:
        return
    real, root = Path(os.path.realpath(out)), Path(os.path.realpath(collection.root))
    if real.is_relative_to(root):
        expected = f"a folder outside of {root}, whose images all belong to the data set"
        raise refuse("write_split", "out", expected, str(out))
