"""Optional dependencies, imported on first use."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from urllib.parse import urlsplit
from urllib.request import url2pathname

from ..exceptions import MissingExtraError

_PACKAGE = "hashfeatures"


def import_extra(module: str, extra: str, purpose: str) -> ModuleType:
    """Import a module, or raise an error with the command that installs it.

    Parameters
    ----------
    module : str
        The dotted name of the module.
    extra : str
        The extra of this package that installs it.
    purpose : str
        The subject of the message: "Fetching a URL".

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
            f"{install_command(extra)}"
        ) from error


def install_command(extra: str) -> str:
    """Return the command that installs an extra, from the source of this package.

    Installers record the source in ``direct_url.json`` (PEP 610), unless it is an index.
    """
    from importlib import metadata  # here, as it is slow and rarely needed

    try:
        installed = metadata.distribution(_PACKAGE)
    except metadata.PackageNotFoundError:  # imported from a clone, without installation
        clone = Path(__file__).parents[2]
        is_clone = (clone / "pyproject.toml").is_file()
        return f'pip install "{clone}[{extra}]"' if is_clone else _from_index("pip", extra)
    pip = "uv pip" if (installed.read_text("INSTALLER") or "").strip() == "uv" else "pip"
    source = json.loads(installed.read_text("direct_url.json") or "{}")
    url = str(source.get("url", ""))
    if not url:
        return _from_index(pip, extra)
    if "vcs_info" in source:
        version = source["vcs_info"]
        url = f"{version['vcs']}+{url}@{version['commit_id']}"
        return f'{pip} install "{_PACKAGE}[{extra}] @ {url}"'
    if url.startswith("file:"):
        path = Path(url2pathname(urlsplit(url).path))
        if not path.exists():  # a clone that was deleted after installation
            return f"{pip} install " + " ".join(f'"{name}"' for name in _requirements(extra))
        if "dir_info" in source:
            editable = "-e " if source["dir_info"].get("editable") else ""
            return f'{pip} install {editable}"{path}[{extra}]"'
    return f'{pip} install "{_PACKAGE}[{extra}] @ {url}"'


def _from_index(pip: str, extra: str) -> str:
    return f'{pip} install "{_PACKAGE}[{extra}]"'


def _requirements(extra: str) -> Iterator[str]:
    """Yield the requirements of an extra, including those of the extras that it names."""
    from importlib import metadata

    for line in metadata.requires(_PACKAGE) or ():
        requirement, _, marker = line.partition(";")
        if not re.search(rf"""extra\s*==\s*['"]{re.escape(extra)}['"]""", marker):
            continue
        included = re.fullmatch(rf"{_PACKAGE}\[(.+)\]", requirement.strip())
        if included:
            for name in included[1].split(","):
                yield from _requirements(name.strip())
        else:
            yield requirement.strip()
