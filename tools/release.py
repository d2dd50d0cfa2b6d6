# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a release: checks, version, changelog, tarball, importer, and the demo run from the installed tarball.

python tools/workspace.py python tools/release.py VERSION [--skip-checks]

Publishes, commits and tags nothing: what is left to a person is said at the end. VERSION is the one of galaxy.yml, or
a newer one that is written there. --skip-checks leaves out lint and tests, where they have just been run.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path

import yaml
from tarball import build
from workspace import NAME, NAMESPACE, ROOT

PLACE = ROOT / "build" / "release"
SEMANTIC = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:-[0-9A-Za-z.-]+)?")


def say(what: str) -> None:
    print(f"release: {what}", flush=True)


def run(*command: str | Path, cwd: Path = ROOT, environment: Mapping[str, str] | None = None) -> str:
    """Run a command, show what it says when it fails, and end there."""
    words = [str(word) for word in command]
    done = subprocess.run(
        words,
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{done.stdout}\nrelease: {' '.join(words)} ended with {done.returncode}; nothing was published")
    return done.stdout


def meta() -> dict[str, str]:
    found: dict[str, str] = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))
    return found


def numbers(version: str) -> tuple[int, ...]:
    found = SEMANTIC.fullmatch(version)
    if not found:
        sys.exit(f"release: {version} is not a semantic version such as 1.4.0")
    return tuple(int(part) for part in found.groups())


def released() -> list[str]:
    changes = yaml.safe_load((ROOT / "changelogs" / "changelog.yaml").read_text(encoding="utf-8")) or {}
    return list(changes.get("releases") or {})


def set_version(version: str) -> None:
    """Write the version into galaxy.yml; one that is older, or that breaks the rules of the fragments, is refused."""
    old = meta()["version"]
    if numbers(version) < numbers(old):
        sys.exit(f"release: {version} is older than {old} in galaxy.yml")
    fragments = list((ROOT / "changelogs" / "fragments").glob("*.y*ml"))
    sections = {name for path in fragments for name in yaml.safe_load(path.read_text(encoding="utf-8")) or {}}
    major, minor, _patch = numbers(version)
    if major == numbers(old)[0] > 0 and sections & {"breaking_changes", "removed_features", "major_changes"}:
        sys.exit(f"release: the fragments tell of changes that need {major + 1}.0.0")
    if (major, minor) == numbers(old)[:2] and version != old and sections & {"minor_changes", "deprecated_features"}:
        sys.exit(f"release: the fragments tell of changes that need {major}.{minor + 1}.0")
    if version in released() and not fragments and version != old:
        sys.exit(f"release: {version} is in the changelog already")
    text = (ROOT / "galaxy.yml").read_text(encoding="utf-8")
    (ROOT / "galaxy.yml").write_text(re.sub(r"(?m)^version: .*$", f"version: {version}", text), encoding="utf-8")


def import_check(tarball: Path) -> None:
    """What Galaxy does with an upload, but for what `make lint` does too; errors and warnings are errors here."""
    config = PLACE / "galaxy-importer.cfg"
    off = "".join(f"{name} = False\n" for name in ("RUN_ANSIBLE_TEST", "RUN_ANSIBLE_LINT", "ANSIBLE_TEST_LOCAL_IMAGE"))
    config.write_text(f"[galaxy-importer]\n{off}CHECK_CHANGELOG = True\n", encoding="utf-8")
    said = run(
        sys.executable,
        "-m",
        "galaxy_importer.main",
        tarball,
        cwd=PLACE,
        environment={"GALAXY_IMPORTER_CONFIG": str(config)},
    )
    findings = [line for line in said.splitlines() if line.startswith(("ERROR", "WARNING"))]
    # One for each version of ansible-core; the files give their reasons.
    bad = [line for line in findings if "Ignore files skip ansible-test sanity tests" not in line]
    if bad:
        sys.exit("\n".join(bad) + "\nrelease: galaxy-importer is not content")


def install(tarball: Path) -> Path:
    """Install into an empty path, and look that what was built is there and whole."""
    collections = PLACE / "installed"
    shutil.rmtree(collections, ignore_errors=True)
    environment = {"ANSIBLE_COLLECTIONS_PATH": str(collections)}
    run(
        "ansible-galaxy",
        "collection",
        "install",
        "--offline",
        tarball,
        "--collections-path",
        collections,
        environment=environment,
    )
    run("ansible-galaxy", "collection", "verify", "--offline", f"{NAMESPACE}.{NAME}", environment=environment)
    place = collections / "ansible_collections" / NAMESPACE / NAME
    with tarfile.open(tarball) as tar:
        missing = [one.name for one in tar if one.isfile() and one.name not in ("MANIFEST.json", "FILES.json")]
    missing = [name for name in missing if not (place / name).is_file()]
    if missing:
        sys.exit(f"release: not installed: {', '.join(missing[:5])}")
    return place


def demo(installed: Path) -> None:
    """The demo from the installed collection: its own tools and simulator, and nothing of the clone."""
    said = run(
        sys.executable,
        "tools/demo.py",
        cwd=installed,
        environment={
            "ANSIBLE_COLLECTIONS_PATH": str(installed.parents[2]),
            "ANSIBLE_CONFIG": str(installed / "tests" / "ansible.cfg"),
        },
    )
    print("\n".join(f"  | {line}" for line in said.rstrip().splitlines()[-12:]))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("version", nargs="?", default=meta()["version"])
    parser.add_argument("--skip-checks", action="store_true")
    options = parser.parse_args()
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir(parents=True)
    changed = run("git", "status", "--porcelain").splitlines()
    if changed:
        sys.exit("release: the tree has changes that are not committed:\n" + "\n".join(changed))
    set_version(options.version)
    say(f"version {options.version}")
    if not options.skip_checks:
        say("lint")
        run("make", "lint", environment={"CI": "1"})
        say("tests")
        print(run("make", "test").rstrip().splitlines()[-1])
    say("changelog")
    run("make", "changelog")
    tarball = build(PLACE)
    say(f"built {tarball.relative_to(ROOT)}")
    import_check(tarball)
    say("galaxy-importer is content")
    installed = install(tarball)
    say("installs without a network, and is whole")
    demo(installed)
    say("the demo runs from what was installed")
    changed = [line[3:] for line in run("git", "status", "--porcelain").splitlines()]
    print("\nLeft to do by a person:")
    if changed:
        print(f"  git add {' '.join(changed)} && git commit -m 'Release {options.version}'")
    print(f"  git tag -s {options.version} -m 'Release {options.version}'")
    print(f"  ansible-galaxy collection publish {tarball.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
