"""The tokens of the look, and the themes that give them colours.

Code names tokens, never colours. `TOKENS` holds the colours of each theme; `textual_theme` makes
the Textual theme and its CSS variables (`$quiet`, `$raised`, …) out of the same figures, so that
style sheets and drawn cells cannot differ.

Contrast against `ground`: every text token 4.4 or more, also on `raised` and on the tints. `line`
and `faint` are for rules and areas, never for words.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from textual.theme import Theme


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """The colours of one theme; `ansi_…` names leave the choice to the terminal."""

    ground: str
    """Background."""
    raised: str
    """Cursor row and dialogs; never carries meaning alone."""
    line: str
    """Rules, grid, the empty part of a bar."""
    faint: str
    """Not for words: old part of sparklines, limit lines, context series."""
    quiet: str
    """Labels, column heads, units, ages, healthy words."""
    ink: str
    """Values and names."""
    bright: str
    """Headings, and the one value per row that counts."""
    accent: str
    """You are here, this is live, this is judged."""
    fill: str
    """Areas in accent: the full accent is too loud as an area."""
    band: str
    """Interval bands behind a line."""
    ok: str
    warn: str
    fail: str
    info: str
    """Inconclusive: neither good nor bad, wants more rows."""
    other: str
    """A fourth run in one chart."""
    tint_ok: str
    tint_warn: str
    tint_fail: str
    is_dark: bool = True
    is_native: bool = False
    """Colours are the terminal's own, 16 at most: `raised` is reverse, bands are dotted edges."""
    has_colour: bool = True

    def colour(self, token: str) -> str:
        """The colour of a token; `tint-ok` is written with a hyphen in inks and style sheets."""
        return str(getattr(self, token.replace("-", "_")))


_DARK: Final = Tokens(
    ground="#12161c",
    raised="#1d2530",
    line="#2b3541",
    faint="#66737f",
    quiet="#95a2af",
    ink="#d3dbe3",
    bright="#f3f6f9",
    accent="#79b8ff",
    fill="#4b7fb8",
    band="#1b2d43",
    ok="#7cc48d",
    warn="#e6b566",
    fail="#f2837b",
    info="#bba8f5",
    other="#6cc7bb",
    tint_ok="#1b2d22",
    tint_warn="#352b1c",
    tint_fail="#3a2224",
)
_LIGHT: Final = Tokens(
    ground="#fbfaf7",
    raised="#e9e8e1",
    line="#d9d6cc",
    faint="#7d8286",
    quiet="#59626b",
    ink="#262b31",
    bright="#0c1014",
    accent="#0a5bb0",
    fill="#5b8dc4",
    band="#d8e6f6",
    ok="#1e7539",
    warn="#855600",
    fail="#b0241c",
    info="#6542b5",
    other="#0b6d64",
    tint_ok="#dcebdc",
    tint_warn="#f3e6cb",
    tint_fail="#f6dcd9",
    is_dark=False,
)
_CONTRAST_DARK: Final = Tokens(
    ground="#000000",
    raised="#26323f",
    line="#66737f",
    faint="#8b98a4",
    quiet="#e3e9ef",
    ink="#e3e9ef",
    bright="#ffffff",
    accent="#8ac4ff",
    fill="#5b95d6",
    band="#16324f",
    ok="#8fdca2",
    warn="#ffcf7d",
    fail="#ff9c94",
    info="#cdbeff",
    other="#7fded1",
    tint_ok="#10351d",
    tint_warn="#3f3010",
    tint_fail="#4a1c1f",
)
_CONTRAST_LIGHT: Final = Tokens(
    ground="#ffffff",
    raised="#dedcd3",
    line="#7d8286",
    faint="#5c6267",
    quiet="#1b1f24",
    ink="#1b1f24",
    bright="#000000",
    accent="#00438a",
    fill="#3a71ad",
    band="#c6dbf2",
    ok="#0f5a28",
    warn="#664100",
    fail="#8f140d",
    info="#4c2a9c",
    other="#075950",
    tint_ok="#cfe6cf",
    tint_warn="#f0dcb2",
    tint_fail="#f4cdc9",
    is_dark=False,
)


