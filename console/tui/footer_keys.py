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
    found: dict[str, FooterKey] = {}
    for node, binding, enabled, _ in screen.active_bindings.values():
        id = binding.id
        if id is None or id in found or id not in KEYS or not enabled:
            continue
        verbs: Mapping[str, str] = getattr(node, "verbs", {})
        verb = verbs.get(id, binding.description if binding.show else "")
        if not verb:
            continue
        key = KEYS[id]
        found[id] = FooterKey(
            id=id,
            key=shown_key(id, own),
            verb=verb,
            place=key.place,
            rank=key.rank,
            press=binding.key,
        )
    return tuple(sorted(found.values(), key=lambda key: key.place))
