"""How Sphinx builds this site: offline, every warning an error, nothing loaded from elsewhere."""

import re

from sphinx.application import Sphinx

import dressform

project = "dressform"
author = "the dressform authors"
copyright = "the dressform authors, MIT licence"  # noqa: A001 - Sphinx's name
version = release = dressform.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]

myst_enable_extensions = ["attrs_block", "colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
toc_object_entries = False
add_module_names = False
napoleon_numpy_docstring = False
napoleon_attr_annotations = False
nitpick_ignore_regex = [
    ("py:.*", r"(?!dressform\.).*"),  # numpy, torch, Pillow: their sites are not asked
    ("py:.*", r"dressform\.\w+\..*"),  # what is not public has no page
]

html_theme = "furo"
html_title = "dressform"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#1d5fa8", "color-brand-content": "#1d5fa8"},
    "dark_css_variables": {"color-brand-primary": "#7db4f0", "color-brand-content": "#7db4f0"},
}
pygments_style = "friendly"
pygments_dark_style = "monokai"


def setup(app: Sphinx) -> None:
    """Show a default path as a caller would type it, and say at which level headings are."""

    def shown(_app, _what, _name, _object, _options, signature, returned):  # type: ignore[no-untyped-def]
        if signature:
            signature = re.sub(r"PosixPath\(('[^']*')\)", r"\1", signature)
        return signature, returned

    def levelled(_app, _page, _template, context, _tree):  # type: ignore[no-untyped-def]
        tree = context.get("furo_navigation_tree")  # its captions are headings without a level
        if tree:
            headings = tree.replace('role="heading"', 'role="heading" aria-level="2"')
            context["furo_navigation_tree"] = headings

    app.connect("autodoc-process-signature", shown)
    app.connect("html-page-context", levelled, priority=900)  # after furo's own
