# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work order and hand-over as a person reads them."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.msp.connectwise.plugins.module_utils import _manual as manual
from ansible_collections.msp.connectwise.plugins.module_utils._permissions import Change, Row
from ansible_collections.msp.connectwise.plugins.plugin_utils import _report
from ansible_collections.msp.connectwise.plugins.plugin_utils._commands import Typed
from ansible_collections.msp.connectwise.plugins.plugin_utils._order import amount, markdown, old_keys, rows_of, spoken

NONE = dict.fromkeys(("add", "edit", "delete", "inquire"), "None")
RUN = Typed(("-i", "inventory.yml"), ("--vault-password-file", "pw"), here="/home/me")


def row(module: str, function: str) -> dict[str, Any]:
    return manual.role_permission(
        "Sync", Change(Row(1, module, function, NONE), {**NONE, "add": "My", "inquire": "All"})
    )


# Two rows of one module are together, also if another comes between them.
STEPS = [
    row("Companies", "Contacts"),
    row("System", "Table Setup"),
    row("Companies", "Notes"),
    manual.create_key("Sync", "api", "Sync key"),
]


def entry(**more: Any) -> _report.Entry:
    args = {
        "vendor": "sync", "profile": {"product": "Sync"}, "state": "present", "mode": "converge", "member": "Sync",
        "found": {}, "steps": [], "key": {}, "place": None, "changed": False, "changes": [], "error": "",
        "error_kind": "", **more,
    }  # fmt: skip
    made = _report.with_history(_report.entry_of(args, "north", {}, predicts=False, run=RUN), None)
    return {**made, "time": "2026-03-01T04:05:06+00:00", **({"ordered": "2026-02-28"} if more.get("steps") else {})}


def test_a_work_order_has_boxes_by_screen_and_the_commands_for_afterwards() -> None:
    assert (
        markdown(entry(steps=STEPS))
        == """# Sync on north: pending

Seen on 1 March 2026, 04:05 UTC.

## Work order

In ConnectWise PSA: 4 steps, about 5 min (an estimate). Ordered on 28 February 2026.

### System > Security Roles > Sync

In the security module Companies:

- [ ] Contacts: Add Level to My, Inquire Level to All
- [ ] Notes: Add Level to My, Inquire Level to All

In the security module System:

- [ ] Table Setup: Add Level to My, Inquire Level to All

- [ ] Save

### System > Members > API Members > Sync > API Keys

- [ ] Click +, enter the description "Sync key", click Save (not Save and Close), and copy the Public Key and the \
Private Key at once: the private key is shown this one time. Put both into the key store with msp.connectwise.finish, \
or from a file with msp.connectwise.store_key.

- Why by hand: The API of this tenant reads a role's permissions but offers no operation that writes them.
- Why by hand: The API of this tenant offers no operation for the API keys of a member.

## When the boxes are ticked

Run this in `/home/me`:

```
ansible-playbook msp.connectwise.finish -i inventory.yml --vault-password-file pw --limit north
```

It sees what was done, takes the new key, proves it, and writes the hand-over.

Or put the keys into a file (`ansible-vault encrypt` it, delete it afterwards):

```yaml
- {tenant: north, member: Sync, public_key: PASTE, private_key: PASTE}
```

and store them from there:

```
ansible-playbook msp.connectwise.store_key -i inventory.yml --vault-password-file pw --limit north \
-e cw_keys_file=FILE
```
"""
    )


def test_what_takes_an_integration_away_is_seen_by_the_same_playbook() -> None:
    text = markdown(entry(state="absent", steps=[manual.delete_key("Sync", "api", None, "p1")]))
    assert "ansible-playbook msp.connectwise.offboard -i inventory.yml" in text
    assert "finish" not in text


def test_steps_of_an_earlier_release_and_of_others_are_shown_whole() -> None:
    step = {"kind": "mine", "menu": ["System"], "do": "Click here; then Save.", "why": "because"}
    text = markdown({**entry(steps=[step]), "commands": None})
    assert "- [ ] Click here; then Save.\n\n- Why by hand: because" in text
    assert "Then run the same playbook again" in text


def test_no_step_names_a_file_of_the_collection() -> None:
    steps = [*STEPS, manual.store_key("Sync", "api", "key", ["p1"]), manual.own_key("Sync", "api", "p1")]
    assert [step for step in steps if "playbooks/" in step["do"] or ".yml" in step["do"]] == []


