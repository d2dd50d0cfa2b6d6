# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One user from the first key to the last offboarding, who types what README and guides print.

Each command is read out of the document that prints it, so a document that changes is typed as it is now.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.awx.ground import Repository
from tests.awx.server import Awx
from tests.playground import Playground, first_key_by_hand
from tests.simulator.client import Simulator
from tests.terminal.shell import Shell, rendered

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = {"README": ROOT / "README.md", **{path.stem: path for path in ROOT.glob("docs/docsite/rst/*.rst")}}
CLIENT_ID = "00000000-0000-0000-0000-000000000000"
TENANTS: dict[str, Any] = {
    "sites": [{"name": "na", "kind": "cloud", "region": "NA"}, {"name": "onprem", "kind": "on_prem"}],
    "tenants": [
        {"company_id": "north", "site": "na", "profile": "extended", "client_ids": [CLIENT_ID]},
        {"company_id": "onprem", "site": "onprem", "profile": "published", "client_ids": [CLIENT_ID]},
    ],
}
# The lines of the README's section "Use it", which the guide shows as a transcript.
USE_IT = ("openssl", "export", "first_key", "first_key_onprem", "onboard_check", "onboard", "audit")
GUIDE = DOCUMENTS["guide_first_steps"]
BEGIN, END = ".. make screens writes what follows.\n.. code-block:: text\n\n", ".. make screens has written that.\n"
DIFF_LINES = 16
# The addresses of the README's inventory are nobody's; the tenants of the simulator take their places.
ADDRESSES = {"cw_region: na # na, eu, au, za, staging": "north", "cw_host: manage.example.com": "onprem"}


def block(document: str, line: str) -> str:
    """Return the code block of a document that begins after this line; in a guide, dedented."""
    text = DOCUMENTS[document].read_text(encoding="utf-8")
    assert text.count(f"{line}\n") >= 1, f"{document} has no line {line!r}"
    after = text.partition(f"{line}\n")[2]
    if document == "README":
        return after.partition("\n")[2].partition("```")[0]
    body = re.match(r"\.\. code-block:: [^\n]+\n\n((?:(?: +[^\n]*)?\n)+)", after)
    assert body, f"{document}: no block after {line!r}"
    return textwrap.dedent(body[1]).strip("\n") + "\n"


def printed(document: str, playbook: str, *parts: str) -> str:
    """Return the first command of a guide that runs this playbook and has these parts, as it is printed."""
    text = DOCUMENTS[document].read_text(encoding="utf-8")
    commands = re.findall(r"^ +\$ ((?:.*\\\n)*.*)$", text, re.MULTILINE)
    for command in commands:
        if f"msp.connectwise.{playbook} " in command and all(part in command for part in parts):
            return re.sub(r"\n +", "\n    ", str(command))
    raise AssertionError(f"{document} prints no command with {playbook} {' '.join(parts)}")


@dataclass
class Story:
    """Everything that is typed in one shell. screens: by name, what the terminal showed."""

    simulator: Simulator
    awx: Awx
    directory: Path
    screens: dict[str, str] = field(default_factory=dict)
    known: dict[str, str] = field(default_factory=dict)
    pasted: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.directory.mkdir()
        self.known = {str(self.directory): "~/msp", str(ROOT): "~/connectwise"}
        self.known[self.awx.address] = "https://awx.example.com"
        self.shell = Shell(
            self.directory,
            {
                "ANSIBLE_NOCOLOR": "1",
                # One at a time: the lines of a run come in the same order each time.
                "ANSIBLE_FORKS": "1",
                "CW_CA_PATH": self.simulator.ready["ca"],
                "LC_ALL": "C.UTF-8",
                "TZ": "UTC",
            },
        )

    def see(self, name: str, command: str, *answers: tuple[str, str]) -> None:
        """Type a command and keep its screen."""
        self.pasted |= {answer for _prompt, answer in answers}
        code, self.screens[name] = self.shell.type(command, answers)
        assert code == 0, f"{command}\nended with {code}:\n{self.screens[name]}"

    def file(self, name: str, text: str) -> None:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Playground.write(path, text)

    def secrets(self) -> set[str]:
        """Return what no screen may show: every private key that was pasted, and the passphrases."""
        return {(self.directory / name).read_text(encoding="utf-8").strip() for name in ("OLD", "NEW")} | self.pasted

    def finished(self) -> dict[str, str]:
        """Return the screens with placeholders for what differs from run to run."""
        for tenant in self.simulator.ready["tenants"]:
            for member, keys in self.simulator.state(tenant)["keys"].items():
                for key in keys:
                    self.known[key["public_key"]] = f"<public key of {member}>"
        return {name: rendered(raw, self.known) for name, raw in self.screens.items()}

    def close(self) -> None:
        self.shell.close()


