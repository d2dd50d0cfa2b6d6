# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A person at the simulator's web client, who follows a choreography in Chromium while it records (Playwright)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from tests.browser import ARGUMENTS, program

STEP_LIMIT = 20_000  # milliseconds
_FLAGS = [one for one in ARGUMENTS if not one.startswith(("--headless", "--remote-debugging"))]


class Person:
    """Works in one page. Every step waits until the page says that it is done."""

    def __init__(self, page: Page) -> None:
        self.page = page
        page.set_default_timeout(STEP_LIMIT)

    def sign_in(self, url: str, tenant: Mapping[str, Any]) -> None:
        self.page.goto(url)
        for name, value in (("company", "company_id"), ("user", "public_key"), ("password", "private_key")):
            self.page.fill(f"input[name={name}]", tenant[value])
        self.page.click("#signin button")
        self.page.wait_for_selector("#main:not([hidden])")

    def _done(self, click: Any, said: str) -> None:
        self.page.evaluate("document.querySelector('#status').textContent = ''")
        click()
        self.page.wait_for_function(
            "(said) => { const text = document.querySelector('#status').textContent;"
            " if (text.startsWith('Error')) throw new Error(text); return text.includes(said); }",
            arg=said,
        )

    def open_role(self, name: str) -> None:
        self.page.select_option("#role", label=name)
        self._done(lambda: self.page.click("#open-role"), "is open")

    def set_rows(self, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            line = self.page.locator(f'#matrix tr[data-row="{row["module"]} / {row["function"]}"]')
            for verb, level in row["levels"].items():
                line.locator(f"select[name={verb}]").select_option(label=level)
        self._done(lambda: self.page.click("#matrix > button"), "rows are saved")

    def open_list(self, module: str, function: str) -> None:
        line = self.page.locator(f'#matrix tr[data-row="{module} / {function}"]')
        self._done(lambda: line.locator("button").click(), "is open")

    def set_list(self, refused: list[str]) -> None:
        self.page.evaluate(
            "(refused) => { for (const label of document.querySelectorAll('#list label'))"
            " { const box = label.querySelector('input');"
            " if (box.checked === refused.includes(label.dataset.item)) box.click(); } }",
            refused,
        )
        self._done(lambda: self.page.click("#list > button"), "list is saved")

    def open_member(self, identifier: str) -> None:
        self.page.select_option("#member", label=identifier)
        self._done(lambda: self.page.click("#open-member"), "is open")

    def make_key(self, description: str) -> None:
        self.page.fill("#description", description)
        self._done(lambda: self.page.click("#keys > button"), "key is made")

    def delete_key(self, description: str) -> None:
        key = self.page.locator("#keys li", has_text=description)
        self._done(lambda: key.locator("button").click(), "key is deleted")

    def follow(self, plan: Mapping[str, Any]) -> None:
        """The whole choreography."""
        roles = [role["name"] for role in plan["roles"]]
        members = [member["identifier"] for member in plan["members"]]
        for save in plan["saves"]:
            self.open_role(roles[save["role"]])
            self.set_rows(save["rows"])
        for save in plan["lists"]:
            self.open_role(roles[save["role"]])
            self.open_list(save["module"], save["function"])
            self.set_list(save["refused"])
            self.open_list(save["module"], save["function"])
        for key in plan["keys"]:
            self.open_member(members[key["member"]])
            self.make_key(key["description"])
        for description in plan["deletes"]:
            member = next(key["member"] for key in plan["keys"] if key["description"] == description)
            self.open_member(members[member])
            self.delete_key(description)


def record(tenant: Mapping[str, Any], plan: Mapping[str, Any], har: Path) -> Path:
    """Follow a choreography on a simulated tenant; the recording that Chromium made of it."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), args=_FLAGS)
        try:
            context = browser.new_context(
                ignore_https_errors=True, record_har_path=har, record_har_content="embed", record_har_mode="full"
            )
            person = Person(context.new_page())
            person.sign_in(f"https://{tenant['host']}/v4_6_release/webclient/", tenant)
            person.follow(plan)
            context.close()
        finally:
            browser.close()
    return har
