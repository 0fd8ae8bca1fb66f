"""The contract of a dataset as a table: drafts to decide on first, then what was agreed.

Opens over the whole data area. Beside each rule stands what the shown version was found to be; the
rule under the cursor is told in full below.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from console import text
from console.rules.contract_words import says, tolerance, value_of
from console.rules.filtering import Field as FilterField
from console.rules.verdicts import stops
from console.tui.areas.base import Area, Choice, nothing_yet
from console.tui.dialogs.confirm import Question
from console.tui.ink import EMPTY, Line, Part
from console.tui.signs import said, sign, value_ink
from console.tui.snapshots.data import Agreed
from console.tui.widgets.pane import Pane
from console.tui.widgets.prose import Prose, Text
from console.tui.widgets.table import Table
from console.tui.widgets.table_layout import Column
from storage.records.contracts import Rule
from storage.records.datasets import DatasetVersion
from storage.records.jobs import Job
from storage.records.results import Result

FIELDS: dict[str, FilterField[Rule]] = {
    "rule": FilterField(lambda each: each.id),
    "kind": FilterField(lambda each: each.kind),
    "column": FilterField(lambda each: each.columns),
    "severity": FilterField(lambda each: each.severity),
    "status": FilterField(lambda each: each.status),
}
NAMED = 3
BROKEN, OPEN, AGREED = "Broken", "Drafts to decide on", "Agreed"
_EXAMPLES = 5


class ContractPane(Pane):
    """Rules with what the version was found to be; see `choices` for what can be decided."""

    DEFAULT_CSS = """
    ContractPane #contract-rules { height: 1fr; }
    ContractPane #rule-words { height: auto; max-height: 8; margin: 1 0 0 0; }
    """

    def __init__(self) -> None:
        self._results: dict[str, Result] = {}
        self._table: Table[Rule] = Table(
            self._columns(), key=lambda each: each.id, has_marks=True, fields=FIELDS,
            section=self._section,
            id="contract-rules", verbs={"open": ""},
        )  # fmt: skip
        self._words = Prose(id="rule-words")
        super().__init__("Contract", self._table, self._words, id="contract-view",
                         help="Drafts warn until they are accepted.")  # fmt: skip
        self._agreed: Agreed | None = None
        self._wanted = ""

    def begin(self, rule: str = "") -> None:
        """Wait for the contract; `rule` is where the cursor goes."""
        if self._agreed is None:
            self._table.rows = ()
            self._table.say(Line(("reading …", "quiet")))
        elif rule:
            self._table.cursor_key = rule
        self._wanted = rule
        self._table.focus()

    def show(self, agreed: Agreed, version: DatasetVersion | None,
             results: Sequence[Result]) -> None:  # fmt: skip
        """The rules, and what `version` was found to be when it was checked against them."""
        before = self._agreed
        is_other = before is None or before.dataset != agreed.dataset
        self._agreed = agreed
        report = agreed.report
        is_refusal = report is not None and (before is None or before.report != report)
        found_in = results if report is None else report.results
        self._results = {dict(each.detail).get("rule", ""): each for each in found_in}
        contract = agreed.contract
        if contract is None:
            self._say_none(agreed)
            return
        if is_other:
            self._table.marked = frozenset()
        known = {rule.id for rule in contract.rules if rule.is_open}
        self._table.marked = self._table.marked & known
        order = (BROKEN, OPEN, AGREED)
        self._table.rows = tuple(
            sorted(contract.rules, key=lambda rule: order.index(self._section(rule)))
        )
        if is_other and self._wanted:
            self._table.cursor_key = self._wanted
        elif is_refusal and self._table.rows:
            self._table.cursor_key = self._table.rows[0].id
        facts = [text.counted(len(contract.rules), "rule"), contract.status]
        found: Part = ""
        if report is not None:
            found = said("fail", f"{text.clean(report.subject)} was refused")
        elif version is not None and results:
            found = said(version.verdict, f"{version.name} {version.verdict}")
        name = f"Contract of {agreed.dataset}"
        self.title(name, facts=" · ".join(filter(None, facts)), right=found)
        self.tell()

    def _section(self, rule: Rule) -> str:
        result = self._results.get(rule.id)
        if result is not None and result.verdict in ("fail", "error") and stops(result):
            return BROKEN
        return OPEN if rule.is_open else AGREED

    def _say_none(self, agreed: Agreed) -> None:
        self._table.rows = ()
        self._words.data = None
        self.title(f"Contract of {agreed.dataset}", facts="", right="")
        if agreed.why_not:
            self._table.say(
                Line(said("fail", "The contract cannot be read.")),
                Line((agreed.why_not, "ink")),
            )
            return
        self._table.say(
            *nothing_yet(
                "No contract yet.",
                "A contract says what the data must look like; a draft is made from what is here.",
                f"mlops-console contract infer {agreed.dataset} "
                f"-o contracts/{agreed.dataset}.odcs.yaml",
                "x",
                "drafts one",
            )
        )

    def tell(self) -> None:
        """The rule under the cursor in full."""
        rule = self._table.cursor_row
        paragraphs = list(_told(rule, self._results.get(rule.id))) if rule is not None else []
        self._words.data = Text(paragraphs=paragraphs, indent=2) if paragraphs else None

    @property
    def words(self) -> str:
        """For the state line."""
        contract = self._agreed.contract if self._agreed else None
        if contract is None:
            return ""
        broken = sum(self._section(rule) == BROKEN for rule in contract.rules)
        if broken and self._agreed is not None and self._agreed.report is not None:
            return f"{text.counted(broken, 'rule')} broken · nothing of it was stored"
        drafts = sum(rule.is_open for rule in contract.rules)
        marked = sum(r.is_open for r in contract.rules if r.id in self._table.marked)
        if marked:
            return f"{text.counted(marked, 'draft')} marked · x accepts or refuses them"
        if drafts:
            return f"{text.counted(drafts, 'draft')} to decide on · x accepts or refuses"
        return "nothing is left to decide"

    # ------------------------------------------------------------------ what can be decided

    def _chosen(self) -> list[Rule]:
        """The marked drafts, else the one under the cursor."""
        contract = self._agreed.contract if self._agreed else None
        if contract is None:
            return []
        marked = [r for r in contract.rules if r.id in self._table.marked and r.is_open]
        row = self._table.cursor_row
        return marked or ([row] if row is not None and row.is_open else [])

    def choices(self) -> list[Choice]:
        """Accept and refuse, for the actions menu; drafting where there is no contract."""
        agreed = self._agreed
        if agreed is None:
            return []
        name, contract = agreed.dataset, agreed.contract
        if contract is None:
            why = "the file has to be corrected first" if agreed.why_not else ""
            command = f"mlops-console contract infer {name} -o contracts/{name}.odcs.yaml"
            return [Choice(id="keep_draft", label="draft a contract from this version", key="i",
                           command=command, why_not=why)]  # fmt: skip
        rules = self._chosen()
        drafts = [rule for rule in contract.rules if rule.is_open]
        why = "" if rules else "the cursor is on no draft"
        label = text.clean(rules[0].id) if len(rules) == 1 else f"{len(rules) or 'the'} drafts"
        ids = shlex.join([rule.id for rule in rules]) or "RULE"
        found = [
            Choice(id="accept", label=f"accept {label}", key="a", why_not=why,
                   command=f"mlops-console contract accept {name} {ids}"),
            Choice(id="accept_warn", label=f"accept {label}, only to warn", key="w", why_not=why,
                   command=f"mlops-console contract accept {name} {ids} --severity warn"),
            Choice(id="refuse", label=f"refuse {label}", key="r", why_not=why,
                   command=f"mlops-console contract refuse {name} {ids}"),
        ]  # fmt: skip
        if len(drafts) > 1:
            found.append(
                Choice(id="accept_all", label=f"accept all {len(drafts)} drafts", key="l",
                       command=f"mlops-console contract accept {name} --all")
            )  # fmt: skip
        return found

    def choose(self, area: Area, version: DatasetVersion | None, action: str) -> None:
        """Ask, then post it."""
        agreed = self._agreed
        if agreed is None:
            return
        if action == "keep_draft":
            wanted = str(version.version) if version is not None else ""
            area.post_message(Area.Acts(area, "check_contract", dataset=agreed.dataset,
                                        version=wanted, infer=True, keep=True))  # fmt: skip
            return
        is_all = action == "accept_all"
        contract = agreed.contract
        rules = [r for r in contract.rules if r.is_open] if is_all and contract else self._chosen()
        ids = [rule.id for rule in rules]
        if not ids:
            return
        if action == "refuse":
            question = Question(
                sentence=f"Refuse {_named(rules)}?",
                facts=(*_facts(rules), ("changes", "it is taken out of the contract file")),
                yes="refuse it" if len(ids) == 1 else "refuse them", warns=False,
            )  # fmt: skip
            area.post_message(Area.Acts(area, "decide_rules", dataset=agreed.dataset, refuse=ids,
                                        ask=question))  # fmt: skip
            return
        is_warning = action == "accept_warn"
        what = "stored with a warning" if is_warning else "refused"
        question = Question(
            sentence=f"Accept {_named(rules)}?",
            facts=(*_facts(rules), ("changes", f"data that breaks it is {what} from now on")),
            yes="accept it" if len(ids) == 1 else "accept them", warns=False,
        )  # fmt: skip
        area.post_message(
            Area.Acts(area, "decide_rules", dataset=agreed.dataset, accept=ids,
                      severity="warn" if is_warning else "", ask=question)
        )  # fmt: skip

    # ------------------------------------------------------------------ columns

    def _columns(self) -> list[Column[Rule]]:
        return [
            Column(key="sign", cell=self._sign, width=1, is_pinned=True),
            Column(key="rule", head="rule", cell=_rule, least=22, is_name=True, is_pinned=True,
                   sort=lambda each: each.id),
            Column(key="says", head="says", least=8, rank=50,
                   cell=lambda each: text.cut(text.clean(says(each)), 32)),
            Column(key="allowed", head="allowed", align="right", ink="quiet", rank=55,
                   cell=lambda each: tolerance(each) or "", meaning="violations tolerated"),
            Column(key="found", head="found", align="right", cell=self._found,
                   meaning="what the version shown was found to be"),
            Column(key="severity", head="severity", cell=lambda each: each.severity, ink="quiet",
                   rank=52, sort=lambda each: each.severity),
            Column(key="evidence", head="evidence", grow=1, least=24, rank=65, ink="quiet",
                   cell=lambda each: text.clean(each.description),
                   meaning="what a draft rests on, or what the author wrote"),
        ]  # fmt: skip

    def _sign(self, rule: Rule) -> Part:
        result = self._results.get(rule.id)
        return sign(result.verdict) if result is not None else EMPTY

    def _found(self, rule: Rule) -> Part:
        result = self._results.get(rule.id)
        if result is None or result.value is None:
            return Line(("–", "quiet"))
        return Line((value_of(result, result.value) or "", value_ink(result.verdict)))


def refused_words(job: Job | None) -> Text | None:
    """That a delivery was kept out, in one sentence, with the key that shows why."""
    if job is None:
        return None
    sentence, _, _ = job.reason.partition(" rules: ")
    line = said("fail", f"{text.clean(sentence)} rules · ")
    key = Line(("a", "ink bold"), (" shows why", "quiet"))
    return Text(paragraphs=(line + key,), indent=2)


def _rule(rule: Rule) -> Part:
    subject, _, kind = rule.id.rpartition(".")
    return Line((f"{text.clean(subject)} " if subject else "", "ink"),
                (text.clean(kind).replace("_", " "), "quiet" if subject else "ink"))  # fmt: skip


def _named(rules: Sequence[Rule]) -> str:
    if len(rules) > NAMED:
        return f"{len(rules)} drafts"
    return text.listed([text.clean(rule.id) for rule in rules])


def _facts(rules: Sequence[Rule]) -> Iterator[tuple[str, Part]]:
    """What is decided on; of several rules each in a line, as long as it is easily read."""
    if len(rules) == 1:
        rule = rules[0]
        if words := says(rule):
            yield "says", text.clean(words)
        if rule.description:
            yield "evidence", text.clean(rule.description)
        return
    for rule in rules[:6]:
        words = text.clean(says(rule) or rule.description)
        yield text.cut(text.clean(rule.id), 24), text.cut(words, 60)
    if len(rules) > 6:
        yield "", f"and {len(rules) - 6} more"


def _told(rule: Rule, result: Result | None) -> Iterator[Part]:
    words = " · ".join(filter(None, (says(rule), rule.severity, rule.status)))
    yield Line((text.clean(rule.id), "bright bold"), (f"  {text.clean(words)}", "ink"))
    if rule.description:
        head = "evidence " if rule.status == "draft" else ""
        yield Line((f"{head}{text.clean(rule.description)}", "quiet"))
    if result is None:
        yield Line(("the version shown was not checked against it", "quiet"))
        return
    if result.reason:
        yield said(result.verdict, text.clean(result.reason))
    facts = dict(result.detail)
    for name in ("change", "usual"):
        if name in facts:
            yield Line((f"{name} ", "quiet"), (text.clean(facts[name]), "ink"))
    examples = [f"{k} {text.clean(v)}" for k, v in result.detail if k.startswith("row ")]
    if examples:
        more = f" · {len(examples) - _EXAMPLES} more" if len(examples) > _EXAMPLES else ""
        yield Line((" · ".join(examples[:_EXAMPLES]) + more, "quiet"))
