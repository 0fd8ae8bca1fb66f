"""What the reader arranged: columns, order, filter, sizes, the last view. Kept between starts.

One small JSON file under the state directory, one section for each class of terminal size, so that
a narrow window does not undo what was set up on a wide one. Never a reason not to start: a file
that cannot be read is as good as none, one that cannot be written costs nothing but the memory.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

_VERSION: Final = 1
_MOST_BYTES: Final = 1_000_000


def state_path(environ: Mapping[str, str] | None = None) -> Path:
    """The file, below XDG_STATE_HOME or ~/.local/state."""
    env = os.environ if environ is None else environ
    home = env.get("XDG_STATE_HOME", "")
    base = Path(home) if home.startswith("/") else Path(env.get("HOME", "~")) / ".local/state"
    return base.expanduser() / "mlops-console" / "views.json"


class ViewState:
    """What was arranged, by size class and view. Values are JSON: text, numbers, lists, dicts."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._views: dict[str, dict[str, Any]] = {}
        self.problem = ""
        """Why nothing could be read or written, for whoever asks; never raised."""

    @classmethod
    def load(cls, path: Path | None = None) -> ViewState:
        """Read the file; whatever is wrong with it, the result can be used."""
        state = cls(path or state_path())
        try:
            text = state._read()
            found = json.loads(text) if text else {}
            views = found.get("views", {}) if isinstance(found, dict) else {}
            if isinstance(views, dict):
                state._views = {
                    str(size): dict(view) for size, view in views.items() if isinstance(view, dict)
                }
        except (OSError, ValueError) as error:
            state.problem = str(error)
        return state

    def _read(self) -> str:
        if self._path is None or not self._path.is_file():
            return ""
        if self._path.stat().st_size > _MOST_BYTES:
            raise ValueError(f"{self._path} is larger than what this program writes")
        return self._path.read_text(encoding="utf-8")

    def get(self, size_class: str, view: str) -> dict[str, Any]:
        """What is kept of one view at one size; empty when nothing is."""
        found = self._views.get(size_class, {}).get(view, {})
        return dict(found) if isinstance(found, dict) else {}

    def put(self, size_class: str, view: str, **values: Any) -> None:
        """Keep values of a view, over those it has; saved at once."""
        section = self._views.setdefault(size_class, {})
        known = section.get(view)
        changed = {**(known if isinstance(known, dict) else {}), **values}
        if changed != known:
            section[view] = changed
            self._save()

    def reset(self, size_class: str) -> None:
        """Forget what was arranged at this size."""
        if self._views.pop(size_class, None) is not None:
            self._save()

    def _save(self) -> None:
        if self._path is None:
            return
        document = json.dumps({"version": _VERSION, "views": self._views}, indent=1, sort_keys=True)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # Another console may save at the same moment: the last whole file wins.
            partial = self._path.with_name(f".{self._path.name}.{os.getpid()}")
            partial.write_text(document, encoding="utf-8")
            partial.replace(self._path)
        except OSError as error:
            self.problem = str(error)
