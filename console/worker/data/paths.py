"""What a person typed -> the files it stands for.

Used by `reading`. Invariant: only regular files come out, and no link leads out of the directory
that was named.
"""

from __future__ import annotations

import difflib
import errno
import stat
from pathlib import Path
from typing import Final

from console.errors import InvalidError, NotFoundError
from storage.errors import from_os_error

_GLOB_SIGNS: Final = "*?["


def expand(source: str) -> list[Path]:
    """Return the files that a path, a directory or a glob stands for, in the order of their names.

    Raises `NotFoundError`, or `InvalidError` for pipes, devices and links that lead elsewhere.
    """
    given = Path(source).expanduser().absolute()
    if given.is_dir():
        entries = sorted(p for p in given.iterdir() if p.name[:1] not in "._" and not p.is_dir())
        if not entries:
            raise InvalidError(
                f"{source} is a directory without files.",
                hint=f"Give files, or a pattern such as '{source}/**/*.parquet'.",
                path=source,
            )
        return [_regular(path, given) for path in entries]
    if given.exists() or given.is_symlink():
        return [_regular(given, given.parent)]
    if any(sign in source for sign in _GLOB_SIGNS):
        return _matching(given, source)
    raise NotFoundError(f"there is no file {source}.", hint=_neighbours(given), path=str(given))


def _matching(pattern: Path, source: str) -> list[Path]:
    parts = pattern.parts
    fixed = next(n for n, part in enumerate(parts) if any(sign in part for sign in _GLOB_SIGNS))
    root = Path(*parts[:fixed])
    found = sorted(path for path in root.glob(str(Path(*parts[fixed:]))) if not path.is_dir())
    shown = [path for path in found if path.name[:1] not in "._"]
    if not shown:
        raise NotFoundError(f"no file matches {source}.", path=source)
    return [_regular(path, root) for path in shown]


def _regular(path: Path, root: Path) -> Path:
    try:
        found = path.lstat()
        if stat.S_ISLNK(found.st_mode):
            target = _target(path)
            if not target.is_relative_to(root.resolve()):
                raise InvalidError(
                    f"{path} is a link that leads out of its directory, to {target}.",
                    hint=f"Give {target} itself if that is what you mean.",
                    path=str(path),
                )
            found = target.stat()
    except OSError as error:
        raise from_os_error("read", path, error) from error
    if stat.S_ISREG(found.st_mode):
        return path
    kinds = {
        stat.S_IFIFO: "a named pipe",
        stat.S_IFSOCK: "a socket",
        stat.S_IFBLK: "a device",
        stat.S_IFCHR: "a device",
        stat.S_IFDIR: "a directory",
    }
    raise InvalidError(
        f"cannot read {path}: it is {kinds.get(stat.S_IFMT(found.st_mode), 'no regular file')}.",
        hint="Write its content to a file first.",
        path=str(path),
    )


def _target(path: Path) -> Path:
    try:
        return path.resolve(strict=True)
    except (RuntimeError, OSError) as error:  # RuntimeError: a loop, until Python 3.12
        is_loop = isinstance(error, RuntimeError) or error.errno == errno.ELOOP
        what = "in a circle" if is_loop else f"to {path.readlink()}, which cannot be reached"
        raise NotFoundError(
            f"{path} is a link that leads {what}.",
            hint="Name the file itself.",
            path=str(path),
        ) from error


def _neighbours(path: Path) -> str:
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return f"The directory {path.parent} is not there either."
    near = difflib.get_close_matches(path.name, names, 1)
    return f"Did you mean {path.parent / near[0]}?" if near else ""
