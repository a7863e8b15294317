"""Every public name is in the reference, and its docstring has the sections of numpydoc.

The docstrings are read at run time, as some are filled in then.
"""

import ast
import importlib
import inspect
import re
from pathlib import Path

import pytest
from numpydoc.docscrape import ClassDoc, FunctionDoc
from numpydoc.validate import validate

from hashfeatures.cli._app import app

DOCS = Path(__file__).parents[1] / "docs"
MODULES = {
    name: importlib.import_module(name)
    for name in (
        "hashfeatures.exceptions",
        "hashfeatures.edits",
        "hashfeatures.plotting",
        "hashfeatures.distributed",
        "hashfeatures",
    )
}

# Warns users for the other modules of the package.
INTERNAL = {"hashfeatures.exceptions.warn_user"}


def list_public_names():
    """Return every public class and function by its full name, under one name each."""
    found = {}
    for module_name, module in MODULES.items():
        names = getattr(module, "__all__", None) or [
            name
            for name, value in vars(module).items()
            if not name.startswith("_") and getattr(value, "__module__", None) == module_name
        ]
        for name in names:
            value = getattr(module, name)
            if callable(value) and value not in found.values():
                found[f"{module_name}.{name}"] = value
    return {name: value for name, value in found.items() if name not in INTERNAL}


PUBLIC = list_public_names()
CLASSES = [name for name, value in PUBLIC.items() if inspect.isclass(value)]


def read_class(name):
    """Return the sections of a docstring, without what numpydoc adds of its own."""
    return ClassDoc(PUBLIC[name], config={"show_class_members": False})


def is_property(value):
    return isinstance(value, property) or hasattr(value, "attrname")


def list_members(name):
    """Return the public methods and properties that this package writes."""
    return [
        member.name
        for member in inspect.classify_class_attrs(PUBLIC[name])
        if not member.name.startswith("_")
        and not member.name.endswith("_request")  # scikit-learn makes these
        and member.defining_class.__module__.startswith("hashfeatures")
        and (callable(getattr(PUBLIC[name], member.name)) or is_property(member.object))
    ]


MEMBERS = [f"{name}.{member}" for name in CLASSES for member in list_members(name)]

# Each check of numpydoc that does not hold everywhere, where it need not hold, and why.
EXCEPTIONS = [
    ("ES01", ".*", "A summary line that says everything needs no second paragraph."),
    ("EX01", "|".join(map(re.escape, MEMBERS)), "The example of a class shows its methods."),
    ("SA01", "|".join(map(re.escape, MEMBERS)), "The page of a class lists all its methods."),
    ("SA01", r"hashfeatures\.edits\.[a-z_]+", "The description of `image` names `Edit`."),
]


def is_made_by_functions(name):
    """Tell whether users only read a class: it has attributes, and no section of parameters."""
    return name in CLASSES and not read_class(name)["Parameters"]


@pytest.mark.parametrize("name", [*PUBLIC, *MEMBERS])
def test_numpydoc_finds_no_fault(name):
    faults = [
        f"{code}: {text}"
        for code, text in validate(name)["errors"]
        if not any(
            code == check and re.fullmatch(where, name) for check, where, reason in EXCEPTIONS
        )
        and not (code == "PR01" and is_made_by_functions(name))
    ]
    assert not faults


def test_every_exception_from_the_checks_is_needed():
    faults = {(name, code) for name in [*PUBLIC, *MEMBERS] for code, _ in validate(name)["errors"]}
    for check, where, reason in EXCEPTIONS:
        assert any(code == check and re.fullmatch(where, name) for name, code in faults), reason


def list_parameters(name):
    """Return the documented types and the signature of a public name."""
    module, _, rest = name.rpartition(".")
    value = PUBLIC.get(name)
    if value is None:
        value = getattr(PUBLIC[module], rest)
    if is_property(value):
        return {}, {}
    documented = (ClassDoc if inspect.isclass(value) else FunctionDoc)(value)["Parameters"]
    types = {
        single.lstrip("*"): parameter.type
        for parameter in documented
        for single in parameter.name.split(", ")
    }
    try:
        return types, inspect.signature(value).parameters
    except ValueError:  # an error or a warning with the signature of Python's own
        return types, {}


@pytest.mark.parametrize("name", [*PUBLIC, *MEMBERS])
def test_docstrings_name_the_defaults(name):
    types, parameters = list_parameters(name)
    for parameter, written in types.items():
        default = parameters[parameter].default
        _, says_default, text = written.partition("default=")
        if default is inspect.Parameter.empty:
            assert not says_default, parameter
            assert "optional" not in written, parameter
            continue
        if default is None:
            assert text == "None" or written == "None", parameter
        else:
            assert says_default or "optional" in written, parameter
        try:
            value = ast.literal_eval(text)
        except (SyntaxError, ValueError):  # a name
            continue
        assert value == default, parameter


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_lists_its_properties(name):
    listed = {
        single: attribute.desc
        for attribute in read_class(name)["Attributes"]
        for single in attribute.name.split(", ")
    }
    properties = {
        member for member in list_members(name) if is_property(getattr(PUBLIC[name], member, None))
    }
    assert properties <= listed.keys()
    for attribute, description in listed.items():
        assert description or attribute in properties


def test_the_reference_lists_every_public_name_once():
    listed = []
    for block in (
        (DOCS / "api" / "index.md").read_text(encoding="utf-8").split("```{eval-rst}")[1:]
    ):
        module = re.search(r"currentmodule:: (\S+)", block)[1]
        listed += [f"{module}.{name}" for name in re.findall(r"(?m)^   (\w+)$", block)]
    assert sorted(listed) == sorted(PUBLIC)


def test_the_reference_describes_public_data():
    """Guards names that are neither classes nor functions, which the test above leaves out."""
    text = (DOCS / "api" / "index.md").read_text(encoding="utf-8")
    for module in MODULES.values():
        for name in getattr(module, "__all__", ()):
            value = getattr(module, name)
            if not callable(value) and not inspect.ismodule(value):
                assert f".. py:data:: {name}\n" in text


def test_every_command_has_a_page():
    pages = [page.read_text("utf-8") for page in (DOCS / "api" / "commands").glob("*.md")]
    documented = [
        name for page in pages for name in re.findall(r":prog: hashfeatures (\w+)", page)
    ]
    assert sorted(documented) == sorted(app.commands)


@pytest.mark.parametrize("name", PUBLIC)
def test_docstrings_link_to_their_chapter(name):
    pages = re.findall(r":doc:`(?:[^`<]*<)?([^`>]+)>?`", inspect.getdoc(PUBLIC[name]))
    for page in pages:
        assert (DOCS / f"{page.lstrip('/')}.md").exists()
    if name.rpartition(".")[0] in ("hashfeatures", "hashfeatures.distributed"):
        assert any(page.startswith("/user-guide/") for page in pages)
