"""Sphinx configuration."""

import importlib.metadata

project = "ferroflow"
release = importlib.metadata.version("ferroflow")
extensions = ["sphinx.ext.autodoc", "sphinx.ext.autosummary", "numpydoc", "myst_parser"]
autodoc_default_options = {"members": True, "inherited-members": False}
# Inherited scikit-learn docstrings refer to pages that only its own site has.
numpydoc_show_class_members = False
suppress_warnings = ["ref.*", "docutils", "numpydoc", "autodoc"]
html_theme = "alabaster"
