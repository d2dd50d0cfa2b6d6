# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sphinx configuration of the documentation site that `make docs` builds in build/docs."""

from __future__ import annotations

project = "msp.connectwise"
title = html_short_title = "ConnectWise PSA collection"
copyright = "The msp.connectwise contributors"
extensions = ["sphinx_antsibull_ext"]
pygments_style = "ansible"
highlight_language = "YAML+Jinja"
html_theme = "sphinx_ansible_theme"
html_show_sphinx = False
html_use_smartypants = False
nitpicky = False
# Ansible's own pages are named but not linked: the build works without a network.
suppress_warnings = ["ref.ref"]
exclude_patterns: list[str] = []
