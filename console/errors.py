"""The sentences a user reads when something is refused, and what kind each is.

One base class carries the sentence, the way out and the facts; `KINDS` is the only place that
maps a kind of refusal to an HTTP status and a process exit code. Anything else that escapes is a
defect: it is logged with its traceback and reported as `internal` without one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind of refusal is told to an HTTP client and to a shell."""

    status: int
    exit_code: int
    meaning: str


KINDS: Final[dict[str, Kind]] = {
    "usage": Kind(400, 2, "the command or request is written wrongly"),
    "invalid": Kind(422, 3, "the input was read and does not hold"),
    "not_found": Kind(404, 4, "no such thing in this workspace"),
    "conflict": Kind(409, 5, "the present state does not allow it"),
    "forbidden": Kind(403, 6, "the actor's roles do not allow it"),
    "refused": Kind(409, 7, "a gate, contract or approval stands against it"),
    "unavailable": Kind(503, 8, "the agent, an endpoint or a resource is not there"),
    "damaged": Kind(500, 9, "a stored file does not match what was recorded"),
    "failed": Kind(500, 10, "a job or a step ended with an error"),
    "timeout": Kind(504, 11, "no answer within the limit"),
    "too_large": Kind(413, 12, "the input is over a limit"),
    "internal": Kind(500, 70, "a defect of mlops-console; the log has the details"),
}


class ConsoleError(Exception):
    """A refusal in one sentence.

    `message` says what was wanted and what stopped it, with its numbers; `hint` what to type next;
    `data` the same facts for a program (JSON-safe values only).
    """

    kind = "internal"

    def __init__(self, message: str, *, hint: str = "", **data: Any) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.data: dict[str, Any] = data

    @property
    def status(self) -> int:
        return KINDS[self.kind].status

    @property
    def exit_code(self) -> int:
        return KINDS[self.kind].exit_code

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()


class UsageError(ConsoleError):
    kind = "usage"


class InvalidError(ConsoleError):
    kind = "invalid"


class NotFoundError(ConsoleError):
    kind = "not_found"


class ConflictError(ConsoleError):
    kind = "conflict"


class ForbiddenError(ConsoleError):
    kind = "forbidden"


class RefusedError(ConsoleError):
    kind = "refused"


class UnavailableError(ConsoleError):
    kind = "unavailable"


class DamagedError(ConsoleError):
    kind = "damaged"


class FailedError(ConsoleError):
    kind = "failed"


class TimedOutError(ConsoleError):
    kind = "timeout"


class TooLargeError(ConsoleError):
    kind = "too_large"


def from_wire(kind: str, message: str, hint: str, data: dict[str, Any]) -> ConsoleError:
    """Rebuild a refusal that travelled over HTTP; an unknown kind becomes `internal`."""
    for cls in ConsoleError.__subclasses__():
        if cls.kind == kind:
            return cls(message, hint=hint, **data)
    return ConsoleError(message, hint=hint, **data)