def test_a_failed_run_says_what_it_had_changed_and_what_is_still_open() -> None:
    failed = {**entry(error="the store is full", changes=["security role Sync"]), "manual_steps": STEPS}
    text = markdown(failed)
    assert "## What went wrong\n\nthe store is full\n\n## Changed before that\n\n- security role Sync\n" in text
    said = _report.summary(failed)
    assert said == (
        "Sync: failed: the store is full; changed before that: security role Sync; "
        "a work order of 4 steps, about 5 min, is open"
    )


def test_a_waiting_integration_says_for_whom() -> None:
    assert _report.summary(entry(steps=STEPS)) == "Sync: pending, waiting for a person: 4 steps, about 5 min"


READY = {"found": {"in_sync": True, "key": "valid"}, "key": {"public_key": "publickey", "created": "2026-02-01"}}
PROFILE = {"product": "Sync", "handover": {"console": "its console", "steps": ["Open it."],
           "fields": [{"label": "Key", "from": "private_key"}], "watch": ["Look | out"]}}  # fmt: skip


def test_a_hand_over_shows_the_command_that_displays_the_key_and_until_when_the_old_one_works() -> None:
    handed = entry(
        **READY, profile=PROFILE, place="/home/me/keys/north.yml#sync", grace_days=7,
        retired=[{"public_key": "oldpublickey", "since": "2026-03-01T04:05:06+00:00"}],
    )  # fmt: skip
    handed["handover"]["written"] = "2026-03-01T04:05:06+00:00"
    text = markdown(handed)
    assert (
        text.partition("## Hand-over")[2]
        == """ to the vendor

Where: its console

As of 1 March 2026, 04:05 UTC.

- The old key oldp… works until 8 March 2026, 04:05 UTC: enter the new one before that. The first run after that time \
deletes it.

- [ ] Open it.

| Field | Value |
| --- | --- |
| Key | in the key store: /home/me/keys/north.yml#sync |

This displays the private key:

```
ansible-vault view --vault-password-file pw keys/north.yml
```

Watch:

- Look | out
"""
    )


def test_of_two_commands_for_a_store_both_are_named() -> None:
    handed = entry(**READY, profile=PROFILE, place="secret/north", store="hashi_vault")
    assert "This displays the private key (or `vault kv get secret/north`):" in markdown(handed)


def test_a_key_that_only_waits_for_the_old_one_to_go_is_handed_over() -> None:
    delete = manual.delete_key("Sync", "api", None, "p0")
    assert entry(**READY, profile=PROFILE, steps=[delete])["handover"]
    assert not entry(**READY, profile=PROFILE, steps=[delete, STEPS[-1]])["handover"]
    assert not entry(**{**READY, "found": {"in_sync": False}}, profile=PROFILE, steps=[delete])["handover"]


def test_a_key_that_the_tenant_has_not_confirmed_may_be_the_other_half() -> None:
    assert entry(**READY)["key"]["public_key"] == "publickey"
    swapped = entry(found={"key": "refused"}, key={"public_key": "privatehalf"}, error="refused")
    assert swapped["key"]["public_key"] == "priv…"
    assert "privatehalf" not in str(swapped)


def test_a_key_without_a_time_of_grace_works_until_a_person_deletes_it() -> None:
    (key,) = entry(retired=[{"public_key": "oldkey", "since": "2026-03-01T04:05:06Z"}])["old_keys"]
    assert key["until"] is None
    assert old_keys([key]) == ["The old key oldk… works until it is deleted: enter the new one first."]


@pytest.mark.parametrize(
    ("time", "words"),
    [
        ("2026-03-01T04:05:06+00:00", "1 March 2026, 04:05 UTC"),
        ("2026-03-01T01:05:06+02:00", "28 February 2026, 23:05 UTC"),
        ("2026-03-01T04:05:06Z", "1 March 2026, 04:05 UTC"),
        ("2026-03-01", "1 March 2026"),
        ("yesterday", "yesterday"),
    ],
)
def test_times_are_those_of_people(time: str, words: str) -> None:
    assert spoken(time) == words


@pytest.mark.parametrize(
    ("steps", "words"),
    [([], "0 steps, about 0 min"), (STEPS[:1], "1 step, about 2 min"), (STEPS, "4 steps, about 5 min")],
)
def test_how_long_it_takes(steps: list[Any], words: str) -> None:
    assert amount(steps) == words


def test_a_cell_of_a_table_stays_one() -> None:
    assert rows_of(["A", "B"], [["x|y", None], ["a\nb", 1]])[2:] == ["| x\\|y |  |", "| a b | 1 |"]
