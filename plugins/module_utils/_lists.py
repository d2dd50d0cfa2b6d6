# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One Customize list of a role over the extension routes: reading it, replacing it, reading it back."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ._customize import Customizable
from ._errors import NotApplied
from ._facts import item_facts, row_fact
from ._permissions import Row
from ._resource import Names, write
from ._routes import Extensions, NotOffered


class ListFacts:
    """What the templates of a Customize list's routes can use."""

    def __init__(self, names: Names, what: Customizable, row: Row, position: int) -> None:
        self._records = names.records(what.source) if what.source else None
        self._what = what
        self._row = row_fact(row, position)

    def of(self, extensions: Extensions, operation: str, allowed: Collection[str] | None = None) -> dict[str, Any]:
        """The arguments beside role and setting; raises NotOffered if the route needs items that nobody lists."""
        if self._records is None and extensions.uses(operation) & {"catalogue", "allowed", "refused"}:
            raise NotOffered(
                f"the route {operation} takes the whole list of items, which the API does not publish for "
                f"{self._what.module} / {self._what.function}",
                tenant=extensions.psa.tenant,
                operation=operation,
            )
        items = item_facts(self._records or [], self._what, allowed)
        found: dict[str, Any] = {"row": self._row, "catalogue": items}
        if allowed is not None:
            found["allowed"] = [item for item in items if item["allowed"]]
            found["refused"] = [item for item in items if not item["allowed"]]
        return found


class AllowList:
    """A Customize list of one role."""

    def __init__(self, extensions: Extensions, role: int, row: Row, what: Customizable, facts: ListFacts) -> None:
        self._extensions = extensions
        self._place = role, int(row.id or 0)
        self._what = what
        self._facts = facts

    def read(self) -> list[str]:
        return self._extensions.customize_items(
            *self._place, **self._facts.of(self._extensions, "customize_items.list")
        )

    def send(self, items: list[str]) -> None:
        """Replace the whole list."""
        facts = self._facts.of(self._extensions, "customize_items.replace", items)
        self._extensions.replace_customize_items(*self._place, self._what.identifier, items, **facts)

    def replace(self, items: list[str]) -> None:
        """Replace the whole list and read it back; raises NotOffered only if nothing was written."""
        tenant, operation = self._extensions.psa.tenant, "customize_items.replace"

        def read() -> list[str]:
            try:
                return self.read()
            except NotOffered as problem:
                raise NotApplied(
                    f"written, and could not be read back: {problem.problem}", tenant=tenant, operation=operation
                ) from None

        write(
            lambda: self.send(items),
            read,
            lambda found: sorted(set(found) ^ set(items)),
            NotApplied("written, but not taken over", tenant=tenant, operation=operation),
        )
