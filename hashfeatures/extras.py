"""Optional dependencies, imported on first use."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from .exceptions import MissingExtraError


def import_extra(module: str, extra: str, purpose: str) -> ModuleType:
    """Import `module`, or say which extra of this package brings it.

    Parameters
    ----------
    module : str
        The dotted name of the module.
    extra : str
        The extra that installs it.
    purpose : str
        What needs it, as the beginning of a sentence: "Fetching a URL".

    Returns
    -------
    module
        The imported module.

    Raises
    ------
    MissingExtraError
        If the module is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            f"{purpose} needs {module.partition('.')[0]}, which is not installed: "
            f'pip install "hashfeatures[{extra}]"'
        ) from error
