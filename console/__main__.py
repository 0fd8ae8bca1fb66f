"""Reads the first word and imports only what that needs: the console, or one command."""

from __future__ import annotations

import gc
import os
import sys


def main() -> int:
    """Entry point of `mlops-console`."""
    words = sys.argv[1:]
    if words == ["--version"]:
        from console import __version__

        print(f"mlops-console {__version__}")
        return 0
    if _opens_console(words):
        gc.disable()  # nothing of what is loaded until the first picture is ever garbage
        from console.tui.start import open_console

        code = open_console(words)
        # Threads that still wait for the agent would be waited for in an ordinary end.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    from console.cli.main import main as run_command

    return run_command(words)


def _opens_console(words: list[str]) -> bool:
    """No command, only options of the console: `mlops-console -W ~/flights --theme light`."""
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word in ("--help", "-h", "--version", "--json") or not word.startswith("-"):
            return False
        if word in ("--workspace", "-W", "--theme", "--keys", "--charts") and rest:
            rest.pop(0)
    return True


if __name__ == "__main__":
    sys.exit(main())
