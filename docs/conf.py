"""Build the site: ``sphinx-build -W docs site``, with the extra ``docs`` installed.

The gallery runs the scripts of ``examples/``. ``-D plot_gallery=0`` leaves that out.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from pathlib import Path

from sphinx_gallery import gen_rst

import hashfeatures

project = "hashfeatures"
author = "The hashfeatures developers"
copyright = "the hashfeatures developers"
version = release = hashfeatures.__version__

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))
extensions = [
    "api_pages",
    "dark_figures",
    "linked_names",
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_click",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["auto_examples/*.ipynb", "auto_examples/*.py"]
templates_path = ["_templates"]
default_role = "py:obj"
smartquotes = False
suppress_warnings = ["config.cache"]  # the settings of the gallery hold functions

# -- Pages -----------------------------------------------------------------------------------

myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 4

# -- API reference ---------------------------------------------------------------------------

autosummary_generate = True
autodoc_typehints = "none"  # the docstrings name the types
numpydoc_show_class_members = False  # the template lists them, those of scikit-learn last
numpydoc_use_plots = False
numpydoc_xref_param_type = True  # public classes in the types of parameters become links
numpydoc_xref_ignore = "all"  # and other words stay as they are
toc_object_entries_show_parents = "hide"

# -- Gallery ---------------------------------------------------------------------------------


READING_ORDER = [
    "plot_quickstart.py",
    "plot_leakage.py",
    "plot_article.py",
    "plot_lookalikes.py",
    "plot_calibration.py",
    "plot_sequences.py",
    "plot_audit.py",
    "plot_collection.py",
    "plot_pipeline.py",
    "plot_cluster.py",
]
sys.path.insert(0, str(Path(__file__).parents[1] / "examples" / "notebooks"))
gen_rst.jupyter_notebook = importlib.import_module("make").to_notebook


def reset_warnings(gallery_conf: dict[str, object], script: str, when: str) -> None:
    """Let an example that warns fail, as the tests do, but nothing else of the build."""
    warnings.resetwarnings()
    if when == "before":
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "FigureCanvasAgg is non-interactive", UserWarning)
    else:  # as Python starts
        for category in (DeprecationWarning, PendingDeprecationWarning, ResourceWarning):
            warnings.simplefilter("ignore", category)


sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "within_subsection_order": READING_ORDER.index,
    "filename_pattern": "/plot_",
    "doc_module": ("hashfeatures",),
    "backreferences_dir": "api/backreferences",
    "reference_url": {"hashfeatures": None},
    "reset_modules": ("matplotlib", reset_warnings),
    "reset_modules_order": "both",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "min_reported_time": 1e9,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
    "image_scrapers": ("gallery_figures.scrape",),
    "remove_config_comments": True,
    "capture_repr": ("_repr_html_", "__repr__"),
}

# -- Theme -----------------------------------------------------------------------------------

html_theme = "pydata_sphinx_theme"
html_title = "hashfeatures"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_context = {"default_mode": "auto"}
html_favicon = "_static/logo.svg"
html_theme_options = {
    "logo": {
        "text": "hashfeatures",
        "image_light": "_static/logo.svg",
        "image_dark": "_static/logo-dark.svg",
        "alt_text": "hashfeatures: home",
    },
    "navbar_align": "left",
    "show_prev_next": True,
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "header_links_before_dropdown": 6,
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_sidebars = {
    "index": [],
    "auto_examples/*": [],
    "get-started": [],
    "install": [],
    "comparison": [],
    "changelog": [],
}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
