"""Sphinx configuration of the documentation site: `nox -s docs`.

The pages are Markdown that also reads well on GitHub. Those of `reference/` come from docstrings, help texts and headers. `_ext` has
extensions for tasks that no standard extension does.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

project = "zdev"
author = "zdev developers"
release = re.findall(r"project\(zdev VERSION ([0-9.]+)", (HERE.parent / "cpp/CMakeLists.txt").read_text())[0]
copyright = author

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_click",
    "sphinx_copybutton",
    "drawings",
    "examples",
    "links",
    "navigation",
    "records",
    "tables",
]
root_doc = "README"
exclude_patterns = ["_ext", "examples"]

# As on GitHub: headings are anchors, and `- [ ]` is a checkbox.
myst_heading_anchors = 4
myst_enable_extensions = ["tasklist"]

nitpicky = True
nitpick_ignore_regex = [
    (
        r"py:.*",
        r"(zmq|enum|pybind11_builtins|collections|threading|multiprocessing|os|socket|pathlib|asyncio|abc|typing|logging)\b.*",
    ),
    (r"py:.*", r"(\w+\.)*_\w+(\.\w+)*"),  # names of private modules
    (
        r"py:.*",
        r"(Any|OptionValue|StrPath|UserRights|Callable|Collection|Iterable|Mapping|Path|Self|optional|P|R|S|BaseProcess)",
    ),
]
default_role = "code"
smartquotes = False
add_module_names = False
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_default_options = {"members": True}
autodoc_preserve_defaults = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True  # beside the docstrings of the attributes themselves
highlight_language = "none"
copybutton_prompt_text = r"\$ |>>> "
copybutton_prompt_is_regexp = True

linkcheck_ignore = [r"https://github\.com/zdev-project/zdev.*", r"http://(localhost|127\.0\.0\.1).*"]
linkcheck_timeout = 20

html_theme = "furo"
html_title = f"zdev {release}"
html_static_path = ["_static"]
html_css_files = ["zdev.css"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "source_repository": "https://github.com/zdev-project/zdev/",
    "source_branch": "main",
    "source_directory": "docs/",
}
