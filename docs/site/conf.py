"""Sphinx builds the site: the reference from the docstrings, a search without a server.

MyST reads the same Markdown that is readable in the repository, myst-nb also notebooks, and the
theme furo loads nothing from elsewhere. ``build.py`` collects the pages.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import eigenlab

project = "eigenlab"
author = "The eigenlab authors"
version = release = eigenlab.__version__
copyright = author

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.linkcode",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "extension",
]
nitpicky = True  # a reference in a docstring that leads nowhere is an error; see extension.py
exclude_patterns = ["README.md"]
suppress_warnings = [
    "myst.header",  # CHANGELOG.md and notebooks may skip a level
    # Notebooks are written by others and shown as they are.
    "mystnb",
    "image.not_readable",
    "misc.highlighting_failure",
]

nb_execution_mode = "off"
nb_ipywidgets_js: dict[str, dict[str, str]] = {}  # the default is on a server
myst_enable_extensions = ["amsmath", "dollarmath"]
myst_heading_anchors = 4
math_numfig = False
html_math_renderer = "mathml"

autosummary_generate = False
autodoc_member_order = "bysource"
autodoc_default_options = {
    # What scikit-learn adds for its metadata routing.
    "exclude-members": "get_metadata_routing, set_fit_request, set_score_request, "
    "set_predict_request, set_transform_request, set_partial_fit_request"
}
autodoc_preserve_defaults = True
default_role = "code"
napoleon_numpy_docstring = False
napoleon_use_ivar = True  # an attribute of a docstring and a documented field are one entry
toc_object_entries_show_parents = "hide"
add_module_names = False
python_use_unqualified_type_names = True
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

html_theme = "furo"
html_title = "eigenlab"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_last_updated_fmt = None
html_theme_options = {"navigation_with_keys": False}
pygments_style = "friendly"
pygments_dark_style = "github-dark"
