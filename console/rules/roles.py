"""Who may do what: one question, asked for every route and every approval.

Standard library only. Invariant: the owner of a workspace may do everything; an action that needs
no role at all is open to nobody but the owner.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, get_args

from storage.records.people import Role

ROLES: Final[tuple[Role, ...]] = get_args(Role)

MEANING: Final[dict[str, str]] = {
    "viewer": "sees everything, changes nothing",
    "data-engineer": "brings in data, writes contracts, runs pipelines",
    "data-scientist": "trains and compares models, sets thresholds, asks for promotion",
    "devops": "runs endpoints, routes traffic, approves and rolls back",
}


def allows(roles: Collection[str], needed: Collection[str], *, is_owner: bool = False) -> bool:
    """True when somebody with `roles` may do what asks for any one of `needed`.

    `needed` empty = the owner only. Unknown role names allow nothing.
    """
    return is_owner or any(role in needed and role in ROLES for role in roles)


def may_decide(
    actor: str,
    roles: Collection[str],
    *,
    requested_by: str,
    needs_role: str,
    is_owner: bool = False,
) -> bool:
    """True when `actor` may say yes or no to a request: the right role, and not their own request.

    Being the owner replaces the role, never the second pair of eyes.
    """
    return actor != requested_by and allows(roles, (needs_role,), is_owner=is_owner)


def needed_words(needed: Collection[str]) -> str:
    """`needed` for a sentence: `devops`, `data-engineer or devops`, `the owner`."""
    names = [role for role in ROLES if role in needed]
    if not names:
        return "the owner"
    if len(names) == len(ROLES):
        return "any role"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
