"""`mlops-console config …`: settings of the person at the keyboard."""

from __future__ import annotations

from dataclasses import asdict

from console import settings
from console.cli.commands import Invocation, command
from console.cli.output import Column


@command("show", examples=("mlops-console config show",))
def show(invocation: Invocation) -> None:
    """Every setting, its value and where it comes from."""
    loaded = settings.load()
    values = asdict(loaded.settings)
    document = {
        "file": str(loaded.path),
        "settings": [
            {"name": name, "value": value, "source": loaded.sources[name]}
            for name, value in values.items()
        ],
    }

    def people(_: object) -> None:
        rows = [
            (name, str(value).lower() if isinstance(value, bool) else value, loaded.sources[name])
            for name, value in values.items()
        ]
        invocation.output.table([Column("setting"), Column("value"), Column("from")], rows)
        invocation.output.line(f"The file is {loaded.path}.")

    invocation.output.show(document, people)


@command("validate", examples=("mlops-console config validate",))
def validate(invocation: Invocation) -> None:
    """Check the settings file and the environment; exit 3 naming the first fault."""
    loaded = settings.load()
    state = "valid" if loaded.path.exists() else "not there; every setting has its default"
    invocation.output.show(
        {"file": str(loaded.path), "valid": True},
        lambda _: invocation.output.line(f"{loaded.path} is {state}."),
    )
