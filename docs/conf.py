"""How the documentation is built: `make docs`. Nothing is fetched, and every warning is an error."""

import re
from importlib.metadata import version as installed_version
from typing import Any

project = "CancerNet"
author = "The CancerNet authors"
project_copyright = "The CancerNet authors, Apache-2.0"
release = version = installed_version("cancernet")

extensions = ["myst_parser", "numpydoc", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx_design"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
root_doc = "index"
exclude_patterns = ["_build", "_benchmarks", "_shipped"]  # the last two hold parts that pages include
templates_path = ["_templates"]
language = "en_GB"

# Headings get anchors, so that pages link to each other's sections; a dollar sign starts no formula.
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

# A room's page lists what the room exports (`__all__`), and each name gets its own page.
autosummary_generate = True
autosummary_ignore_module_all = False
autosummary_imported_members = True
autodoc_typehints = "signature"
# Names of types as the source writes them, instead of what they stand for.
autodoc_type_aliases = {name: name for name in ("ArrayLike", "Floats")}
maximum_signature_line_length = 90
# Data classes show their fields with the meaning that the docstring gives; numpydoc would list them a second time.
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
python_use_unqualified_type_names = True

html_theme = "pydata_sphinx_theme"
html_title = f"CancerNet {release}"
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["house.css"]
html_sidebars = {"[!r]*": [], "resolution": []}  # only the reference has pages below pages
html_theme_options = {
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
    "show_prev_next": False,
}

# What NumPy's NDArray[X] stands for, with or without the marks that autodoc puts before names.
_LONG_ARRAY = re.compile(r"[\w.~]*ndarray\[[\w.~]*tuple\[[\w.~]*Any, \.\.\.\], [\w.~]*dtype\[([^\]]*)\]\]")


def shorten(app: Any, what: str, name: str, thing: Any, options: Any, *texts: str | None) -> tuple[str | None, ...]:
    """Write array types in signatures as the source does: `NDArray[float64]`."""
    return tuple(_LONG_ARRAY.sub(r"NDArray[\1]", text) if text else text for text in texts)


def setup(app: Any) -> None:
    """Join the build."""
    app.connect("autodoc-process-signature", shorten)
