"""Every key of the console: its id, what it does, and where it stands in the footer.

Widgets bind by id (`bind("open", "open")`), so a reader can put any action on another key, and a
named map (default, arrows, emacs) is only another column here. Nothing that writes is bound to a
bare letter outside the actions menu; no key needs alt, and none is one that terminals, tmux or
flow control take for themselves.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from textual.binding import Binding

from console.errors import UsageError


@dataclass(frozen=True, slots=True)
class Key:
    """One action that a key can do."""

    id: str
    keys: str
    """Textual names, comma between: `down,j`. The first is the one shown."""
    meaning: str
    """In the help."""
    verb: str = ""
    """In the footer; empty is never there."""
    place: int = 30
    """Order in the footer."""
    rank: int = 5
    """The highest leaves the footer first; 0 never."""
    shown: str = ""
    """Instead of the first key, for pairs such as `j k`."""


_ALL: Final = (
    Key("down", "down,j", "one row down"),
    Key("up", "up,k", "one row up"),
    Key("right", "right,l", "further right, into"),
    Key("left", "left,h", "further left, out of"),
    Key("first", "home,g", "first row"),
    Key("last", "end,G", "last row"),
    Key("page-down", "pagedown,ctrl+d", "a page down"),
    Key("page-up", "pageup,ctrl+u", "a page up"),
    Key("open", "enter", "open what the cursor is on", "open", 10, 1),
    Key("mark", "space", "mark the row", "mark", 20, 3),
    Key("mark-range", "v", "mark from the last mark to here"),
    Key("compare", "c", "compare what is marked", "compare", 22, 4),
    Key("baseline", "b", "make this row the baseline", "baseline", 24, 7),
    Key("freeze", "p", "hold the live picture", "freeze", 34, 8),
    Key("window-longer", "plus", "a longer time window", "window", 35, 9, "+ -"),
    Key("window-shorter", "minus", "a shorter time window"),
    Key("range", "t", "choose the time range", "range", 36, 10),
    Key("sort", "s", "choose the column to sort by", "sort", 40, 11),
    Key("sort-reverse", "S", "reverse the order"),
    Key("columns", "w", "choose columns", "columns", 42, 12),
    Key("filter", "slash", "filter or search", "filter", 44, 8),
    Key("next-hit", "n", "next hit"),
    Key("previous-hit", "N", "previous hit"),
    Key("follow", "f", "follow what is written", "follow", 46, 8),
    Key("next-pane", "tab", "next pane", "next pane", 50, 10),
    Key("previous-pane", "shift+tab", "previous pane"),
    Key("zoom", "z", "one pane over the whole screen, and back", "zoom", 52, 13),
    Key("narrower", "less_than_sign", "make the pane narrower"),
    Key("wider", "greater_than_sign", "make the pane wider"),
    Key("layout-reset", "0", "the layout as it was at first"),
    Key("actions", "x", "what can be done with this; all that writes is here", "actions", 60, 2),
    Key("copy", "y", "copy a cell, a row, an id or the command", "copy", 62, 14),
    Key("export", "e", "write this list to a file", "export", 64, 15),
    Key("undo", "u", "take the last change back"),
    Key("log", "at", "what was done, with the commands", "action log", 66, 16),
    Key("refresh", "r", "read everything again now"),
    Key("palette", "colon,ctrl+p", "every command, place and theme by name", "commands", 70, 6),
    Key("help", "question_mark,f1", "the keys and words of this pane", "help", 80, 0),
    Key("back", "escape", "one level back", "back", 85, 5),
    Key("last-view", "minus", "the view before this one"),
    Key("quit", "q", "back; at the top, leave the console (jobs go on)", "quit", 90, 9),
    Key("quit-now", "ctrl+q", "leave the console at once (jobs go on)"),
)
KEYS: Final[dict[str, Key]] = {key.id: key for key in _ALL}
"""By id, in the order of the help."""

_ARROWS: Final = {
    "down": "down",
    "up": "up",
    "right": "right",
    "left": "left",
    "first": "home",
    "last": "end",
    "page-down": "pagedown",
    "page-up": "pageup",
}
_EMACS: Final = _ARROWS | {
    "down": "down,ctrl+n",
    "up": "up,ctrl+p",
    "right": "right,ctrl+f",
    "page-down": "pagedown,ctrl+v",
    "palette": "colon",
}
MAPS: Final = {
    "default": "arrows and the letters of vi",
    "arrows": "arrows only: no letter moves the cursor",
    "emacs": "arrows and the letters of emacs",
}

_DISPLAY: Final = {
    "slash": "/", "question_mark": "?", "colon": ":", "escape": "esc", "at": "@", "minus": "-",
    "plus": "+", "less_than_sign": "<", "greater_than_sign": ">", "equals_sign": "=",
    "dollar_sign": "$", "percent_sign": "%", "left": "←", "right": "→", "up": "↑", "down": "↓",
    "pagedown": "PgDn", "pageup": "PgUp", "home": "Home", "end": "End", "f1": "F1",
    "exclamation_mark": "!", "number_sign": "#", "asterisk": "*", "comma": ",", "full_stop": ".",
}  # fmt: skip


def bind(
    id: str,
    action: str,
    verb: str | None = None,
    *,
    keys: str = "",
    meaning: str = "",
    place: int = 30,
    rank: int = 5,
    shown: str = "",
    priority: bool = False,
) -> Binding:
    """A binding by id. With `keys` a new id is entered into the catalog, for the keys that only
    one area has; without, the id must be known. `verb` is what the footer says here."""
    if keys:
        KEYS.setdefault(id, Key(id, keys, meaning, verb or "", place, rank, shown))
    key = KEYS[id]
    said = key.verb if verb is None else verb
    return Binding(key.keys, action, said or key.meaning, show=bool(said), id=id, priority=priority)


def display(key: str) -> str:
    """A Textual key name as it stands on the keyboard: `^d`, `esc`, `/`."""
    modifier, plus, name = key.rpartition("+")
    if plus and modifier == "ctrl":
        return "^" + _DISPLAY.get(name, name)
    return _DISPLAY.get(key, key)


def shown_key(
    id: str, keymap: Mapping[str, str] | None = None, active: Collection[str] | None = None
) -> str:
    """The key that footer and help show for an id: the first one that works now (`active`)."""
    key = KEYS[id]
    own = (keymap or {}).get(id)
    keys = _keys(own or key.keys)
    working = [name for name in keys if active is None or name in active] or keys
    if own is None and key.shown and working == keys:
        return key.shown
    return display(working[0])


def all_keys(id: str, keymap: Mapping[str, str] | None = None) -> str:
    """Every key of an id, for the help: `↓ j`."""
    keys = (keymap or {}).get(id) or KEYS[id].keys
    return " ".join(display(key) for key in _keys(keys))


def _keys(keys: str) -> list[str]:
    return [key.strip() for key in keys.split(",") if key.strip()]


def keymap(name: str, own: Mapping[str, str] | None = None) -> dict[str, str]:
    """What differs from the default in a named map, with the reader's own keys over it.

    Raises UsageError for a map or an id that does not exist, and names the nearest.
    """
    if name not in MAPS:
        raise UsageError(
            f'there is no key map "{name}"{_nearest(name, MAPS)}.',
            hint=f"Choose one of: {', '.join(MAPS)}.",
        )
    found = dict({"arrows": _ARROWS, "emacs": _EMACS}.get(name, {}))
    for id, keys in (own or {}).items():
        if id not in KEYS:
            raise UsageError(
                f'there is no key id "{id}"{_nearest(id, KEYS)}.',
                hint="Press ? in the console: the help lists the ids.",
            )
        if not _keys(keys):
            raise UsageError(
                f'no key is given for "{id}".', hint=f'Write one, such as {id} = "{KEYS[id].keys}".'
            )
        found[id] = ",".join(_keys(keys))
    return found


def _nearest(word: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(word, list(known), n=1)
    return f'; did you mean "{near[0]}"?' if near else ""
