"""The one screen: status and areas above, the open area, state line and footer below.

Areas live in one body and only one is shown; each is made when it is first opened. The frame owns
what is the same everywhere: moving between areas, filter, sort, columns, copy, help, palette,
zoom, toasts, and the banner of a lost agent. It fetches nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget

from console.text import count
from console.tui.areas.base import Area, AreaEntry, is_shown, size_class
from console.tui.footer_keys import footer_keys
from console.tui.frame_rows import (
    FooterRow,
    Gone,
    GoneBanner,
    Said,
    StateRow,
    Status,
    StatusRow,
    Tab,
    Tabs,
    TabsRow,
    Toast,
    ToastRow,
)
from console.tui.ink import Line, Part
from console.tui.keymaps import bind
from console.tui.remembering import FRAME, keep_table, restore
from console.tui.screens import QuietScreen
from console.tui.viewstate import ViewState
from console.tui.widgets.boxes import Box
from console.tui.widgets.pane import Pane
from console.tui.widgets.prose import Lines
from console.tui.widgets.table import Table
from console.tui.zoom import zoom_in, zoom_out, zoomed_pane

TOAST_S = 5.0
_FORGETFUL = ViewState()
_LEAST_WIDTH, _LEAST_HEIGHT = 40, 10


class Frame(QuietScreen[None], inherit_bindings=False):
    """Everything around the areas."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(str(n), f"go_digit('{n}')", f"area {n}", show=False, id=f"area-{n}")
            for n in range(1, 9)
        ),
        bind("next-pane", "app.focus_next"),
        bind("previous-pane", "app.focus_previous"),
        bind("filter", "filter"),
        bind("zoom", "zoom"),
        bind("actions", "actions"),
        bind("copy", "copy"),
        bind("export", "export"),
        bind("undo", "undo"),
        bind("log", "log"),
        bind("palette", "palette"),
        bind("help", "help"),
        bind("back", "back"),
        bind("last-view", "last_view"),
        bind("refresh", "refresh_now", ""),
        bind("quit", "leave"),
    ]
    DEFAULT_CSS = """
    Frame { layout: vertical; overflow: hidden; background: $ground; color: $ink; }
    Frame > .gap { height: 1; }
    Frame > #body { height: 1fr; layers: base; }
    Frame > GoneBanner { display: none; }
    Frame.-gone > GoneBanner { display: block; }
    Frame.-gone > StateRow, Frame.-gone > ToastRow { display: none; }
    Frame .-beside-zoom { display: none !important; }
    Frame .-zoomed {
        display: block !important; width: 100% !important; height: 100% !important;
        margin: 0 !important;
    }
    Frame.-low > .gap { display: none; }
    Frame.-flat > ToastRow { display: none; }
    Frame.-flat > .gap { display: none; }
    Frame.-tiny > TabsRow, Frame.-tiny > #body, Frame.-tiny > ToastRow, Frame.-tiny > FooterRow,
    Frame.-tiny > .gap, Frame.-tiny > StateRow { display: none; }
    Frame > #too-small { display: none; }
    Frame.-tiny > #too-small { display: block; }
    """

    class AreaOpened(Message):
        """Another area is shown."""

        def __init__(self, area: Area) -> None:
            super().__init__()
            self.area = area

    class RefreshWanted(Message):
        """The reader wants everything read again now."""

    class LeaveWanted(Message):
        """The reader is at the top and wants to go."""

    class UndoWanted(Message):
        """The reader wants the last change taken back."""

    class LogWanted(Message):
        """The reader wants to see what was done."""

    def __init__(self, entries: Sequence[AreaEntry], first: str = "") -> None:
        super().__init__()
        self.entries = tuple(entries)
        self._first = first
        self._areas: dict[str, Area] = {}
        self._focus: dict[str, Widget | None] = {}
        self._visited: list[str] = []
        self.toasts: deque[Toast] = deque(maxlen=200)
        """What was said, newest last; the action log shows it."""
        self._status = StatusRow(Status(store=""))
        self._tabs = TabsRow()
        self._state = StateRow(Said())
        self._toast = ToastRow()
        self._banner = GoneBanner()
        self._footer = FooterRow(())
        self._too_small = Lines(id="too-small")

    def compose(self) -> ComposeResult:
        yield self._status
        yield self._tabs
        yield Box(classes="gap")
        yield Box(id="body")
        yield self._toast
        yield self._state
        yield self._banner
        yield self._footer
        yield self._too_small

    def on_mount(self) -> None:
        self.app.screen_change_signal.subscribe(self, lambda _: self.show_keys())
        self.bindings_updated_signal.subscribe(self, lambda _: self.show_keys())
        kept = self.views.get(size_class(self.app.size), FRAME).get("last")
        known = [entry.id for entry in self.entries]
        first = self._first or (kept if kept in known else known[0])
        # An area brings half as much again to load: the frame is on the screen before that.
        self._show_tabs(first)
        self.call_after_refresh(self._open_first, first)

    async def _open_first(self, area_id: str) -> None:
        if self.current is None and self.query_one("#body").is_attached:  # not left already
            await self.go(area_id)

    # ------------------------------------------------------------------ areas

    @property
    def current(self) -> Area | None:
        """The open area."""
        return self._areas.get(self._visited[-1]) if self._visited else None

    async def go(self, area_id: str) -> Area:
        """Open an area, made now if it was never open."""
        before = self.current
        area = self._areas.get(area_id)
        if before is not None:
            if before is area:
                return before
            self._focus[before.entry.id] = self.focused
        body = self.query_one("#body")
        if area is None:
            entry = next(entry for entry in self.entries if entry.id == area_id)
            area = entry.load()(entry)
            self._areas[area_id] = area
            area.fit(self.app.size)
            with self.app.batch_update():
                if before is not None:
                    before.display = False
                await body.mount(area)
                restore(area, self.views)
        elif before is not None:
            with self.app.batch_update():
                before.display = False
                area.display = True
        self._visited = [*self._visited[-20:], area_id]
        self._show_tabs(area_id)
        self.show_said()
        self._focus_in(area)
        self.views.put(area.size_class, FRAME, last=area_id)
        self.post_message(self.AreaOpened(area))
        return area

    @property
    def views(self) -> ViewState:
        """What was arranged, kept by the app."""
        views = getattr(self.app, "views", None)
        return views if isinstance(views, ViewState) else _FORGETFUL

    def on_area_arranged(self, event: Area.Arranged) -> None:
        self.views.put(event.area.size_class, event.area.entry.id, **event.values)

    def keep(self, table: Table[Any]) -> None:
        """A table was ordered, filtered or got other columns."""
        if self.current is not None:
            keep_table(self.current, table, self.views)

    def on_table_ordered(self, event: Table.Ordered) -> None:
        self.keep(event.table)

    def _focus_in(self, area: Area) -> None:
        held = self._focus.get(area.entry.id)
        if held is None or not held.is_attached:
            stops = (each for each in area.walk_children(Widget) if each.focusable)
            held = next((each for each in stops if is_shown(each)), None)
        self.set_focus(held)
        self.show_keys()

    def _show_tabs(self, current: str) -> None:
        tabs = [
            Tab(id=entry.id, digit=entry.digit, title=entry.title, short=entry.short)
            for entry in self.entries
        ]
        self._tabs.data = Tabs(tabs=tuple(tabs), current=current)

    async def action_go_digit(self, digit: str) -> None:
        entry = next((entry for entry in self.entries if entry.digit == digit), None)
        if entry is not None:
            await self.go(entry.id)

    async def on_tabs_row_chosen(self, event: TabsRow.Chosen) -> None:
        await self.go(event.area_id)

    async def action_last_view(self) -> None:
        """The area before this one; again comes back."""
        earlier = [id for id in self._visited[:-1] if id != self._visited[-1]]
        if earlier:
            await self.go(earlier[-1])

    def action_back(self) -> None:
        area = self.current
        if self.zoomed is not None:
            self.action_zoom()
        elif self.toast_shown is not None:
            self.clear_toast()
        elif area is not None and area.is_loading:
            area.is_loading = False
            area.post_message(Area.Stops(area))
        elif area is not None and not area.go_back() and self._filtered is not None:
            table = self._filtered
            table.filter_by("", None)
            self.keep(table)
            self.show_said()
            self.refresh_bindings()

    @property
    def _filtered(self) -> Table[Any] | None:
        """The table at hand when a filter hides some of its rows."""
        table = self.current.table if self.current is not None else None
        return table if table is not None and table.filter_text else None

    def action_leave(self) -> None:
        if self.current is None or not self.current.go_back():
            self.post_message(self.LeaveWanted())

    @property
    def verbs(self) -> dict[str, str]:
        """In a detail `esc` is the key to show; `q` quits only at the top."""
        area = self.current
        if self.has_class("-gone"):
            return {"refresh": "try now"}
        return {"quit": ""} if area is not None and area.can_go_back else {}

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that do nothing now are not offered."""
        area = self.current
        if area is None or not area.children:
            return True  # still to be made, or being taken down
        if action == "filter":
            return area.table is not None and area.table.filter_fields is not None
        if action == "actions":
            return bool(area.actions())
        if action == "copy":
            return bool(area.copies())
        if action == "export":
            return area.table is not None and bool(area.table.rows)
        if action == "back":
            is_over = self.zoomed is not None or self.toast_shown is not None
            return is_over or area.is_loading or area.can_go_back or self._filtered is not None
        return True

    def action_refresh_now(self) -> None:
        self.post_message(self.RefreshWanted())

    def action_log(self) -> None:
        self.post_message(self.LogWanted())

    def action_undo(self) -> None:
        self.post_message(self.UndoWanted())

    @property
    def zoomed(self) -> Pane | None:
        """The pane that has the whole body."""
        return zoomed_pane(self.current)

    def action_zoom(self) -> None:
        """One pane over the whole body, and back."""
        if self.current is not None:
            if self.zoomed is not None:
                zoom_out(self.current)
            else:
                zoom_in(self.current, self.focused)

    # ------------------------------------------------------------------ rows around

    @property
    def status(self) -> Status:
        return self._status.data or Status(store="")

    @status.setter
    def status(self, status: Status) -> None:
        self._status.data = status

    def show_keys(self) -> None:
        """Bring the footer up to date with what the keys do now."""
        if self.is_current:
            self._footer.data = footer_keys(self)

    def show_said(self) -> None:
        """The state line of the open area."""
        area = self.current
        table = area.table if area is not None and area.children else None
        found: Part = ""
        if table is not None and table.filter_text:
            hits = f"  {count(table.hits)} of {count(len(table.rows))}"
            found = Line(("/ ", "accent bold"), (table.filter_text, "ink"), (hits, "quiet"))
        self._state.data = Said(line=area.state_line if area is not None else "", right=found)

    def on_area_said(self, event: Area.Said) -> None:
        if event.area is self.current:
            self.show_said()

    @property
    def toast_shown(self) -> Toast | None:
        return self._toast.data

    def toast(self, sentence: str, state: str = "done", *, key: str = "", verb: str = "") -> None:
        """Say what just happened. It goes after five seconds; an error stays until esc."""
        toast = Toast(sentence=sentence, state=state, key=key, verb=verb)
        self.toasts.append(toast)
        self._toast.data = toast
        if self.has_class("-flat"):
            self._state.data = Said(line=toast.sentence)
        if not toast.is_error:
            self.set_timer(TOAST_S, lambda: self._fade(toast))

    def _fade(self, toast: Toast) -> None:
        if self._toast.data is toast:
            self.clear_toast()

    def clear_toast(self) -> None:
        self._toast.data = None
        self.show_said()

    def show_gone(self, gone: Gone | None) -> None:
        """The agent does not answer: banner and the last picture in one grey. None: it is back."""
        self._banner.data = gone
        if (gone is not None) != self.has_class("-gone"):
            self.set_class(gone is not None, "-gone")
            paint_grey = getattr(self.app, "paint_grey", None)
            if paint_grey is not None:
                body = self.query_one("#body")
                paint_grey(*((self._tabs, body) if gone is not None else ()))
            if gone is not None and self.current is not None:
                self.current.show_gone(gone.since)
            self.show_keys()

    def on_footer_row_pressed(self, event: FooterRow.Pressed) -> None:
        self.app.simulate_key(event.key)

    def on_descendant_focus(self) -> None:
        self.show_keys()

    def on_resize(self, event: events.Resize) -> None:
        width, height = event.size
        is_tiny = width < _LEAST_WIDTH or height < _LEAST_HEIGHT
        self.set_class(is_tiny, "-tiny")
        if is_tiny:
            self._too_small.data = (
                f"{width}x{height} is too small.",
                f"Make it {_LEAST_WIDTH}x{_LEAST_HEIGHT} or more.",
            )
        self.set_class(height < 20, "-flat")
        self.set_class(height < 24, "-low")
        for area in self._areas.values():
            area.fit(event.size)

    # ------------------------------------------------------------------ what opens over it

    def action_filter(self) -> None:
        from console.tui.filter_row import FilterRow

        area = self.current
        table = area.table if area is not None else None
        if table is None or table.filter_fields is None or self.query(FilterRow):
            return
        self.mount(FilterRow(table), before=self._state)
        self._state.display = False

    def action_actions(self) -> None:
        from console.tui.dialogs.opening import open_actions

        open_actions(self)

    def action_copy(self) -> None:
        from console.tui.dialogs.opening import open_copies

        open_copies(self)

    def action_export(self) -> None:
        from console.tui.dialogs.opening import open_export

        open_export(self)

    def action_palette(self) -> None:
        from console.tui.dialogs.opening import open_palette

        open_palette(self)

    def action_help(self) -> None:
        from console.tui.dialogs.opening import open_help

        open_help(self)

    def on_table_sort_wanted(self, event: Any) -> None:
        from console.tui.dialogs.opening import open_sort

        open_sort(self, event.table)

    def on_table_columns_wanted(self, event: Any) -> None:
        from console.tui.dialogs.opening import open_columns

        open_columns(self, event.table)

    def on_filter_row_closed(self, event: Any) -> None:
        self._state.display = True
        self.keep(event.table)
        self.show_said()
        self.refresh_bindings()

    def say(self, line: Part) -> None:
        """Something about the whole console in the state line, until the area speaks again."""
        self._state.data = Said(line=line)
