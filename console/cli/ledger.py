"""`mlops-console ledger …`: everything that was changed, in a chain nobody can quietly edit."""

from __future__ import annotations

from console import text
from console.cli.commands import Invocation, argument, command
from console.cli.output import Column
from console.wire import people as wire
from console.wire.people import ListLedger
from console.wire.routes import Nothing
from storage.records.people import LedgerCheck, LedgerEntry


@command(
    "show",
    argument("subject", nargs="?", default="", help="only about this, e.g. delays@v5"),
    argument("--limit", type=int, default=40),
    argument("--commands", action="store_true", help="with the command that does the same"),
    examples=("mlops-console ledger show", "mlops-console ledger show delays@v5 --commands"),
)
def show(invocation: Invocation) -> None:
    """Every change, newest first."""
    output = invocation.output
    request = ListLedger(limit=invocation.arguments.limit, subject=invocation.arguments.subject)

    def people(found: list[LedgerEntry]) -> None:
        if not found:
            output.line("Nothing was changed yet.")
            return
        columns = [Column("seq", ">"), Column("when"), Column("who"), Column("what")]
        if invocation.arguments.commands:
            columns.append(Column("command"))
        output.table(
            columns,
            [
                (
                    each.seq,
                    f"{each.at:%Y-%m-%d %H:%M:%S}",
                    each.actor,
                    text.clean(each.summary),
                    *([each.command] if invocation.arguments.commands else []),
                )
                for each in found
            ],
        )

    output.show(invocation.client.call(wire.list_ledger, request), people)


@command("verify", examples=("mlops-console ledger verify",))
def verify(invocation: Invocation) -> int:
    """Walk the chain of entries; exit 9 and name the first one that was altered."""
    output = invocation.output
    check = invocation.client.call(wire.verify_ledger, Nothing())

    def people(found: LedgerCheck) -> None:
        if found.is_intact:
            output.line(f"{output.verdict('pass')}  {found.entries} entries, the chain is whole")
        else:
            output.line(f"{output.verdict('fail')}  {found.reason}")

    output.show(check, people)
    return 0 if check.is_intact else 9
