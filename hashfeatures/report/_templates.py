"""The templates of HTML pages, and what they may call."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources
from typing import Any

from .._utils.path_text import show_path
from .._utils.quantities import count, format_agreement, format_bytes
from ._card_annotations import describe_disagreement
from ._card_sections import describe_pair, join_counts, name_image
from ._text import describe_counts, describe_removable_size, describe_settings


def render(template: str, **values: Any) -> str:
    """Fill a template with values; text is escaped."""
    html: str = _environment().get_template(template).render(**values)
    return html


@cache
def read_template(name: str) -> str:
    """Return the text of a file beside the templates, such as a style."""
    folder = resources.files(__package__) / "templates"
    return (folder / name).read_text(encoding="utf-8")


def security_policy(*, style: str, script: str | None = None) -> str:
    """Return a policy that allows a page its own style, its script and embedded pictures alone."""
    scripts = [] if script is None else [f"script-src '{_digest(script)}'"]
    return "; ".join(
        [
            "default-src 'none'",
            "img-src data:",
            f"style-src '{_digest(style)}'",
            *scripts,
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def show(path: str) -> str:
    """Return a path as text that any page can hold."""
    return show_path(path).encode("utf-8", "replace").decode("utf-8")


def _digest(text: str) -> str:
    """Return the digest of a text for a content security policy."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode()


@cache
def _environment() -> Any:
    # Imported late, because only HTML needs it.
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(read_template),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "show_path": show,
        "below": lambda path, folder: show(path).removeprefix(folder),
        "format_bytes": format_bytes,
        "format_agreement": format_agreement,
        "name_image": name_image,
        "describe_pair": describe_pair,
        "describe_disagreement": describe_disagreement,
        "join_counts": join_counts,
    }
    environment.globals |= {
        "count": count,
        "describe_counts": describe_counts,
        "describe_settings": describe_settings,
        "describe_removable_size": describe_removable_size,
    }
    return environment
