"""8 People: who may do what, whose yes is waited for, the ledger with the command of each line."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult

from console import text
from console.rules import roles
from console.rules.filtering import Field as FilterField
from console.tui.areas.base import Area, AreaEntry, Choice
from console.tui.dialogs.confirm import Question
from console.tui.dialogs.fields import Field
from console.tui.ink import EMPTY, Line, Part
from console.tui.signs import said, sign
from console.tui.snapshots.people import Snapshot
from console.tui.widgets.boxes import Row, Stack
from console.tui.widgets.pane import Pane, Words
from console.tui.widgets.prose import Fact, FactLines, Facts
from console.tui.widgets.table import Table
from console.tui.widgets.table_layout import Column
from storage.records.people import Approval, LedgerCheck, LedgerEntry, Person


class PeopleArea(Area):
    """Roles, approvals, ledger."""

    help_text: ClassVar[str] = "Who may do what, who waits for a second yes, and what was done."
    help_words: ClassVar[Words] = (
        *((name, meaning) for name, meaning in roles.MEANING.items()),
        ("owner", "the Unix user the workspace belongs to: may do everything and grants roles"),
        ("ledger", "every change, each sealed by a hash over the one before"),
    )
    DEFAULT_CSS = """
    PeopleArea #side { width: 1fr; }
    PeopleArea Pane { margin: 0 0 1 0; }
    PeopleArea #ledger-pane { height: 1fr; }
    PeopleArea #ledger { height: 1fr; }
    PeopleArea #approvals-pane { display: none; }
    PeopleArea.-asked #approvals-pane { display: block; }
    PeopleArea #entry-pane { display: none; height: auto; }
    PeopleArea.-open #entry-pane { display: block; }
    PeopleArea.-wide #people-column { width: 56; margin: 0 4 0 0; }
    PeopleArea.-narrow #columns { layout: vertical; }
    PeopleArea.-narrow #people-column { height: auto; max-height: 9; }
    """

    def __init__(self, entry: AreaEntry) -> None:
        super().__init__(entry)
        self._snapshot: Snapshot | None = None
        self._check: LedgerCheck | None = None

    def compose(self) -> ComposeResult:
        with Row(id="columns"):
            with Stack(id="people-column"):
                yield Pane(
                    "People",
                    Table(self._person_columns(), key=lambda each: each.name, id="people",
                          fields=_PERSON_FIELDS),
                    id="people-pane",
                )  # fmt: skip
                yield Pane(
                    "Waits for a yes",
                    Table(_approval_columns(), key=lambda each: str(each.id), has_head=False,
                          id="approvals", verbs={"open": "decide"}),
                    id="approvals-pane",
                )  # fmt: skip
            with Stack(id="side"):
                ledger: Table[LedgerEntry] = Table(
                    self._ledger_columns(), key=lambda each: str(each.seq), id="ledger",
                    classes="main", verbs={"open": "details"}, fields=_FIELDS,
                )  # fmt: skip
                yield Pane("Ledger", ledger, id="ledger-pane")
                yield Pane("Entry", FactLines(id="entry"), is_stop=False, id="entry-pane")

    # ------------------------------------------------------------------ what is shown

    def show(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self.query_one("#people", Table).rows = snapshot.people
        self.query_one("#people-pane", Pane).title(facts=str(len(snapshot.people)))
        waiting = tuple(each for each in snapshot.approvals if each.state == "waiting")
        self.set_class(bool(waiting), "-asked")
        self.query_one("#approvals", Table).rows = waiting
        self.query_one("#approvals-pane", Pane).title(facts=str(len(waiting) or ""))
        table = self.query_one("#ledger", Table)
        table.rows = snapshot.ledger
        if not snapshot.ledger:
            table.say(
                Line(("Nothing was changed yet.", "bright bold")),
                Line(("Every change stands here, with who, when and the command.", "quiet")),
            )
        if self._check is None:
            self.post_message(self.Wants(self, "check"))
        self._show_heading()

    def show_part(self, what: str, value: Any) -> None:
        self._check = value
        self._show_heading()

    def _show_heading(self) -> None:
        entries = len(self._snapshot.ledger) if self._snapshot else 0
        check = self._check
        right: Part = EMPTY
        if check is not None:
            right = said("ok", "chain is whole") if check.is_intact else said("fail", check.reason)
        self.query_one("#ledger-pane", Pane).title(
            facts=f"{text.counted(entries, 'entry', 'entries')}, newest first", right=right
        )
        me = self._snapshot.me if self._snapshot else None
        if me is not None:
            may = "may do everything" if me.is_owner else text.listed(me.roles)
            self.say(f"you are {me.name}, {may}")

    @on(Table.Opened, "#ledger")
    def open_entry(self, event: Table.Opened) -> None:
        entry: LedgerEntry | None = event.table.cursor_row
        if entry is None:
            return
        facts = [
            Fact(label="when", value=f"{entry.at:%Y-%m-%d %H:%M:%S} UTC"),
            Fact(label="who", value=entry.actor),
            Fact(label="action", value=entry.action),
            Fact(label="subject", value=entry.subject),
            Fact(label="command", value=Line((entry.command or text.MISSING, "accent"))),
            *(Fact(label=name, value=said or text.MISSING) for name, said in entry.detail.items()),
            Fact(label="seal", value=f"{entry.previous_hash[:12]} → {entry.hash[:12]}"),
        ]
        self.query_one("#entry", FactLines).data = Facts(facts=facts, value_align="left")
        self.query_one("#entry-pane", Pane).title(f"Entry {entry.seq}", facts=entry.summary)
        self.add_class("-open")
        self.refresh_bindings()

    @property
    def can_go_back(self) -> bool:
        return self.has_class("-open")

    def go_back(self) -> bool:
        was_open = self.has_class("-open")
        self.remove_class("-open")
        self.refresh_bindings()
        return was_open

    @on(Table.Opened, "#approvals")
    def decide(self, event: Table.Opened) -> None:
        if event.key:
            self._ask_decision(int(event.key), approve=True)

    def reveal(self, kind: str, name: str) -> None:
        table = self.query_one("#approvals" if name.isdigit() else "#ledger", Table)
        table.cursor_key = name
        table.focus()

    # ------------------------------------------------------------------ what can be done

    def actions(self) -> list[Choice]:
        snapshot = self._snapshot
        if snapshot is None:
            return []
        person: Person | None = self.query_one("#people", Table).cursor_row
        approval: Approval | None = self.query_one("#approvals", Table).cursor_row
        not_owner = "" if snapshot.me.is_owner else "only the owner grants roles"
        choices = []
        if approval is not None:
            own = approval.requested_by == snapshot.me.name
            why_not = "you asked for it yourself" if own else ""
            base = f"mlops-console model approve {approval.id}"
            choices += [
                Choice(id="approve", label=f"say yes to {approval.subject}", key="y", command=base,
                       why_not=why_not),
                Choice(id="reject", label=f"say no to {approval.subject}", key="n",
                       command=f"{base} --reject", why_not=why_not),
            ]  # fmt: skip
        name = person.name if person else "NAME"
        choices += [
            Choice(id="grant_role", label=f"give {name} a role", key="g", why_not=not_owner,
                   command=f"mlops-console people grant {name} ROLE"),
            Choice(id="revoke_role", label=f"take a role from {name}", key="r", why_not=not_owner,
                   command=f"mlops-console people revoke {name} ROLE"),
            Choice(id="verify", label="walk the ledger's chain again", key="v",
                   command="mlops-console ledger verify"),
        ]  # fmt: skip
        return choices

    def choose(self, action: Choice) -> None:
        if action.id == "verify":
            self.post_message(self.Wants(self, "check"))
        elif action.id in ("approve", "reject"):
            approval: Approval | None = self.query_one("#approvals", Table).cursor_row
            if approval is not None:
                self._ask_decision(approval.id, approve=action.id == "approve")
        else:
            self._ask_role(action.id)

    def _ask_role(self, action: str) -> None:
        person: Person | None = self.query_one("#people", Table).cursor_row
        name = person.name if person else ""
        is_grant = action == "grant_role"
        question = Question(
            sentence="Give a role?" if is_grant else "Take a role away?",
            facts=tuple((role, meaning) for role, meaning in roles.MEANING.items()),
            fields=(
                Field(id="name", label="user", value=name, is_required=True),
                Field(id="role", label="role", choices=roles.ROLES, is_required=True),
            ),
            yes="give it" if is_grant else "take it away",
        )  # fmt: skip
        self.post_message(self.Acts(self, action, ask=question))

    def _ask_decision(self, approval_id: int, *, approve: bool) -> None:
        found = self._snapshot.approvals if self._snapshot else ()
        approval = next((each for each in found if each.id == approval_id), None)
        if approval is None:
            return
        question = Question(
            sentence=f"Say {'yes' if approve else 'no'} to {approval.subject}?",
            facts=(
                ("asked by", f"{approval.requested_by}, {approval.requested_at:%d %b %H:%M}"),
                ("reason", approval.reason or text.MISSING),
                ("needs", f"the role {approval.needs_role}"),
            ),
            fields=(Field(id="reason", label="reason"),),
            yes="say yes" if approve else "say no",
        )
        self.post_message(
            self.Acts(self, "decide_approval", ask=question, id=approval_id, approve=approve)
        )

    # ------------------------------------------------------------------ columns

    def _person_columns(self) -> list[Column[Person]]:
        def seen(each: Person) -> str:
            if each.last_seen_at is None or self._snapshot is None:
                return text.MISSING
            return text.age((self._snapshot.at - each.last_seen_at).total_seconds(), short=True)

        def who(each: Person) -> Line:
            me = self._snapshot is not None and each.name == self._snapshot.me.name
            return Line((each.name, "ink"), (" you" if me else "", "quiet"))

        return [
            Column(key="name", head="name", cell=who, is_name=True, sort=lambda each: each.name),
            Column(key="roles", head="may act as", least=12, grow=1, ink="quiet",
                   cell=lambda each: "owner" if each.is_owner else text.listed(each.roles)),
            Column(key="seen", head="seen", align="right", ink="quiet", cell=seen,
                   sort=lambda each: each.last_seen_at, first_descending=True),
        ]  # fmt: skip

    def _ledger_columns(self) -> list[Column[LedgerEntry]]:
        def when(each: LedgerEntry) -> str:
            return text.clock(each.at, self._snapshot.at if self._snapshot else each.at)

        return [
            Column(key="seq", head="#", align="right", ink="quiet", rank=70,
                   cell=lambda each: str(each.seq), sort=lambda each: each.seq,
                   first_descending=True),
            Column(key="when", head="when", ink="quiet", cell=when, sort=lambda each: each.at,
                   first_descending=True),
            Column(key="who", head="who", cell=lambda each: each.actor, ink="quiet",
                   sort=lambda each: each.actor),
            Column(key="what", head="what", least=20, grow=1, is_name=True,
                   cell=lambda each: each.summary),
            Column(key="subject", head="subject", ink="quiet", rank=60, least=10,
                   cell=lambda each: each.subject, sort=lambda each: each.subject),
            Column(key="action", head="action", ink="quiet", rank=80,
                   cell=lambda each: each.action, sort=lambda each: each.action),
        ]  # fmt: skip


_FIELDS: dict[str, FilterField[LedgerEntry]] = {
    "who": FilterField(lambda each: each.actor),
    "what": FilterField(lambda each: each.summary),
    "action": FilterField(lambda each: each.action),
    "subject": FilterField(lambda each: each.subject),
    "at": FilterField(lambda each: each.at, "time"),
}


_PERSON_FIELDS: dict[str, FilterField[Person]] = {
    "name": FilterField(lambda each: each.name),
    "role": FilterField(lambda each: each.roles),
}


def _approval_columns() -> list[Column[Approval]]:
    return [
        Column(key="sign", cell=lambda each: sign("waiting"), width=1),
        Column(key="id", cell=lambda each: str(each.id), align="right", ink="quiet"),
        Column(key="subject", cell=lambda each: each.subject, least=16, grow=1, is_name=True),
        Column(key="by", cell=lambda each: f"asked by {each.requested_by}", ink="quiet"),
    ]
