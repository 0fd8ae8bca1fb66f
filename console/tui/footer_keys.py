"""Which keys a footer shows: those that do something where the focus is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textual.screen import Screen

from console.tui.frame_rows import FooterKey
from console.tui.keymaps import KEYS, shown_key


def footer_keys(screen: Screen[Any]) -> tuple[FooterKey, ...]:
    """The shown bindings that are active now, with the verbs of the node that answers them."""
    own: Mapping[str, str] = getattr(screen.app, "keys_in_use", {})
    active: dict[str, list[str]] = {}
    verbs: dict[str, str] = {}
    for key, (node, binding, enabled, _) in screen.active_bindings.items():
        id = binding.id
        if id is None or id not in KEYS or not enabled:
            continue
        active.setdefault(id, []).append(key)
        said: Mapping[str, str] = getattr(node, "verbs", {})
        verbs.setdefault(id, said.get(id, binding.description if binding.show else ""))
    found = [
        FooterKey(
            id=id,
            key=shown_key(id, own, active[id]),
            verb=verb,
            place=KEYS[id].place,
            rank=KEYS[id].rank,
            press=active[id][0],
        )
        for id, verb in verbs.items()
        if verb
    ]
    return tuple(sorted(found, key=lambda key: key.place))
