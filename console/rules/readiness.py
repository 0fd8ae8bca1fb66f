"""The ML test score of a model: 28 tests in four sections, decided from recorded evidence.

Standard library only. The score is the smallest of the four section sums: a model is as ready as
its weakest side. Invariant: a full point needs an automated run that passed and is still fresh; a
person's word is worth half and expires. Source: Breck, Cai, Nielsen, Salib and Sculley, The ML Test
Score, IEEE Big Data 2017.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

Section = Literal["data", "model", "infra", "monitor"]
SECTIONS: Final[tuple[Section, ...]] = ("data", "model", "infra", "monitor")

FRESH: Final = timedelta(days=90)
"""And not older than the last training."""
FRESH_MONITOR: Final = timedelta(hours=24)
ATTESTED: Final = timedelta(days=180)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadinessTest:
    """One of the 28."""

    id: str
    section: Section
    title: str
    evidence: str
    """What decides it by itself."""
    effort: int
    """1 = a command, 2 = some hours, 3 = days: for suggesting what to do next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Something recorded that speaks for (or against) a test."""

    at: datetime
    passed: bool
    is_automated: bool
    """A scheduled or promotion-triggered run; False = a person says so."""
    is_waived: bool = False
    """It did not pass and somebody accepted that with a reason."""
    is_partial: bool = False
    """Passed as far as it goes, e.g. too few versions for a correlation: half at most."""
    text: str = ""
    """`gates of delays@v5`, `ana: see the design review`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TestScore:
    test: ReadinessTest
    points: float
    """0, 0.5 or 1."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    score: float
    """Smallest section sum, 0..7."""
    sections: dict[Section, float]
    tests: tuple[TestScore, ...]
    weakest: Section
    meaning: str
    next_steps: tuple[TestScore, ...]
    """The three cheapest half points of the weakest section."""


def _tests() -> tuple[ReadinessTest, ...]:
    def rows(section: Section, *entries: tuple[str, str, str, int]) -> list[ReadinessTest]:
        return [
            ReadinessTest(id=id_, section=section, title=title, evidence=evidence, effort=effort)
            for id_, title, evidence, effort in entries
        ]

    return (
        *rows(
            "data",
            ("D1", "feature expectations are in a schema",
             "an accepted contract, checked on the training version", 2),
            ("D2", "all features are beneficial",
             "permutation importance, no feature surely useless without a waiver", 1),
            ("D3", "no feature costs too much", "a budget gate on the feature steps", 2),
            ("D4", "features keep to requirements",
             "the contract's tags checked against the features used", 2),
            ("D5", "privacy is controlled along the pipeline",
             "a scan for personal data and a retention run", 3),
            ("D6", "new features can be added quickly",
             "time from contract change to production version within its target", 3),
            ("D7", "feature code is tested", "a recorded test run of the feature code", 2),
        ),
        *rows(
            "model",
            ("M1", "the model's code is reviewed and checked in",
             "a clean commit with a reviewer who is not the author", 1),
            ("M2", "offline and online metrics go together",
             "at least five versions with both, rank correlation surely above 0", 3),
            ("M3", "hyper-parameters were tuned", "a recorded search of ten trials or more", 1),
            ("M4", "the effect of staleness is known", "older versions scored on newer data", 2),
            ("M5", "a simpler model is not better", "the baseline gate, paired", 1),
            ("M6", "quality on important slices", "slice gates, none failing", 1),
            ("M7", "inclusion was tested", "fairness gate on the declared columns", 2),
        ),
        *rows(
            "infra",
            ("I1", "training is reproducible", "a second fit with equal predictions", 1),
            ("I2", "the model's code is unit tested",
             "a recorded test run of the training code", 2),
            ("I3", "the whole pipeline is tested end to end",
             "an end-to-end run on sample data for this release", 2),
            ("I4", "quality is validated before serving",
             "a promotion with all gates and no override", 1),
            ("I5", "one prediction can be replayed step by step",
             "a stored trace that gives the same score again", 2),
            ("I6", "a canary runs before full traffic", "a canary or shadow with its verdict", 2),
            ("I7", "rollback is fast and safe", "a rollback drill within its time limit", 1),
        ),
        *rows(
            "monitor",
            ("N1", "changes of dependencies notify", "the watch on locks and schemas ran", 2),
            ("N2", "data rules hold in training and serving",
             "the contract run on serving inputs", 1),
            ("N3", "training and serving do not differ",
             "logged features computed again, at most 0.1 % differ", 2),
            ("N4", "models are not too stale", "age within its limit, with an alert", 1),
            ("N5", "the model is numerically stable", "no NaN, infinite or constant scores", 1),
            ("N6", "speed and memory do not get worse",
             "training time, latency and memory against the version before", 1),
            ("N7", "prediction quality does not get worse",
             "accuracy of matured labels within its objective", 2),
        ),
    )  # fmt: skip


TESTS: Final[dict[str, ReadinessTest]] = {test.id: test for test in _tests()}


def readiness(
    evidence: Mapping[str, Sequence[Evidence]], *, now: datetime, trained_at: datetime | None
) -> Readiness:
    """The score of a production version. `evidence` by test id; `trained_at` of that version.

    All times aware, UTC. Unknown ids are ignored.
    """
    tests = tuple(
        score_test(test, evidence.get(test.id, ()), now=now, trained_at=trained_at)
        for test in TESTS.values()
    )
    sections = {
        section: sum(each.points for each in tests if each.test.section == section)
        for section in SECTIONS
    }
    weakest = min(SECTIONS, key=lambda section: sections[section])
    open_ = [each for each in tests if each.test.section == weakest and each.points < 1]
    # A stale or attested test is nearer to its next half point than one nobody looked at.
    open_.sort(key=lambda each: (each.test.effort, -each.points, each.test.id))
    return Readiness(
        score=sections[weakest],
        sections=sections,
        tests=tests,
        weakest=weakest,
        meaning=meaning(sections[weakest]),
        next_steps=tuple(open_[:3]),
    )


def score_test(
    test: ReadinessTest,
    evidence: Sequence[Evidence],
    *,
    now: datetime,
    trained_at: datetime | None,
) -> TestScore:
    """1 for a fresh automated run that passed, ½ for a stale one or a person's word, else 0.

    The latest automated run decides over any attestation when it failed.
    """

    def scored(points: float, reason: str) -> TestScore:
        return TestScore(test=test, points=points, reason=reason)

    runs = sorted((e for e in evidence if e.is_automated), key=lambda e: e.at)
    words = sorted((e for e in evidence if not e.is_automated and e.passed), key=lambda e: e.at)
    if runs:
        last = runs[-1]
        said = f": {last.text}" if last.text else ""
        if not (last.passed or last.is_waived):
            return scored(0.0, f"the last run failed{said}")
        if not _is_fresh(test, last, now, trained_at):
            return scored(0.5, f"the last run is stale{said}")
        if last.is_partial:
            return scored(0.5, f"passed as far as it goes{said}")
        return scored(1.0, f"{'waived' if not last.passed else 'passed'}{said}")
    if words:
        last = words[-1]
        said = f": {last.text}" if last.text else ""
        if now - last.at <= ATTESTED:
            return scored(0.5, f"attested{said}")
        return scored(0.0, f"the attestation expired{said}")
    return scored(0.0, f"nothing recorded; needs {test.evidence}")


def meaning(score: float) -> str:
    """What a score says, in the words of the paper."""
    if score <= 0:
        return "more a research project than a production system"
    if score <= 1:
        return "not totally untested, but serious holes are possible"
    if score <= 2:
        return "a first pass at productionisation, more is needed"
    if score <= 3:
        return "reasonably tested, more could be automated"
    if score <= 5:
        return "strong testing and monitoring, fit for mission-critical use"
    return "exceptional"


def _is_fresh(
    test: ReadinessTest, run: Evidence, now: datetime, trained_at: datetime | None
) -> bool:
    if test.section == "monitor":
        return now - run.at <= FRESH_MONITOR
    is_since_training = trained_at is None or run.at >= trained_at
    return is_since_training and now - run.at <= FRESH
