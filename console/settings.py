"""Settings of the person at the keyboard: one documented precedence.

A value comes from, in this order: the option on the command line, the environment, the file
`$XDG_CONFIG_HOME/mlops-console/config.toml`, the default here. What belongs to the project is not
here but in `mlops.toml`. The README's table is made from these fields.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from console import errors


def _setting(default: Any, doc: str, choices: tuple[str, ...] = ()) -> Any:
    return field(default=default, metadata={"doc": doc, "choices": choices})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings with their values; see `sources` for where each came from."""

    theme: str = _setting(
        "auto",
        "colours: `auto` asks the terminal whether it is dark or light",
        ("auto", "dark", "light", "contrast-dark", "contrast-light", "ansi", "plain"),
    )
    keys: str = _setting("default", "key map", ("default", "arrows", "emacs"))
    charts: str = _setting("auto", "how lines are drawn", ("auto", "braille", "block", "ascii"))
    mouse: bool = _setting(True, "`false` leaves selecting text to the terminal")
    low_bandwidth: bool = _setting(False, "for slow lines: refresh less often, no charts")
    time_zone: str = _setting("UTC", "times on screen", ("UTC", "local"))
    idle_stop_s: float = _setting(300.0, "the agent leaves after so long unneeded; 0 = never")
    read_only: bool = _setting(False, "the console offers no action that changes anything")


SETTING_NAMES = tuple(each.name for each in fields(Settings))


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings and where every value came from."""

    settings: Settings
    sources: dict[str, str]
    """Name -> `option`, `MLOPS_THEME`, `…/config.toml line 3` or `default`."""
    path: Path


def config_path(environment: Mapping[str, str]) -> Path:
    base = environment.get("XDG_CONFIG_HOME") or str(
        Path(environment.get("HOME", "~")).expanduser() / ".config"
    )
    return Path(base) / "mlops-console" / "config.toml"


def environment_name(name: str) -> str:
    return f"MLOPS_{name.upper()}"


def load(
    options: Mapping[str, Any] | None = None, environment: Mapping[str, str] | None = None
) -> Loaded:
    """Read every setting; raises `InvalidError` naming file, line and the nearest valid name."""
    environment = os.environ if environment is None else environment
    path = config_path(environment)
    from_file, lines = _read_file(path)
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for each in fields(Settings):
        name, variable = each.name, environment_name(each.name)
        given = (options or {}).get(name)
        if given is not None:
            values[name], sources[name] = _typed(each, given, f"--{name}"), "option"
        elif environment.get(variable):
            values[name] = _typed(each, environment[variable], variable)
            sources[name] = variable
        elif name in from_file:
            where = f"{path} line {lines.get(name, 1)}"
            values[name], sources[name] = _typed(each, from_file[name], where), where
        else:
            values[name], sources[name] = each.default, "default"
    return Loaded(Settings(**values), sources, path)


def _read_file(path: Path) -> tuple[dict[str, Any], dict[str, int]]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}, {}
    except (OSError, UnicodeError) as error:
        raise errors.InvalidError(f"cannot read {path}: {error}.") from error
    import tomllib  # most people have no file

    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise errors.InvalidError(
            f"{path} is not valid TOML: {error}.", hint="Mend it, or move it away."
        ) from error
    lines = {
        match[1]: number
        for number, line in enumerate(text.splitlines(), 1)
        if (match := re.match(r"\s*([A-Za-z_-]+)\s*=", line))
    }
    for name in document:
        if name not in SETTING_NAMES:
            near = get_close_matches(name, SETTING_NAMES, n=1)
            raise errors.InvalidError(
                f"{path} line {lines.get(name, 1)}: there is no setting {name!r}.",
                hint=f"Did you mean {near[0]!r}?" if near else "See: mlops-console config show",
            )
    return document, lines


def _typed(each: Any, given: Any, where: str) -> Any:
    choices = each.metadata["choices"]
    default = each.default
    if isinstance(default, bool):
        words = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
        if isinstance(given, bool):
            return given
        if str(given).lower() in words:
            return words[str(given).lower()]
        raise errors.InvalidError(f"{where}: {each.name} is true or false, not {given!r}.")
    if isinstance(default, float):
        try:
            return float(given)
        except (TypeError, ValueError):
            said = f"{where}: {each.name} is a number, not {given!r}."
            raise errors.InvalidError(said) from None
    if choices and given not in choices:
        raise errors.InvalidError(
            f"{where}: {each.name} is one of {', '.join(choices)}, not {given!r}."
        )
    return str(given)


def table() -> str:
    """The settings as a Markdown table, for the README."""
    rows = ["| setting | environment | default | what it does |", "|---|---|---|---|"]
    for each in fields(Settings):
        choices = each.metadata["choices"]
        doc = each.metadata["doc"] + (f" ({', '.join(choices)})" if choices else "")
        default = str(each.default).lower() if isinstance(each.default, bool) else each.default
        rows.append(f"| `{each.name}` | `{environment_name(each.name)}` | `{default}` | {doc} |")
    return "\n".join(rows)
