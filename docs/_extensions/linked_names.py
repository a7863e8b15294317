"""Link each public name that a page writes as code to its page in the API reference.

So pages are plain Markdown, as in ```find_duplicates```, and read well outside of the site.
"""

from __future__ import annotations

import inspect
import re
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

import hashfeatures
from hashfeatures import distributed, edits, exceptions, plotting

NAMES = {  # the last module that names one is where the reference describes it
    name: f"{module.__name__}.{name}"
    for module in (hashfeatures, distributed, plotting, edits, exceptions)
    for name, value in inspect.getmembers(module, callable)
    if not name.startswith("_")
    and (name in getattr(module, "__all__", ()) or value.__module__ == module.__name__)
}
WRITTEN = re.compile(r"(?:hashfeatures\.(?:\w+\.)?)?(\w+)((?:\.\w+)?)(?:\(\))?")


class LinkNames(SphinxTransform):
    """Make a reference of each literal that is a public name or one of its methods."""

    default_priority = 400

    def apply(self, **kwargs: Any) -> None:
        """Make the references of one page."""
        for literal in list(self.document.findall(nodes.literal)):
            match = WRITTEN.fullmatch(literal.astext())
            if match is None or match[1] not in NAMES or within_link(literal):
                continue
            reference = addnodes.pending_xref(
                "",
                literal.deepcopy(),
                refdomain="py",
                reftype="obj",
                reftarget=NAMES[match[1]] + match[2],
                refexplicit=True,
                refwarn=False,
                refdoc=self.env.docname,
            )
            literal.replace_self(reference)


def within_link(node: nodes.Node) -> bool:
    """Tell whether a node is a part of a link or of a heading."""
    parent: nodes.Node | None = node.parent
    while parent is not None:
        if isinstance(parent, nodes.reference | addnodes.pending_xref | nodes.title):
            return True
        parent = parent.parent
    return False


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the transform with Sphinx."""
    app.add_transform(LinkNames)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
