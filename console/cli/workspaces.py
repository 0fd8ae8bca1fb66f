"""`mlops-console init | backup | restore`: workspaces as a whole."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from console import errors, text
from console.cli.commands import Invocation, argument, command

if TYPE_CHECKING:
    from storage.workspace import Workspace


@command(
    "init",
    argument("data", nargs="?", help="a data file to start from"),
    argument("--name", default="", help="name of the dataset; default: the file's name"),
    examples=("mlops-console init", "mlops-console init flights.parquet"),
)
def init(invocation: Invocation) -> None:
    """Make a directory a workspace, with a commented mlops.toml to edit."""
    root = Path(invocation.workspace_option or Path.cwd())
    data = _data_file(invocation.arguments.data)
    existed = (root / ".mlops").is_dir()
    workspace, wrote = make_workspace(root, data, invocation.arguments.name)
    document = {"workspace": str(workspace.root), "created": not existed, "declaration": wrote}

    def people(_: object) -> None:
        verb = "was a workspace already" if existed else "is a workspace now"
        invocation.output.line(f"{workspace.root} {verb}.")
        if wrote:
            invocation.output.line(f"Wrote {wrote}; look through it, it is short and commented.")
        if data:
            name = invocation.arguments.name or dataset_name(data)
            invocation.output.line(f"Next: mlops-console data add {name} {data}")
        else:
            invocation.output.line("Next: mlops-console data add NAME FILE")

    invocation.output.show(document, people)


def make_workspace(root: Path, data: Path | None, name: str = "") -> tuple[Workspace, str]:
    """Make `root` a workspace; returns it and the path of the `mlops.toml` it wrote, if any."""
    from console.cli.declaring import starter
    from storage.workspace import Workspace

    workspace = Workspace.create(root)
    if workspace.declaration.exists():
        return workspace, ""
    name = name or (dataset_name(data) if data else "")
    try:
        workspace.declaration.write_text(starter(workspace.root.name, name, data), encoding="utf-8")
    except OSError as error:
        said = f"cannot write {workspace.declaration}: {error.strerror}."
        raise errors.UnavailableError(said) from error
    return workspace, str(workspace.declaration)


def _data_file(given: str | None) -> Path | None:
    if not given:
        return None
    path = Path(given).expanduser().absolute()
    if not path.exists():
        raise errors.NotFoundError(
            f"cannot start from {given}: there is no such file.",
            hint="Give the path of a CSV, JSON, Parquet or Arrow file, or none at all.",
        )
    return path


def dataset_name(path: Path) -> str:
    """A name for the dataset in a file: `Flights 2013.csv` -> `flights-2013`."""
    stem = path.name.split(".")[0].lower()
    cleaned = "".join(c if c.isalnum() and c.isascii() else "-" for c in stem).strip("-")
    return cleaned[:40] or "data"


@command(
    "backup",
    argument("target", nargs="?", help="directory to write to; default: inside the workspace"),
    examples=("mlops-console backup", "mlops-console backup /mnt/backups/flights"),
)
def backup(invocation: Invocation) -> None:
    """Copy the store, consistent, while everything goes on.

    Into a target every object is copied too: such a backup is whole without the workspace. A copy
    inside the workspace holds the store alone; the objects stand beside it.
    """
    from console.wire import workspaces as wire
    from console.wire.workspaces import CreateBackup

    target = invocation.arguments.target
    path = str(Path(target).expanduser().absolute()) if target else ""
    made = invocation.client.call(wire.create_backup, CreateBackup(path=path), timeout_s=600)
    invocation.output.show(
        made,
        lambda found: invocation.output.line(
            f"backed up to {found.path}: {text.byte_size(found.bytes)}, "
            f"{text.counted(found.objects, 'object')}"
        ),
    )


@command(
    "restore",
    argument("source", help="directory a backup was written to"),
    argument("--force", action="store_true", help="replace a workspace that has a store"),
    examples=("mlops-console --workspace ~/flights restore /mnt/backups/flights",),
)
def restore(invocation: Invocation) -> None:
    """Bring a backup back; what is there now is moved aside, not deleted."""
    from console.client.starting import is_listening
    from console.clock import SystemClock
    from storage import backup as backups
    from storage.workspace import Workspace

    source = Path(invocation.arguments.source).expanduser().absolute()
    workspace = Workspace.create(Path(invocation.workspace_option or Path.cwd()))
    if is_listening(workspace.socket):
        raise errors.ConflictError(
            f"cannot restore {workspace.root} while its agent runs.",
            hint="Stop it first: mlops-console agent stop",
        )
    if workspace.store.exists() and not invocation.arguments.force:
        raise errors.ConflictError(
            f"{workspace.root} has a store already.",
            hint="Add --force; the present one is moved aside, not deleted.",
        )
    replaced = backups.restore(workspace, source, SystemClock())
    copied = _copy_missing(source / "objects", workspace.objects)
    document = {
        "workspace": str(workspace.root),
        "from": str(source),
        "objects_copied": copied,
        "replaced": str(replaced),
    }
    invocation.output.show(
        document,
        lambda _: invocation.output.line(
            f"{workspace.root} is as it was in {source}. What was there is in {replaced}."
        ),
    )


def _copy_missing(source: Path, target: Path) -> int:
    """Copy the objects that are not there yet; they never change, so names suffice."""
    copied = 0
    for entry in sorted(source.rglob("*")) if source.is_dir() else ():
        wanted = target / entry.relative_to(source)
        if entry.is_file() and not entry.is_symlink() and not wanted.exists():
            wanted.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            shutil.copy2(entry, wanted)
            copied += 1
    return copied
