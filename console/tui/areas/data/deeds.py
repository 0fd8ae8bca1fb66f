"""What can be done with a dataset version, each with its shell command and its question."""

from __future__ import annotations

from console.tui.areas import adding_data
from console.tui.areas.base import Area, Choice
from console.tui.dialogs.confirm import Question
from console.tui.dialogs.fields import Field
from storage.records.datasets import DatasetVersion

COMMAND = "mlops-console"


def choices(version: DatasetVersion | None) -> list[Choice]:
    """The actions menu."""
    found = [adding_data.add_choice(version.dataset if version else "")]
    if version is None:
        return found
    name = version.name
    return [
        *found,
        Choice(id="set_version_tag", label=f"tag {name}", key="t",
               command=f"{COMMAND} data tag {name} TAG"),
        Choice(id="check_contract", label=f"check {name} against the contract again", key="k",
               command=f"{COMMAND} contract check {name}"),
        Choice(id="export_data", label=f"write {name} to a file", key="e",
               command=f"{COMMAND} data export {name} FILE"),
        Choice(id="verify_data", label="read every chunk again and compare digests", key="v",
               command=f"{COMMAND} data verify {name}"),
    ]  # fmt: skip


def do(area: Area, version: DatasetVersion | None, action: str) -> None:
    """Ask what has to be asked, then post it."""
    if action == "add_data" or version is None:
        adding_data.ask_files(area, version.dataset if version else "")
        return
    asked = {"dataset": version.dataset, "version": str(version.version)}
    if action == "set_version_tag":
        question = Question(
            sentence=f"Tag {version.name}?",
            fields=(Field(id="tag", label="tag", is_required=True),
                    Field(id="note", label="note")),
            yes="tag it", warns=False,
        )  # fmt: skip
        area.post_message(Area.Acts(area, action, ask=question, **asked))
    elif action == "export_data":
        question = Question(
            sentence=f"Write {version.name} to a file?",
            fields=(Field(id="path", label="path", is_required=True,
                          hint="absolute; .parquet, .csv or .arrow"),),
            yes="write it", warns=False,
        )  # fmt: skip
        area.post_message(Area.Acts(area, action, ask=question, **asked))
    else:
        area.post_message(Area.Acts(area, action, **asked))
