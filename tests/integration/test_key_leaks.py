# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No private key shows anywhere; tests/long looks with every store, and with modules as processes of their own."""

from __future__ import annotations

import pytest

from tests.keys.leaks import look_for_a_store_that_talks, look_for_leaks, look_for_quoted_keys


@pytest.mark.timeout(900)
def test_no_private_key_shows_anywhere(tmp_path):
    look_for_leaks(tmp_path)


@pytest.mark.timeout(600)
def test_no_answer_to_a_creation_shows_and_no_password_of_an_address(tmp_path):
    look_for_quoted_keys(tmp_path)


@pytest.mark.timeout(600)
def test_nothing_that_a_store_says_shows(tmp_path):
    look_for_a_store_that_talks(tmp_path)
