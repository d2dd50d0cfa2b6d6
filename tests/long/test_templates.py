# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Templates in all that playbooks read, with the oldest and the newest ansible-core: each has its own idea of data."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cores import NEWEST, OLDEST, binaries_of
from tests.hostile.templates import Ground, TemplateTests, ground_of


@pytest.fixture(scope="module", params=[OLDEST, NEWEST])
def ground(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with ground_of(tmp_path_factory.mktemp("templates"), binaries_of(request.param)) as found:
        yield found


@pytest.mark.timeout(600)
class TestTemplates(TemplateTests):
    """The same, with each ansible-core."""
