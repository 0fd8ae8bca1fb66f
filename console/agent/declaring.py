"""Reads `mlops.toml` when it or a file it names has changed, and keeps the last good reading.

Invariant: a file that cannot be used never half-applies; the error stays readable in the status
until the file is mended.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from console import errors
from console.rules import declaration as rules
from storage.records.declared import Declaration


class DeclarationFile:
    """The declaration of one workspace, reread on change."""

    def __init__(self, root: Path, path: Path) -> None:
        self._root = root
        self._path = path
        self._stamp: tuple[tuple[str, int, int], ...] | None = None
        self._declaration: Declaration | None = None
        self._error: errors.ConsoleError | None = None
        self._files: tuple[Path, ...] = (path,)
        self._listeners: list[Callable[[], None]] = []

    def on_change(self, listener: Callable[[], None]) -> None:
        self._listeners.append(listener)

    def read(self) -> Declaration:
        """Return what the file says now; raises `InvalidError` with line, column and way out."""
        self.refresh()
        if self._error is not None:
            raise self._error
        assert self._declaration is not None  # refresh sets one of the two
        return self._declaration

    @property
    def error(self) -> str:
        """Why the file cannot be used; empty when it can."""
        self.refresh()
        return str(self._error) if self._error else ""

    @property
    def is_team(self) -> bool:
        self.refresh()
        return self._declaration is not None and self._declaration.mode == "team"

    @property
    def last_good(self) -> Declaration | None:
        """The newest reading that held, whatever the file says now."""
        self.refresh()
        return self._declaration

    def refresh(self) -> bool:
        """Reread when a file changed; True when it did."""
        stamp = self._stamp_now()
        if stamp == self._stamp:
            return False
        files: list[Path] = [self._path]

        def read_text(name: str) -> str:
            path = self._root / name
            files.append(path)
            try:
                return path.read_text(encoding="utf-8")
            except FileNotFoundError:
                raise errors.InvalidError(
                    f"mlops.toml names the file {name}, which does not exist.",
                    hint=f"Create {path} or correct the name.",
                ) from None
            except (OSError, UnicodeError) as error:
                raise errors.InvalidError(f"cannot read {path}: {error}.") from error

        try:
            text = self._path.read_text(encoding="utf-8") if self._path.exists() else ""
            self._declaration = rules.parse(text, read_text, default_name=self._root.name)
            self._error = None
        except errors.ConsoleError as error:
            self._error = error
        except (OSError, UnicodeError) as error:
            self._error = errors.InvalidError(f"cannot read {self._path}: {error}.")
        self._files = tuple(files)
        self._stamp = self._stamp_now()
        for listener in self._listeners:
            listener()
        return True

    def _stamp_now(self) -> tuple[tuple[str, int, int], ...]:
        found = []
        for path in self._files:
            try:
                stat = path.stat()
                found.append((str(path), stat.st_mtime_ns, stat.st_size))
            except OSError:
                found.append((str(path), 0, -1))
        return tuple(found)
