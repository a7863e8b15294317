"""Show the dark drawing of a figure on dark pages.

A page names a figure once, as ``![alternative text](figure.png)``. If ``figure-dark.png`` lies
beside it, it is shown in its place wherever the page is dark.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform


class AddDarkFigures(SphinxTransform):
    """Follow each image that has a dark drawing by that drawing."""

    default_priority = 400  # before Sphinx collects the files of images

    def apply(self, **kwargs: Any) -> None:
        """Add the dark drawings of one page."""
        for image in list(self.document.findall(nodes.image)):
            light = Path(image["uri"])
            dark = light.with_stem(f"{light.stem}-dark")
            _, path = self.env.relfn2path(str(dark), self.env.docname)
            if "://" in image["uri"] or not Path(path).exists():
                continue
            self.env.note_dependency(path)
            twin = image.deepcopy()
            twin["uri"] = dark.as_posix()
            twin["classes"].append("only-dark")
            image["classes"].append("only-light")
            image.parent.insert(image.parent.index(image) + 1, twin)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the transform with Sphinx."""
    app.add_transform(AddDarkFigures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
