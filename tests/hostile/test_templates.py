# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Templates in all that playbooks read, with this ansible-core; tests/long has the oldest and the newest."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.hostile.templates import Ground, TemplateTests, ground_of


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with ground_of(tmp_path_factory.mktemp("templates")) as found:
        yield found


class TestTemplates(TemplateTests):
    """The same, with each ansible-core."""
