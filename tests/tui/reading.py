"""What the reader sees: the text of a running app's screen, row by row."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any

from textual._context import visible_screen_stack
from textual.app import App
from textual.events import Paste
from textual.pilot import Pilot
from textual.strip import Strip

from console.tui.frame import Frame


def strips_of(app: App[object] | App[int]) -> list[Strip]:
    """The rows as they are painted, with what lies behind a dialog."""
    visible_screen_stack.set(app._background_screens)
    return list(app.screen._compositor.render_strips())


def rows_of(app: App[object] | App[int]) -> list[str]:
    """The rows as text."""
    return [strip.text.rstrip() for strip in strips_of(app)]


def text_of(app: App[object] | App[int]) -> str:
    """The whole screen as text."""
    return "\n".join(rows_of(app))


def ink_of(app: App[object] | App[int], word: str) -> tuple[str, str, bool]:
    """Colour, ground and boldness of the first place where a word is painted."""
    for strip in strips_of(app):
        for segment in strip:
            if word in segment.text and segment.style is not None:
                style = segment.style
                colour = style.color.name if style.color else ""
                ground = style.bgcolor.name if style.bgcolor else ""
                return colour, ground, bool(style.bold)
    raise AssertionError(f"{word!r} is not on the screen")


async def until(pilot: Pilot[Any], holds: Callable[[], object], *, timeout_s: float = 10.0) -> None:
    """Wait until something can be read on the screen, however busy the machine is."""
    deadline = monotonic() + timeout_s
    while not holds():
        if monotonic() > deadline:
            raise AssertionError(f"still not so:\n{text_of(pilot.app)}")
        await pilot.pause()


@asynccontextmanager
async def opened(app: App[Any], size: tuple[int, int]) -> AsyncIterator[Pilot[Any]]:
    """The app on a terminal of this size with its first area open, which comes after the frame."""
    async with app.run_test(size=size) as pilot:
        frame = app.screen
        if isinstance(frame, Frame):
            await until(pilot, lambda: frame.current is not None)
            await pilot.pause()
        yield pilot


async def write(pilot: Pilot[Any], text: str) -> None:
    """Text into the field that has the focus, pasted: a press per letter takes 40 ms each."""
    focused = pilot.app.focused
    assert focused is not None
    focused.post_message(Paste(text))
    await pilot.pause()
