# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""API keys over the extension routes: creating one so that no orphan is left, deleting, telling them apart."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress

from ._answers import unquoted
from ._client import Record
from ._errors import PASSING, NotApplied, PsaError, RecordNotFound, ServerFailed
from ._names import same
from ._resource import settled, write
from ._routes import Extensions, NotOffered


def fitting(
    keys: list[Record], description: str | None, public_keys: Collection[str] | None, ids: Collection[int] | None
) -> list[Record]:
    """The keys that fit everything that is given."""
    return [
        key
        for key in keys
        if (description is None or same(str(key.get("description")), description))
        and (public_keys is None or key.get("publicKey") in public_keys)
        and (ids is None or key.get("id") in ids)
    ]


def request_key(
    extensions: Extensions, routes: str, member: int, description: str, known: list[Record]
) -> tuple[Record, list[Record]]:
    """Request a key once: the key, and its twins, which a server made of the same request.

    known: the keys that were there before. After an error that is `unclear` there may be a key that nobody saw.
    """
    try:
        made = extensions.create_key(routes, member, description)
    except NotOffered as problem:
        raise _refused(problem, extensions, routes, member, description, known) from None

    def is_made(key: Record) -> bool:
        return bool(key.get("publicKey") == made["publicKey"])

    try:
        new = settled(
            lambda: _others(extensions, routes, member, description, known), lambda keys: any(map(is_made, keys))
        )
    except PsaError:
        # Its private half is in our hands, and it is proven before it is used: losing it would be worse.
        return made, []
    if not any(map(is_made, new)):
        unseen = NotApplied(
            "accepted, but the key is not there", tenant=extensions.psa.tenant, operation=f"{routes}.create"
        )
        unseen.unclear = True
        raise unseen
    return made, [key for key in new if not is_made(key)]


def _refused(
    problem: NotOffered, extensions: Extensions, routes: str, member: int, description: str, known: list[Record]
) -> PsaError:
    """The error of a tenant that says it makes no keys: one that made a key all the same is not believed."""
    if not problem.unclear:
        return problem
    try:
        left = _others(extensions, routes, member, description, known)
    except PsaError as trouble:
        trouble.unclear = True
        return trouble
    if not left:
        problem.unclear = False
        return problem
    made = ServerFailed(
        f"the tenant refused to make a key (status {problem.status}), and made one",
        tenant=problem.tenant,
        operation=problem.operation,
        status=problem.status,
    )
    made.unclear = True
    return made


def create_key(extensions: Extensions, routes: str, member: int, description: str, known: list[Record]) -> Record:
    """Create a key. One whose answer was lost is lost itself, so it is deleted first, and so are twins.

    Not for a key whose record a store keeps: another run may have made its key in the meantime. An error that is still
    `unclear` says that a key may be left.
    """
    for attempt in (1, 2):
        try:
            made, twins = request_key(extensions, routes, member, description, known)
            if twins:
                _delete_twins(extensions, routes, member, twins)
            return made
        except PsaError as problem:
            if not problem.unclear:
                raise
            _clear_up(extensions, routes, member, description, known, problem)
            if attempt == 2 or not isinstance(problem, PASSING):
                raise
    raise AssertionError("the loop above returns or raises")


def _delete_twins(extensions: Extensions, routes: str, member: int, twins: list[Record]) -> None:
    try:
        delete_keys(extensions, routes, member, twins)
    except PsaError as problem:
        problem.unclear = True
        raise


def _clear_up(
    extensions: Extensions, routes: str, member: int, description: str, known: list[Record], problem: PsaError
) -> None:
    """Delete what the request of an unclear error has left. Raises that error if a key may be left."""
    left: list[Record] = []
    try:
        left = settled(lambda: _others(extensions, routes, member, description, known), bool)
        if left:
            delete_keys(extensions, routes, member, left)
    except PsaError as trouble:
        what = "The key it left could not be deleted" if left else "Whether it left a key could not be seen"
        problem.problem += f". {what}: {unquoted(trouble).problem.partition('. ')[0]}"
        raise problem from None
    problem.unclear = False


def _others(extensions: Extensions, routes: str, member: int, description: str, known: list[Record]) -> list[Record]:
    """The member's keys of this description that are not among the known ones."""
    before = {key.get("id") for key in known}
    found = fitting(extensions.keys(routes, member), description, None, None)
    return [key for key in found if key.get("id") not in before]


def delete_keys(extensions: Extensions, routes: str, member: int, doomed: list[Record]) -> None:
    """Delete keys and look that they are gone."""
    ids = [key["id"] for key in doomed]

    def remaining() -> list[Record]:
        return fitting(extensions.keys(routes, member), None, None, ids)

    def send() -> None:
        for key_id in ids:
            with suppress(RecordNotFound):
                extensions.delete_key(routes, member, key_id)

    def left(keys: list[Record]) -> list[str]:
        return [str(key.get("publicKey")) for key in keys]

    unmade = NotApplied("deleted, but still there", tenant=extensions.psa.tenant, operation=f"{routes}.delete")
    write(send, remaining, left, unmade)
