# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tarball holds the collection and nothing of the place it was built in, however it is built."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path, PurePosixPath

import pytest
import yaml

from tools import workspace

ROOT = Path(__file__).resolve().parents[2]
# What a person has in a clone to work with, in any of its folders.
PRIVATE = """
.env .env.prod .netrc .pgpass .vault_pass .vault-pass.txt .envrc .git-credentials .ansible_vault_pass .connectwise_key
passphrase passphrase.txt vault-passphrase vault_pass vault-pass.txt my.vault-pass vault.yml vault-north.yml
passwd vaultpass creds.yml tokens.json
password.txt passwords.yml secret.txt secrets.yml client_secret credentials credentials.json
private-key.txt cw_private_key id_rsa id_rsa.pub id_dsa id_ecdsa id_ed25519 id_ed25519_psa
ca.key server.pem tenant.p12 tenant.pfx tls.crt key.gpg key.age passwords.kdbx
private.ppk server.p8 my.jks my.asc dump.sql db.sqlite backup.tar north.env env.sh
session.har session.HAR session.har.json tenants.csv customers.tsv customers.xlsx page.zip run.log site.retry
given.yml given-keys.yml given_north.yml pasted.yml made.json keys.txt keys.ini north-keys.yml
apikey.txt keys.yml keys.yaml keys.json keys-north.yml
prod.yml prod.ini prod-north.yml production.yml staging.yml hosts hosts.yml
inventory inventory.yml inventory.ini inventory-prod.yml inventories/north.yml
group_vars/all.yml host_vars/north.yml prod/hosts.yml .cw/report.json .ssh/config
connectwise_keys/north.yml connectwise_reports/fleet.json connectwise_reports_old/north.md connectwise_routes/north.yml
connectwise_vendors/acme.yml connectwise_history/north.json
"""
# A name that no pattern has.
UNKNOWN = "northwind_notes.txt"


def run(*command, cwd, **environment):
    words = [str(word) for word in command]
    done = subprocess.run(
        words, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def ansible(*command, collections):
    """Run a program that sees the collections of one folder alone, not this clone."""
    return run(*command, cwd=collections, ANSIBLE_COLLECTIONS_PATH=str(collections)).stdout


def files_of(tarball):
    with tarfile.open(tarball) as tar:
        return {member.name for member in tar if not member.isdir()} - {"MANIFEST.json", "FILES.json"}


def tracked(clone):
    """Return what the tarball should have: continuous integration and git's own files belong to the repository."""
    names = run("git", "ls-files", "-z", cwd=clone).stdout.split("\0")
    here = {".ci/run", ".gitattributes", ".gitignore", "changelogs/fragments/.keep", "galaxy.yml", ""}
    assert here <= set(names)
    return set(names) - here


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """Return a clone in which somebody works: what is committed there is this clone, and every folder has more."""
    clone = workspace.copy_to(tmp_path_factory.mktemp("built") / "a clone", repository=True)
    person = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.com"]
    run("git", *person, "commit", "--quiet", "-m", "All of it", cwd=clone)
    folders = {clone.joinpath(name).parent for name in tracked(clone)}
    folders |= {parent for folder in folders for parent in folder.parents if parent.is_relative_to(clone)}
    for folder in folders:
        for name in PRIVATE.split():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text("private", encoding="utf-8")
    return clone


@pytest.fixture(scope="module")
def plain(clone):
    run("ansible-galaxy", "collection", "build", "--output-path", "build", cwd=clone)
    (built,) = (clone / "build").iterdir()
    return built.rename(clone.with_name(built.name))


def test_it_is_named_by_galaxy_yml(plain):
    meta = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))
    assert plain.name == f"{meta['namespace']}-{meta['name']}-{meta['version']}.tar.gz"


def test_a_plain_build_packs_no_private_file_of_any_folder_and_all_of_the_collection(clone, plain):
    built, wanted = files_of(plain), tracked(clone)
    assert {PurePosixPath(name).name for name in built - wanted} == set()
    assert wanted - built == set()


def test_make_build_packs_what_git_tracks_whatever_else_is_there(clone, plain):
    (clone / "README.md").write_text("changed", encoding="utf-8")
    (clone / "docs" / UNKNOWN).write_text("private", encoding="utf-8")
    (clone / ".venv").symlink_to(sys.prefix)
    # The set-up is of this clone, and so are Ansible's files.
    done = run("make", "--old-file=setup", "build", cwd=clone)
    tarball = clone / done.stdout.strip()
    assert files_of(tarball) == tracked(clone)
    with tarfile.open(tarball) as tar:
        assert tar.extractfile("README.md").read() == b"changed"
    assert "changes that are not committed: README.md\n" in done.stderr
    assert "left out, because git does not track it: " in done.stderr


def test_an_installation_from_git_has_it_all(clone, tmp_path):
    source = f"git+file://{clone}".replace(" ", "%20")
    ansible("ansible-galaxy", "collection", "install", source, "--collections-path", tmp_path, collections=tmp_path)
    place = tmp_path / "ansible_collections" / "msp" / "connectwise"
    installed = {str(path.relative_to(place)) for path in place.rglob("*") if path.is_file()}
    assert installed - {"MANIFEST.json", "FILES.json"} == tracked(clone)


def test_it_installs_without_a_network_and_documents_itself(plain, tmp_path):
    install = ["ansible-galaxy", "collection", "install", "--offline", plain, "--collections-path", tmp_path]
    ansible(*install, collections=tmp_path)
    said = ansible("ansible-doc", "--list", "--type", "module", "msp.connectwise", collections=tmp_path)
    listed = {line.split()[0] for line in said.splitlines() if line.strip()}
    modules = {f"msp.connectwise.{path.stem}" for path in (ROOT / "plugins" / "modules").glob("cw_*.py")}
    assert modules
    assert listed == modules
