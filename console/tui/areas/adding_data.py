"""The form that adds a data version from files, shared by Data and an empty Overview."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from console.tui.areas.base import Area, Choice
from console.tui.dialogs.fields import Field


def add_choice(dataset: str) -> Choice:
    """The entry of the actions menu."""
    return Choice(id="add_data", label="add a version from files", key="a",
                  command=f"mlops-console data add {dataset or 'NAME'} FILE")  # fmt: skip


def ask_files(area: Area, dataset: str) -> None:
    """Ask for files and post `add_data`; `dataset` is filled in when one is known."""
    from console.tui.dialogs.form import Form

    form = Form(
        "Add a version from files",
        (
            Field(id="dataset", label="dataset", value=dataset, is_required=True, hint="its name"),
            Field(id="files", label="file", is_required=True, check=_file_fault,
                  hint="a path or a pattern"),
            Field(id="how", label="how", value="append" if dataset else "replace",
                  choices=("append", "replace")),
            Field(id="note", label="note", hint="what is new in it"),
        ),
        facts=(("append", "the rows are more rows of the latest version"),
               ("replace", "the files are the whole new state")),
        yes="add it",
    )  # fmt: skip

    def answered(answer: Any) -> None:
        if answer is None:
            return
        values = answer.values
        area.post_message(
            Area.Acts(area, "add_data", dataset=values["dataset"],
                      files=tuple(files_of(values["files"])), append=values["how"] == "append",
                      note=values["note"], options={})
        )  # fmt: skip

    area.app.push_screen(form, answered)


def files_of(pattern: str) -> list[str]:
    """Absolute paths that a typed path or pattern names, in order."""
    path = Path(pattern.strip()).expanduser().absolute()
    if path.is_file() or not any(sign in path.name for sign in "*?["):
        return [str(path)]
    return sorted(str(found) for found in path.parent.glob(path.name) if found.is_file())


def _file_fault(value: str) -> str:
    found = files_of(value)
    return "" if found and all(Path(each).is_file() for each in found) else "no such file"
