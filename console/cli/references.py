"""Names people type: `delays@v5`, `flights`; taken apart in one place."""

from __future__ import annotations

from console import errors
from console.rules.references import LATEST


def split_reference(text: str, what: str = "thing") -> tuple[str, str]:
    """Return name and version reference of `NAME` or `NAME@VERSION`; the latest when none is named.

    >>> split_reference("delays@v5", "model"), split_reference("flights")
    (('delays', 'v5'), ('flights', 'latest'))
    """
    name, at, version = text.partition("@")
    if not name or (at and not version) or "@" in version:
        raise errors.UsageError(
            f"{text!r} does not name a {what} version.", hint="Write it as NAME@v3 or NAME."
        )
    return name, version or LATEST
