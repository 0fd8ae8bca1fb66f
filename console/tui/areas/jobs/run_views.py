"""Saved views of the table of runs: filter, order, groups and columns under a name.

They are kept in the workspace, for everybody; `mlops-console run list --view NAME` shows the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from console.errors import UsageError
from console.rules.run_fields import find_field, starts_falling
from console.tui.areas.base import Area, Choice
from console.tui.dialogs.confirm import Question
from console.tui.dialogs.fields import Field
from console.tui.dialogs.menu import Menu
from console.tui.filter_row import apply_filter
from console.tui.widgets.table import Table
from console.tui.widgets.table_view import Sort
from storage.records.runs import SavedView

EVERY = "every"
SAVE = "save"
FORGET = "forget:"
_NO_GROUPS = "none"
_USUAL = ("pipeline", "state", "data", "model", "by", "estimator")
"""Fields that runs are often put in groups by; after them the parameters that vary."""


def open_views(area: Area, table: Table[Any], views: Sequence[SavedView], shown: str,
               done: Callable[[str], object]) -> None:  # fmt: skip
    """A menu of the saved views; `done` hears the name of the one that is shown now."""
    choices = [
        Choice(id=f"view:{view.name}", label=view.name, detail=_words(view), key=_digit(place))
        for place, view in enumerate(views, start=1)
    ]
    choices += [
        Choice(id=EVERY, label="every run, newest first", key="0"),
        Choice(id=SAVE, label="save what is seen now under a name", key="s",
               command="mlops-console run view NAME"),
    ]  # fmt: skip
    if shown:
        choices.append(
            Choice(id=f"{FORGET}{shown}", label=f"forget the view {shown}", key="f",
                   command=f"mlops-console run view {shown} --remove")
        )  # fmt: skip

    def chosen(choice: Choice | None) -> None:
        if choice is None:
            return
        if choice.id == SAVE:
            ask_name(area, table, shown)
        elif choice.id.startswith(FORGET):
            area.post_message(area.Acts(area, "remove_run_view", name=shown))
            done("")
        else:
            name = choice.id.removeprefix("view:") if choice.id != EVERY else ""
            view = next((each for each in views if each.name == name), SavedView(name=""))
            done(view.name if apply(table, view) else shown)

    area.app.push_screen(Menu("Views of runs", choices), chosen)


def apply(table: Table[Any], view: SavedView) -> bool:
    """Arrange the table as the view says; False when its filter is none any more."""
    fields = table.filter_fields or {}
    table.group_by("")
    told = apply_filter(table, view.filter)
    levels = []
    for word in view.sort:
        try:
            name = find_field(word.removeprefix("-"), fields, "")
        except UsageError:
            continue
        levels.append(Sort(name, starts_falling(name) != word.startswith("-")))
    table.sort = tuple(levels)
    table.group_by(_full(view.group, fields))
    table.put_away = frozenset(_full(name, fields) for name in view.hidden)
    table.taken_columns = frozenset(_full(name, fields) for name in view.columns)
    return not told.plain.startswith("▲")


def ask_name(area: Area, table: Table[Any], name: str) -> None:
    """Ask under which name the present arrangement is kept."""
    question = Question(
        sentence="Keep this view of runs",
        facts=(
            ("filter", table.filter_text or "every run"),
            ("sorted by", ", ".join(sort_words(table)) or "newest first"),
            ("grouped by", table.group_key or "nothing"),
        ),
        fields=(
            Field(id="name", label="name", value=name, is_required=True, hint="a-z 0-9 . _ -"),
        ),
        yes="keep it",
        warns=False,
    )
    area.post_message(
        area.Acts(
            area,
            "set_run_view",
            ask=question,
            filter=table.filter_text,
            sort=sort_words(table),
            group=table.group_key,
            hidden=tuple(sorted(table.put_away)),
            columns=tuple(sorted(table.taken_columns)),
        )
    )


def sort_words(table: Table[Any]) -> tuple[str, ...]:
    """The order of a table in the words of `run list --sort`; distances have none."""
    fields = table.filter_fields or {}
    return tuple(
        level.key if level.is_descending == starts_falling(level.key) else f"-{level.key}"
        for level in table.sort
        if level.key in fields
    )


def open_groups(area: Area, table: Table[Any], params: Sequence[str]) -> None:
    """A menu of the fields that runs can be put in groups by."""
    fields = table.filter_fields or {}
    names = [*(name for name in _USUAL if name in fields), *(f"params.{name}" for name in params)]
    choices = [Choice(id=_NO_GROUPS, label="no groups", key="0")]
    choices += [
        Choice(id=name, label=name.removeprefix("params."), key=_digit(place))
        for place, name in enumerate(names, start=1)
    ]

    def chosen(choice: Choice | None) -> None:
        if choice is not None:
            table.group_by("" if choice.id == _NO_GROUPS else choice.id)
            table.post_message(Table.Ordered(table, table.cursor_key))

    area.app.push_screen(Menu("Group by", choices, current=table.group_key), chosen)


def _full(name: str, fields: Any) -> str:
    try:
        return find_field(name, fields, "") if name else ""
    except UsageError:
        return name


def _digit(place: int) -> str:
    return str(place) if place < 10 else ""


def _words(view: SavedView) -> str:
    parts = [view.filter or "every run"]
    parts += [f"by {', '.join(view.sort)}"] if view.sort else []
    parts += [f"in groups of {view.group}"] if view.group else []
    return " · ".join(parts)
