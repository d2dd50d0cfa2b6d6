# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which folders AWX deletes with a job."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.msp.connectwise.plugins.plugin_utils import _job_folder

PRIVATE = "/tmp/awx_7_abc"
MOUNTS = r"""
22 1 0:20 / / rw,relatime - overlay overlay rw
23 22 8:1 /tmp/awx_7_abc /runner rw,relatime shared:1 - ext4 /dev/sda1 rw
24 23 8:1 /tmp/awx_7_abc/artifacts /runner/artifacts rw - ext4 /dev/sda1 rw
25 23 8:1 /srv/cw /runner/kept\040keys rw - ext4 /dev/sda1 rw
26 22 8:1 /srv/cw /tmp/awx_7_abc/project/kept rw - ext4 /dev/sda1 rw
27 22 8:1 /srv/cw /srv/cw rw - ext4 /dev/sda1 rw
"""


@pytest.fixture
def mountinfo(tmp_path: Path) -> Path:
    path = tmp_path / "mountinfo"
    path.write_text(MOUNTS.lstrip(), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("folder", "lost"),
    [
        ("/runner/inventory/connectwise_keys", True),
        ("/runner", True),
        ("/runner/artifacts/keys", True),
        ("/runner/kept keys/a", False),
        ("/runner/kept keys", False),
        ("/runner/kept", True),
        ("/runner2/keys", False),
        (f"{PRIVATE}/project/keys", True),
        (f"{PRIVATE}/project/kept/keys", False),
        (f"{PRIVATE}/project/kept/../keys", True),
        ("/srv/cw/keys", False),
        ("/var/lib/keys", False),
        ("", False),
    ],
)
def test_what_is_deleted_with_a_job(mountinfo: Path, folder: str, lost: bool) -> None:
    assert _job_folder.is_lost(folder, {_job_folder.VARIABLE: PRIVATE}, mountinfo) is lost
    assert _job_folder.is_job({_job_folder.VARIABLE: PRIVATE})
    assert _job_folder.is_job({"AWX_ISOLATED_DATA_DIR": "/somewhere"})
    assert not _job_folder.is_job({})
    # Ansible-runner without AWX deletes nothing.
    assert not _job_folder.is_lost(folder, {}, mountinfo)


def test_a_link_into_the_folder_of_the_job_is_followed_and_no_mounts_are_needed(tmp_path: Path) -> None:
    private = tmp_path / "awx_7_abc"
    private.mkdir()
    (tmp_path / "keys").symlink_to(private)
    environment = {_job_folder.VARIABLE: str(private)}
    assert _job_folder.is_lost(str(tmp_path / "keys" / "north"), environment, tmp_path / "no mountinfo")
    assert not _job_folder.is_lost(str(tmp_path / "others"), environment, tmp_path / "no mountinfo")
