"""Import the public names of a package on first use."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def attach(
    package: str,
    exports: Mapping[str, Sequence[str]],
    modules: Sequence[str] = (),
    before: Sequence[str] = (),
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return the ``__getattr__``, ``__dir__`` and ``__all__`` of a package.

    Parameters
    ----------
    package : str
        The ``__name__`` of the package.
    exports : dict of str to sequence of str
        The public names of each module or subpackage.
    modules : sequence of str
        Submodules that are public themselves.
    before : sequence of str
        What is imported before any of these modules. Python needs up to 0.2 s more for a large
        library such as scikit-learn where the import statements are nested deeply.

    Returns
    -------
    tuple
        The values for ``__getattr__``, ``__dir__`` and ``__all__``.
    """
    homes = {name: module for module, names in exports.items() for name in names}
    public = sorted(homes)

    def load(name: str) -> Any:
        if name in modules:
            return import_module(f".{name}", package)
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        for library in before:
            import_module(library)
        value = getattr(import_module(f".{homes[name]}", package), name)
        setattr(sys.modules[package], name, value)
        return value

    def list_names() -> list[str]:
        own = [name for name in vars(sys.modules[package]) if name.startswith("__")]
        return sorted({*public, *modules, *own})

    return load, list_names, public
