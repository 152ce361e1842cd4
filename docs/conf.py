"""How the pages are built: `python -m nox -s docs`, or `sphinx-build -W docs FOLDER` beside an installed xentropy."""

from __future__ import annotations

import sys
from pathlib import Path

import xentropy

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "xentropy"
author = "The xentropy authors"
project_copyright = author
version = release = xentropy.__version__

extensions = [
    "benchmarks",
    "capability_table",
    "docstrings",
    "myst_parser",
    "safety_table",
    "scorecard",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
]
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

# A reference to something that is not there is a warning. The errors of Python are described elsewhere.
nitpicky = True
nitpick_ignore = [("py:exc", "TypeError"), ("py:exc", "ValueError"), ("py:exc", "TypeError, ValueError")]

autodoc_typehints = "none"  # arrays of any library have no type to name
autosummary_generate = False
napoleon_google_docstring = False
napoleon_use_param = False
napoleon_use_rtype = False
add_module_names = False
maximum_signature_line_length = 80
toc_object_entries_show_parents = "hide"

html_theme = "furo"
html_title = f"xentropy {version}"
html_math_renderer = "mathml"
html_static_path = ["_static"]
html_css_files = ["tables.css"]
html_show_sphinx = False
copybutton_prompt_text = r">>> |\.\.\. "
copybutton_prompt_is_regexp = True
