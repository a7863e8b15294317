"""Layouts of data sets, such as YOLO and COCO, and the table of the images in them."""

from typing import TYPE_CHECKING

from .._utils.lazy import attach

if TYPE_CHECKING:
    from ._collection import Collection as Collection
    from ._read_collection import read_collection as read_collection

__getattr__, __dir__, __all__ = attach(
    __name__,
    {"_collection": ["Collection"], "_read_collection": ["read_collection"]},
)