def _native(*, is_dark: bool, has_colour: bool = True) -> Tokens:
    """The terminal's own colours. Bright black is invisible in common schemes: lines only."""
    plain = "ansi_default"
    hues = {
        "accent": "ansi_cyan" if is_dark else "ansi_blue",
        "ok": "ansi_green",
        "warn": "ansi_yellow",
        "fail": "ansi_red",
        "info": "ansi_magenta",
        "other": "ansi_blue" if is_dark else "ansi_cyan",
        "line": "ansi_bright_black",
    }
    hues["fill"] = hues["accent"]
    names = [field.name for field in fields(Tokens) if field.type == "str"]
    return Tokens(
        **{name: hues.get(name, plain) if has_colour else plain for name in names},
        is_dark=is_dark,
        is_native=True,
        has_colour=has_colour,
    )


TOKENS: Final[dict[str, Tokens]] = {
    "dark": _DARK,
    "light": _LIGHT,
    "contrast-dark": _CONTRAST_DARK,
    "contrast-light": _CONTRAST_LIGHT,
    "ansi-dark": _native(is_dark=True),
    "ansi-light": _native(is_dark=False),
    "plain": _native(is_dark=True, has_colour=False),
}
THEMES: Final = {
    "dark": "for dark terminals",
    "light": "for light terminals",
    "contrast-dark": "high contrast on black",
    "contrast-light": "high contrast on white",
    "ansi-dark": "the terminal's 16 colours, on dark",
    "ansi-light": "the terminal's 16 colours, on light",
    "plain": "no colour at all: bold, underline, reverse",
}


def palette(theme: str) -> Tokens:
    """The tokens of a theme; a theme that is not ours has the dark ones."""
    return TOKENS.get(theme, _DARK)


def css_variables(tokens: Tokens) -> dict[str, str]:
    """The tokens as CSS variables, and those of Textual's own that would bring in other hues."""
    own = {
        field.name.replace("_", "-"): str(getattr(tokens, field.name))
        for field in fields(tokens)
        if field.type == "str"
    }
    selected = tokens.accent if tokens.is_native else tokens.band
    return own | {
        "ansi-background": tokens.ground,
        "ansi-foreground": tokens.ink,
        "block-cursor-background": tokens.raised,
        "block-cursor-foreground": tokens.ink,
        "scrollbar": tokens.line,
        "scrollbar-hover": tokens.faint,
        "scrollbar-active": tokens.accent,
        "scrollbar-background": tokens.ground,
        "scrollbar-background-hover": tokens.ground,
        "scrollbar-background-active": tokens.ground,
        "scrollbar-corner-color": tokens.ground,
        "border": tokens.line,
        "border-blurred": tokens.line,
        "input-cursor-background": tokens.accent,
        "input-cursor-foreground": tokens.ground,
        "input-cursor-text-style": "reverse" if tokens.is_native else "none",
        "input-selection-background": selected,
        "input-selection-foreground": tokens.ground if tokens.is_native else tokens.ink,
        "screen-selection-background": selected,
        "link-color": tokens.accent,
        "link-color-hover": tokens.accent,
        "footer-key-foreground": tokens.ink,
        "footer-description-foreground": tokens.quiet,
        "footer-background": tokens.ground,
    }


def textual_theme(name: str) -> Theme:
    """The Textual theme of that name."""
    from textual.theme import Theme

    tokens = palette(name)
    return Theme(
        name=name,
        primary=tokens.accent,
        secondary=tokens.accent,
        accent=tokens.accent,
        warning=tokens.warn,
        error=tokens.fail,
        success=tokens.ok,
        foreground=tokens.ink,
        background=tokens.ground,
        surface=tokens.ground,
        panel=tokens.raised,
        boost=tokens.ground,
        dark=tokens.is_dark,
        ansi=tokens.is_native,
        variables=css_variables(tokens),
    )
