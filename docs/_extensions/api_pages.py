"""Lay out the pages of the API reference.

The template of classes lists the members that this module sorts. A class that only functions make
has no section "Parameters", and its page shows no signature. Names of errors and edits link to the
modules that describe them.
"""

from __future__ import annotations

import inspect
import re
from typing import Any, NamedTuple

from docutils import nodes
from linked_names import NAMES
from numpydoc.docscrape import ClassDoc
from numpydoc.docscrape_sphinx import SphinxDocString
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.util import import_object

from hashfeatures.edits import EVERYDAY_EDITS

PROCESS_PARAM = SphinxDocString._process_param


class Members(NamedTuple):
    """The public members of a class that its page lists.

    Parameters
    ----------
    methods : list of str
        The methods that this package writes.
    inherited : list of str
        The methods of scikit-learn.
    """

    methods: list[str]
    inherited: list[str]


def members_of(name: str) -> Members:
    """Sort the public members of a class.

    Parameters
    ----------
    name : str
        The full name of the class.

    Returns
    -------
    Members
        Methods of Python's own base classes, such as those of tuples and errors, are in none.
    """
    members = Members([], [])
    for member in inspect.classify_class_attrs(import_object(name)):
        home = member.defining_class.__module__.partition(".")[0]
        # scikit-learn makes set_fit_request and the like for the routing of metadata. Hardly
        # anybody calls them, and they would be most of the methods of a splitter.
        if (
            member.name.startswith("_")
            or member.name.endswith("_request")
            or not callable(getattr(import_object(name), member.name))
        ):
            continue
        if home == "hashfeatures":
            members.methods.append(member.name)
        elif home == "sklearn":
            members.inherited.append(member.name)
    return members


def describe_attribute(
    docstring: SphinxDocString, name: str, description: list[str], is_attribute: bool
) -> tuple[str, list[str]]:
    """Describe a parameter or attribute as the docstring of the class does.

    numpydoc takes the docstring of a property instead, which is shorter here. Only a property that
    the class names without a description gets it.
    """
    if is_attribute and not description:
        described = getattr(docstring._obj, name, None)
        description = inspect.getdoc(described).splitlines() if described else []
    return PROCESS_PARAM(docstring, name, description, False)


def show_signature(
    app: Sphinx,
    what: str,
    name: str,
    documented: Any,
    options: Any,
    signature: str | None,
    returned: str | None,
) -> tuple[str, str] | None:
    """Name long defaults, and leave out the signature of a class that only functions make."""
    if not signature:
        return None
    if what in ("class", "exception") and not ClassDoc(documented)["Parameters"]:
        return "", ""
    signature = signature.replace(repr(EVERYDAY_EDITS), "EVERYDAY_EDITS")
    return re.sub(r"<function (\w+)>", r"\1", signature), returned or ""


def resolve_name(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, text: nodes.Element
) -> nodes.Element | None:
    """Link a public name that a docstring writes without its module."""
    first, dot, rest = node.get("reftarget", "").partition(".")
    if node.get("refdomain") != "py" or first not in NAMES:
        return None
    return env.domains["py"].resolve_xref(
        env, node["refdoc"], app.builder, "obj", NAMES[first] + dot + rest, node, text
    )


def show_examples(app: Sphinx, context: Any, lines: list[str]) -> None:
    """Show the examples in the help of a command as code.

    sphinx-click marks the lines that click leaves alone with bars. Those that are indented are
    examples, and the others are text.
    """
    text = "\n".join(escape_stars(lines))
    text = re.sub(
        r"(?m)(?:^\|   .*\n)+",
        lambda block: (
            ".. code-block:: text\n\n" + re.sub("(?m)^.", " ", block[0].replace(r"\*", "*"))
        ),
        text,
    )
    lines[:] = re.sub(r"(?m)^\| ", "", text).split("\n")


def show_options(app: Sphinx, context: Any, lines: list[str]) -> None:
    """Show the stars of file patterns in the help of options, which are not markup."""
    lines[:] = escape_stars(lines)


def escape_stars(lines: list[str]) -> list[str]:
    """Escape single stars in lines of text. Double ones are markup of sphinx-click."""
    return [re.sub(r"(?<!\*)\*(?!\*)", r"\*", line) for line in lines]


def offer_members(app: Sphinx, config: Config) -> None:
    """Let the template of classes ask for members, and types of parameters link to classes."""
    config.autosummary_context["members_of"] = members_of
    # numpydoc's own list has links to the sites of Python and NumPy, which are not at hand.
    config.numpydoc_xref_aliases_complete = {
        name: full for name, full in NAMES.items() if name[0].isupper()
    }


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the functions with Sphinx."""
    SphinxDocString._process_param = describe_attribute
    for extension in ("numpydoc", "sphinx.ext.autodoc", "sphinx_click"):
        app.setup_extension(extension)
    app.connect("config-inited", offer_members, priority=900)
    app.connect("autodoc-process-signature", show_signature)
    app.connect("sphinx-click-process-description", show_examples)
    app.connect("sphinx-click-process-options", show_options)
    app.connect("missing-reference", resolve_name)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
