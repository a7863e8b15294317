"""Make the notebooks of this folder from scripts of the gallery.

Run ``python examples/notebooks/make.py`` with the extra ``docs`` installed. The conversion is that
of sphinx-gallery. The site uses it as well, for the notebooks that its gallery offers.
"""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

from sphinx_gallery import gen_gallery, notebook
from sphinx_gallery.py_source_parser import Block, split_code_and_text_blocks

FOLDER = Path(__file__).parent
TUTORIALS = ("quickstart", "leakage", "article")
INSTALL = """\
# Remove the first "#" of the next line to install what this notebook needs.
# %pip install "hashfeatures[demo,parquet,remote]"
"""

LINK = re.compile(r":(?:doc|ref):`([^`<]+?)\s*<[^`>]*>`")


def to_notebook(blocks: list[Block], gallery_conf: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return the notebook of a script, with the titles of pages of the site in place of links."""
    blocks = [
        block if block[0] == "code" else Block(block[0], LINK.sub(r"*\1*", block[1]), block[2])
        for block in blocks
    ]
    conf = {**gallery_conf, "first_notebook_cell": INSTALL}
    made = notebook.jupyter_notebook(blocks, conf, folder)
    del made["metadata"]["language_info"]  # of the Python that converts
    return made


def convert(script: Path) -> dict[str, Any]:
    """Return the notebook of the script at a path."""
    _, blocks = split_code_and_text_blocks(str(script))
    return to_notebook(blocks, copy.deepcopy(gen_gallery.DEFAULT_GALLERY_CONF), script.parent)


def main() -> None:
    """Write the notebooks."""
    for name in TUTORIALS:
        made = convert(FOLDER.parent / f"plot_{name}.py")
        text = json.dumps(made, indent=1, ensure_ascii=False) + "\n"
        (FOLDER / f"{name}.ipynb").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
