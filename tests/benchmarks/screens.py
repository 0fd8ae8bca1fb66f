"""What the console costs on the way to the screen: `python -m tests.benchmarks.screens`.

CPU milliseconds from a key to painted cells in a table of 10,000 rows and 300 columns, for a chart
of 3 x 600 points, and the bytes that start, area, dialog and cursor step send to a
terminal of 120 x 40 in full colour.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import random
import re
import select
import struct
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

from textual.app import ComposeResult

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from console.rules.filtering import Field
from console.text import fixed
from console.tui.filter_row import apply_filter
from console.tui.host import Host
from console.tui.signs import said
from console.tui.widgets.linechart import draw_chart
from console.tui.widgets.table import Table
from console.tui.widgets.table_layout import Column
from tests.tui.demo.charts import latency_chart

ROWS = 10_000
METRICS = 300
Run = tuple[str, str, list[float]]


class OneTable(Host):
    """A table alone on the screen."""

    def compose(self) -> ComposeResult:
        columns = [
            Column[Run](key="id", head="run", cell=lambda r: r[0], is_pinned=True, rank=0),
            Column[Run](key="state", head="state", cell=lambda r: said(r[1]), rank=0),
        ]
        columns += [_metric(number) for number in range(METRICS)]
        fields = {
            "state": Field[Run](lambda r: r[1]),
            "m3": Field[Run](lambda r: r[2][3], "number"),
        }
        self.table: Table[Run] = Table(columns, key=lambda r: r[0], fields=fields)
        self.table.styles.height = "1fr"
        yield self.table


def _metric(number: int) -> Column[Run]:
    return Column[Run](
        key=f"m{number}",
        head=f"m{number}",
        cell=lambda r: fixed(r[2][number % 8]),
        align="right",
        sort=lambda r: r[2][number % 8],
    )


async def keys_to_cells() -> None:
    """CPU from the key to the painted cells."""
    rng = random.Random(1)
    states = ("done", "failed", "running")
    rows = [(str(n), rng.choice(states), [rng.random() for _ in range(8)]) for n in range(ROWS)]
    app = OneTable()
    async with app.run_test(size=(160, 45)) as pilot:
        table = app.table
        table.rows = rows
        await pilot.pause()
        steps: dict[str, Callable[[], object]] = {
            "cursor step": lambda: table.action_step(1),
            "page": lambda: table.action_page(1),
            "last row": lambda: table.action_ends(True),
            "next column": lambda: table.action_shift_columns(1),
            "sort": lambda: table.order_by("m3"),
            "filter": lambda: apply_filter(table, "m3 > 0.5 state:done"),
            "first word": lambda: apply_filter(table, "fail"),
            "second word": lambda: apply_filter(table, "faile"),
        }
        for name, step in steps.items():
            await pilot.pause()
            before = time.process_time()
            step()
            await pilot.pause()
            print(f"  {name:14s} {(time.process_time() - before) * 1e3:6.1f} ms CPU")


def chart() -> None:
    """One drawing of the busiest chart."""
    given = latency_chart(points=600)
    before = time.process_time()
    for _ in range(20):
        draw_chart(given, 120, 36)
    print(f"  {'chart':14s} {(time.process_time() - before) * 1e3 / 20:6.1f} ms CPU")


def bytes_sent() -> None:
    """Bytes and frames on a pseudo terminal."""
    child, master = pty.fork()
    if child == 0:
        os.environ.update(TERM="xterm-256color", COLORTERM="truecolor")
        os.execv(sys.executable, [sys.executable, "-m", "tests.tui.demo.app"])
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    keys = {"start": b"", "open an area": b"4", "cursor step": b"j", "help": b"?", "close": b"\x1b"}
    for name, key in keys.items():
        os.write(master, key)
        sent = _read_for(master, 2.0 if not key else 1.0)
        frames = [len(part) for part in re.split(rb"\x1b\[\?2026h", sent) if len(part) > 200]
        print(f"  {name:14s} {len(sent):7d} bytes in {len(frames)} frames")
    os.write(master, b"\x11")
    _read_for(master, 0.5)
    os.waitpid(child, 0)


def _read_for(master: int, seconds: float) -> bytes:
    got, end = b"", time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if select.select([master], [], [], left)[0]:
            try:
                piece = os.read(master, 65536)
            except OSError:
                break
            got += piece
            if b"?2026$p" in piece:
                os.write(master, b"\x1b[?2026;2$y")
            if b"\x1b[c" in piece:
                os.write(master, b"\x1b[?62c")
    return got


if __name__ == "__main__":
    print(f"table of {ROWS} rows x {METRICS} columns, 160 x 45")
    asyncio.run(keys_to_cells())
    chart()
    print("bytes to a terminal of 120 x 40")
    bytes_sent()
