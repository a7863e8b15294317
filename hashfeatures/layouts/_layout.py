"""What every layout of a data set can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..exceptions import LayoutError
from ._plan import Plan

if TYPE_CHECKING:
    import pandas as pd

    from ._collection import Collection


class Layout(ABC):
    """The way in which a data set keeps images, labels and annotations.

    Attributes
    ----------
    name : str
        The value of ``layout`` in `read_collection`.
    title : str
        Its name in messages, such as "YOLO".
    takes_all_files : bool
        Whether every image below the root belongs to the data set. Then nothing may be written
        there.
    lost : str
        Annotations that this layout does not read, for messages. They make it an error unless the
        layout was named.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    takes_all_files: ClassVar[bool] = False
    lost: str = ""

    @classmethod
    @abstractmethod
    def recognize(cls, source: Any) -> str | None:
        """Return why a source is in this layout, or None if it is not.

        Parameters
        ----------
        source : Path, list of Path, or object
            What `read_collection` received.

        Returns
        -------
        str or None
            A clause for messages, such as "data.yaml names train and val".
        """

    @classmethod
    @abstractmethod
    def read(cls, source: Any, root: Path | None = None) -> Collection:
        """Read a collection without opening its images.

        Parameters
        ----------
        source : Path, list of Path, or object
            What `read_collection` received.
        root : Path, optional
            The folder that the names of images are relative to.

        Raises
        ------
        LayoutError
            If the data set cannot be read as it is.
        """

    @abstractmethod
    def plan_split(
        self, collection: Collection, parts: Mapping[str, NDArray[np.intp]], how: str, out: Path
    ) -> Plan:
        """Return what a split of a collection consists of, without writing it.

        Parameters
        ----------
        collection : Collection
            The images.
        parts : dict of str to ndarray of intp
            The rows of each part, in order. No row is in two parts, and some may be in none.
        how : {"lists", "link", "copy"}
            Whether images stay where they are, or are linked or copied.
        out : Path
            The absolute folder that will hold the split.

        Returns
        -------
        Plan
            What to write.
        """

    def find_objects(self, collection: Collection) -> pd.DataFrame:
        """Return the annotated objects, see `Collection.objects`."""
        raise LayoutError(f"The {self.title} layout holds no boxes and no masks.")
