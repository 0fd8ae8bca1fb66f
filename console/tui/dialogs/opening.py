"""Opens the dialogs over the frame and does what was chosen; loaded when one is wanted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from textual.screen import Screen

from console.errors import ConsoleError
from console.tui.areas.base import Area, Choice
from console.tui.dialogs.help import Help, HelpPage
from console.tui.dialogs.menu import Menu, Picker
from console.tui.keymaps import KEYS, all_keys, shown_key
from console.tui.themes import THEMES
from console.tui.widgets.pane import Pane
from console.tui.widgets.table import Table

if TYPE_CHECKING:
    from console.tui.frame import Frame


def open_actions(frame: Frame) -> None:
    """What can be done with the selection."""
    area = frame.current
    if area is None:
        return

    def chosen(choice: Choice | None) -> None:
        if choice is not None:
            area.choose(choice)

    frame.app.push_screen(Menu(f"Actions in {area.entry.title}", area.actions()), chosen)


def open_copies(frame: Frame) -> None:
    """What can be copied; it goes to the clipboard and a toast says where it went."""
    area = frame.current
    if area is None:
        return

    def chosen(choice: Choice | None) -> None:
        if choice is not None:
            from console.tui.clipboard import copy

            frame.toast(copy(frame.app, choice.detail, what=choice.label))

    frame.app.push_screen(Menu("Copy", area.copies()), chosen)


def open_export(frame: Frame) -> None:
    """A file for the rows of the table at hand."""
    from console.tabular import fault_of
    from console.tui.dialogs.fields import Field
    from console.tui.dialogs.form import Form
    from console.tui.exporting import export

    area = frame.current
    table = area.table if area is not None else None
    if area is None or table is None:
        return
    field = Field(id="path", label="file", value=f"~/{area.entry.id}-{table.id or 'rows'}.csv",
                  is_required=True, check=fault_of, hint=".csv or .json")  # fmt: skip
    facts = (("writes", f"{table.hits} rows, as they are filtered and sorted"),)

    def answered(answer: Any) -> None:
        if answer is not None:
            try:
                frame.toast(export(table, answer.values["path"]))
            except ConsoleError as error:
                frame.toast(str(error), "fail")

    frame.app.push_screen(Form("Write this list to a file", (field,), facts=facts, yes="write it"),
                          answered)  # fmt: skip


def open_palette(frame: Frame) -> None:
    """Everything by name."""
    from console.tui.dialogs.palette import Palette

    doing: dict[str, Callable[[], Any]] = {}
    choices: list[Choice] = []

    def add(choice: Choice, do: Callable[[], Any]) -> None:
        choices.append(choice)
        doing[choice.id] = do

    for entry in frame.entries:
        label = f"go to {entry.title.lower()}"
        add(
            Choice(id=f"go:{entry.id}", label=label, key=entry.digit, detail=entry.purpose),
            partial(frame.call_next, frame.go, entry.id),
        )
    area = frame.current
    for action in area.actions() if area is not None else ():
        add(action, partial(_choose, area, action))
    for id, do in (
        ("filter", frame.action_filter),
        ("refresh", frame.action_refresh_now),
        ("zoom", frame.action_zoom),
        ("copy", frame.action_copy),
        ("export", frame.action_export),
        ("undo", frame.action_undo),
        ("log", frame.action_log),
        ("help", frame.action_help),
        ("quit", frame.action_leave),
    ):
        key = KEYS[id]
        shown = shown_key(id, getattr(frame.app, "keys_in_use", {}))
        add(
            Choice(id=f"key:{id}", label=key.verb or key.meaning, key=shown, detail=key.meaning), do
        )
    for name, purpose in THEMES.items():
        add(
            Choice(id=f"theme:{name}", label=f"theme {name}", detail=purpose),
            partial(setattr, frame.app, "theme", name),
        )
    own = getattr(frame.app, "palette_choices", None)
    more = getattr(frame.app, "palette_more", None)
    choose = getattr(frame.app, "palette_chosen", None)
    choices.extend(own() if own is not None else ())

    def chosen(choice: Choice | None) -> None:
        if choice is None:
            return
        if choice.id in doing:
            doing[choice.id]()
        elif choose is not None:
            choose(choice)

    frame.app.push_screen(Palette(choices, more), chosen)


def _choose(area: Area | None, action: Choice) -> None:
    if area is not None and not action.why_not:
        area.choose(action)


def open_help(frame: Frame) -> None:
    """The keys and words of the pane that has the focus."""
    frame.app.push_screen(Help(help_page(frame)))


def help_page(frame: Frame) -> HelpPage:
    """Gathered from the focused widget outwards: pane, its table's columns, area."""
    focused = frame.focused
    nodes = list(focused.ancestors_with_self) if focused is not None else []
    pane = next((node for node in nodes if isinstance(node, Pane)), None)
    area = frame.current
    words: list[tuple[str, str]] = []
    if isinstance(focused, Table):
        words += [(c.head or c.key, c.meaning) for c in focused.columns if c.meaning]
    words += pane.help_words if pane is not None else ()
    words += area.help_words if area is not None else ()
    title = pane.heading.name if pane is not None else area.entry.title if area else "Console"
    purpose = pane.help_text if pane is not None else ""
    return HelpPage(
        title=title,
        purpose=purpose or (area.help_text if area is not None else ""),
        keys=active_keys(frame),
        words=tuple(dict(words).items()),
        commands=tuple(action.command for action in area.actions() if action.command)
        if area is not None
        else (),
    )


def active_keys(screen: Screen[Any]) -> Sequence[tuple[str, str]]:
    """Every key that does something now, in the order of the catalog."""
    own = getattr(screen.app, "keys_in_use", {})
    active = {}
    for _, binding, enabled, _ in screen.active_bindings.values():
        if binding.id is not None and binding.id in KEYS and enabled:
            active[binding.id] = KEYS[binding.id].meaning or binding.description
    order = {id: place for place, id in enumerate(KEYS)}
    found = [(all_keys(id, own), active[id]) for id in sorted(active, key=lambda id: order[id])]
    digits = [entry.digit for entry in getattr(screen, "entries", ())]
    if digits:
        found.append((f"{digits[0]}…{digits[-1]}", "the areas"))
    return found


def open_sort(frame: Frame, table: Table[Any]) -> None:
    """The column to sort by."""
    order = {level.key: level for level in table.sort}
    choices = []
    for column in table.columns:
        if column.sort is not None:
            level = order.get(column.key)
            now = "" if level is None else "descending" if level.is_descending else "ascending"
            name = column.head or column.key
            choices.append(Choice(id=column.key, label=name, detail=now or column.meaning))

    def chosen(choice: Choice | None) -> None:
        if choice is not None:
            table.order_by(choice.id)

    current = table.sort[0].key if table.sort else ""
    frame.app.push_screen(Menu("Sort by", choices, current=current), chosen)


def open_columns(frame: Frame, table: Table[Any]) -> None:
    """Which columns are shown."""
    choices = [
        Choice(id=column.key, label=column.head or column.key, detail=column.meaning)
        for column in table.columns
        if not column.is_pinned and not column.is_bullet
    ]
    every = frozenset(choice.id for choice in choices)

    def chosen(shown: frozenset[str] | None) -> None:
        if shown is not None:
            table.hidden_columns = every - shown
            frame.keep(table)

    frame.app.push_screen(Picker("Columns", choices, every - table.hidden_columns), chosen)
