"""The first screen where no workspace is: start from a data file, see the demo, open another.

It decides nothing by itself: its result says what the reader chose, `start.py` does it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.screen import Screen

from console.text import byte_size
from console.tui.dialogs.fields import Field
from console.tui.footer_keys import footer_keys
from console.tui.frame_rows import FooterRow, Status, StatusRow
from console.tui.host import Host
from console.tui.ink import EMPTY, Line, Part
from console.tui.keymaps import bind
from console.tui.widgets.pane import Pane
from console.tui.widgets.prose import Lines
from console.tui.widgets.table import Table
from console.tui.widgets.table_layout import Column

DATA_ENDINGS = (".csv", ".tsv", ".parquet", ".json", ".jsonl", ".ndjson", ".arrow", ".feather",
                ".csv.gz", ".csv.zst")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What the reader wants."""

    what: Literal["init", "demo", "open"]
    path: Path
    """Directory of the workspace to make or open."""
    file: Path | None = None
    dataset: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """One way to begin."""

    id: str
    name: str
    command: str
    detail: str


class Welcome(Host):
    """Asks how to begin; its result is a `Chosen`, or None."""

    def __init__(self, directory: Path, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.directory = directory
        self.chosen: Chosen | None = None

    def on_mount(self) -> None:
        self.push_screen(WelcomeScreen(self.directory))

    def choose(self, chosen: Chosen) -> None:
        self.chosen = chosen
        self.exit(0)


class WelcomeScreen(Screen[None], inherit_bindings=False):
    """Four ways to begin."""

    BINDINGS: ClassVar[list[BindingType]] = [
        bind("demo", "demo", keys="d", verb="demo", meaning="open the demo", place=12, rank=2),
        bind("open-other", "open_other", keys="o", verb="open another",
             meaning="open another workspace", place=14, rank=3),
        bind("quit", "leave"),
    ]  # fmt: skip
    DEFAULT_CSS = """
    WelcomeScreen { layout: vertical; background: $ground; }
    WelcomeScreen .gap { height: 1; }
    WelcomeScreen #words { margin: 0 0 1 0; }
    WelcomeScreen #body { height: 1fr; }
    WelcomeScreen Pane { margin: 0 0 1 0; max-width: 110; }
    """

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self._directory = directory
        self._file = nearest_data_file(directory)
        self._footer = FooterRow(())

    def compose(self) -> ComposeResult:
        yield StatusRow(Status(store=self._directory.name or "/", place=str(self._directory)))
        yield Container(classes="gap")
        yield Lines(
            (
                Line(("No workspace here yet.", "bright bold")),
                Line(("From a data file to a monitored model in production and back.", "quiet")),
            ),
            id="words",
        )
        with Container(id="body"):
            ways: Table[_Way] = Table(
                [
                    Column(key="name", cell=lambda each: each.name, width=16, is_name=True),
                    Column(key="command", grow=1, least=20,
                           cell=lambda each: Line(("$ ", "quiet"), (each.command, "accent"))),
                ],
                key=lambda each: each.id,
                second=_detail,
                has_head=False,
                id="ways",
            )  # fmt: skip
            ways.rows = self._ways()
            yield Pane("Begin", ways, facts="enter does it")
            yield Lines(
                (
                    Line(("Or look around first", "bright bold")),
                    EMPTY,
                    Line((" d", "accent bold"), ("  opens a demo: a year of New York flights, "
                          "trained, served and drifting.", "ink")),
                    Line(("    It lives in a directory of its own and leaves this one alone.",
                          "quiet")),
                ),
            )  # fmt: skip
        yield self._footer

    def on_mount(self) -> None:
        self.query_one("#ways", Table).focus()
        self.bindings_updated_signal.subscribe(self, lambda _: self._show_keys())
        self._show_keys()

    def _show_keys(self) -> None:
        if self.is_current:
            self._footer.data = footer_keys(self)

    def _ways(self) -> tuple[_Way, ...]:
        name = self._file.name if self._file else "data.csv"
        size = f", {byte_size(self._file.stat().st_size)}" if self._file else ""
        found = f"{name} is here{size}" if self._file else "CSV, JSON, Parquet or Arrow"
        return (
            _Way(id="file", name="start with data", command=f"mlops-console init {name}",
                 detail=found),
            _Way(id="empty", name="start empty", command="mlops-console init",
                 detail="writes a commented mlops.toml to fill in"),
            _Way(id="open", name="open another", command="mlops-console --workspace DIR",
                 detail="a workspace somewhere else on this machine"),
            _Way(id="demo", name="see the demo", command="mlops-console demo",
                 detail="two minutes, real data, real training, real requests"),
        )  # fmt: skip

    def on_table_opened(self, event: Table.Opened) -> None:
        if event.key == "file":
            self._ask_file()
        elif event.key == "open":
            self.action_open_other()
        else:
            what: Literal["init", "demo"] = "demo" if event.key == "demo" else "init"
            self._choose(Chosen(what=what, path=self._directory))

    def _choose(self, chosen: Chosen) -> None:
        app = self.app
        if isinstance(app, Welcome):
            app.choose(chosen)

    def action_demo(self) -> None:
        self._choose(Chosen(what="demo", path=self._directory))

    def action_leave(self) -> None:
        self.app.exit(0)

    def action_open_other(self) -> None:
        from console.tui.dialogs.form import Form

        fields = (Field(id="path", label="directory", is_required=True, check=_no_workspace),)
        form = Form("Open another workspace", fields, yes="open it")

        def answered(answer: Any) -> None:
            if answer is not None:
                path = Path(answer.values["path"]).expanduser().absolute()
                self._choose(Chosen(what="open", path=path))

        self.app.push_screen(form, answered)

    def _ask_file(self) -> None:
        from console.tui.dialogs.form import Form

        given = str(self._file) if self._file else ""
        fields = (
            Field(id="file", label="file", value=given, is_required=True, check=_no_file),
            Field(id="dataset", label="name", value=_name_for(self._file), is_required=True,
                  check=_no_name),
        )  # fmt: skip
        form = Form(
            "Start with a data file",
            fields,
            facts=(("makes", f"{self._directory}/mlops.toml and .mlops/"),
                   ("then", "reads the file as version 1")),
            yes="start",
        )  # fmt: skip

        def answered(answer: Any) -> None:
            if answer is None:
                return
            path = Path(answer.values["file"]).expanduser().absolute()
            self._choose(Chosen(what="init", path=self._directory, file=path,
                                dataset=answer.values["dataset"]))  # fmt: skip

        self.app.push_screen(form, answered)


def _detail(way: _Way) -> list[tuple[str, Part]]:
    return [("command", Line((way.detail, "quiet")))]


def nearest_data_file(directory: Path) -> Path | None:
    """The first data file in the directory by name; None when there is none to be seen."""
    try:
        names = sorted(entry for entry in directory.iterdir() if entry.is_file())
    except OSError:
        return None
    return next((each for each in names if each.name.lower().endswith(DATA_ENDINGS)), None)


def _name_for(path: Path | None) -> str:
    if path is None:
        return ""
    from console.cli.workspaces import dataset_name

    return dataset_name(path)


def _no_file(value: str) -> str:
    return "" if Path(value).expanduser().is_file() else "there is no such file"


def _no_name(value: str) -> str:
    from storage.errors import StorageError
    from storage.workspace import check_id

    try:
        check_id(value, "dataset name")
    except StorageError:
        return "a-z 0-9 . _ - only, starting with a letter or digit"
    return ""


def _no_workspace(value: str) -> str:
    found = (Path(value).expanduser() / ".mlops").is_dir()
    return "" if found else "it has no .mlops directory"