def transcript(screens: Mapping[str, str]) -> str:
    """Return the section "Use it" as it looks at a terminal. Of a long diff only the beginning is left."""
    lines: list[str] = []
    length = 0
    for line in "".join(f"{screens[name]}\n" for name in USE_IT).splitlines():
        length = 1 if line.startswith("--- before") else length + 1 if line and length else 0
        if length <= DIFF_LINES:
            lines.append(line)
        elif length == DIFF_LINES + 1:
            lines.append("[...]")
    return "\n".join(lines).replace("\n\n$ (", "\n$ (").rstrip() + "\n"


def in_guide(text: str) -> str:
    """Return the guide with this transcript."""
    before, begin, rest = GUIDE.read_text(encoding="utf-8").partition(BEGIN)
    _old, end, after = rest.partition(END)
    assert begin, f"{GUIDE.name} has no line {BEGIN!r}"
    assert end, f"{GUIDE.name} has no line {END!r}"
    return f"{before}{begin}{textwrap.indent(text, '  ')}\n{end}{after}"


def halves(key: Mapping[str, Any], of: str) -> list[tuple[str, str]]:
    """What is asked for, and what is pasted."""
    return [(f"Public key{of}", key["publicKey"]), (f"Private key{of}", key["privateKey"])]


def use_it(story: Story) -> None:
    """The section "Use it" of the README."""
    inventory = block("README", "<!-- rehearse: file inventory.yml -->")
    for line, tenant in ADDRESSES.items():
        assert line in inventory
        inventory = inventory.replace(line, f"cw_host: {story.simulator.ready['tenants'][tenant]['host']}")
    story.file("inventory.yml", inventory)
    lines = block("README", "<!-- rehearse: run -->").splitlines()
    for name, line in zip(USE_IT, lines, strict=True):
        answers = []
        if "first_key" in line:
            tenant = re.search(r"--limit (\w+)", line)
            assert tenant
            answers = halves(first_key_by_hand(story.simulator, tenant[1]), " (paste it")
        story.see(name, line, *answers)


def vendors(story: Story) -> None:
    """Find a vendor, make another one, compare."""
    story.see("doctor", printed("guide_connection", "doctor"))
    story.see("vendors", printed("guide_vendor_role", "vendors"))
    story.file("page.md", block("guide_vendor_role", ".. rehearse: file page.md"))
    story.see("new_vendor", printed("guide_vendor_role", "new_vendor"))
    name = "connectwise_vendors/example_sync.yml"
    story.file(name, block("guide_vendor_role", f".. rehearse: file {name}"))
    story.see("compare", printed("guide_vendor_role", "compare"))


def by_hand(story: Story) -> None:
    """The clicks of a work order: one key comes in a file, the other is typed."""
    reports = story.directory / "connectwise_reports" / "onprem"
    steps = []
    for name in ("umbrella", "zofiq"):
        steps += json.loads((reports / f"{name}.json").read_text(encoding="utf-8"))["manual_steps"]
    umbrella, zofiq = story.simulator.operator("onprem", steps)
    pair = {"public_key": zofiq["publicKey"], "private_key": zofiq["privateKey"]}
    story.file("keys.yml", yaml.safe_dump([{"tenant": "onprem", "member": zofiq["member"], **pair}]))
    story.see("store_key", printed("keys_guide", "store_key"))
    story.see("finish", printed("keys_guide", "finish").replace("north", "onprem"), *halves(umbrella, " of Umbrella"))


def keys(story: Story) -> None:
    """A key's later life."""
    story.see("key_report", printed("keys_guide", "key_report"))
    story.see("rotate_keys", printed("keys_guide", "rotate_keys", "--limit north"))
    story.see("offboard", printed("keys_guide", "offboard"))
    shutil.copy(story.directory / "vault-passphrase", story.directory / "OLD")
    story.file("NEW", secrets.token_urlsafe(24))
    story.see("rekey_store", printed("keys_guide", "rekey_store"))


def fleets(story: Story) -> None:
    """Reports of several runs, AWX, and the routes of the web client."""
    story.see("merge_reports", printed("guide_fleets", "merge_reports").replace("--limit cloud ", ""))
    at_onprem = ("--limit north", "--limit onprem")
    story.see("learn_routes", printed("guide_learn_routes", "learn_routes").replace(*at_onprem))
    forget = printed("guide_learn_routes", "learn_routes", "cw_step=forget")
    story.see("learn_routes_forget", forget.replace(*at_onprem))
    repository = Repository(story.directory / "tenants.git", "all:\n  hosts:\n    north:\n    onprem:\n")
    url = story.known[repository.url] = "https://git.example.com/tenants.git"
    story.file("awx.yml", block("guide_awx", ".. rehearse: file awx.yml").replace(url, repository.url))
    story.awx.credential("tenants repository", "Source Control")
    address = f"CONTROLLER_HOST={story.awx.address} CONTROLLER_OAUTH_TOKEN=token-of-root"
    # What it makes takes a minute; tests/integration/test_awx_setup.py lets it.
    command = printed("guide_awx", "awx_setup", "--check")
    story.see("awx_setup", re.sub(r"CONTROLLER_HOST=\S+ CONTROLLER_OAUTH_TOKEN=\S+", address, command))


CHAPTERS = (use_it, vendors, by_hand, keys, fleets)
