"""A contract file says what it means, or is refused with its line before any data is read."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from console.errors import InvalidError
from console.rules.contracts import parse
from console.rules.patterns import problem
from storage.records.contracts import Contract, Rule

SAMPLES = Path(__file__).parents[2] / "sample_data/contracts"
HEAD = """apiVersion: v3.2.0
kind: DataContract
id: weather
version: 1.0.0
"""


def contract(properties: str, *, after: str = "", head: str = HEAD) -> Contract:
    lines = "\n".join(f"      {line}" for line in properties.strip("\n").splitlines())
    text = f"{head}schema:\n  - name: weather\n    properties:\n{lines}\n{after}"
    return parse(text, "weather.yaml")


def rule(found: Contract, rule_id: str) -> Rule:
    return next(each for each in found.rules if each.id == rule_id)


@pytest.mark.parametrize("name", ["flights", "weather", "planes"])
def test_sample_contracts_are_accepted_rules_that_are_all_checked(name: str) -> None:
    path = SAMPLES / f"{name}.odcs.yaml"
    found = parse(path.read_text(), str(path))
    assert found.name == name
    assert found.key
    assert found.unchecked == ()
    assert {each.status for each in found.rules} == {"accepted"}
    assert len({each.id for each in found.rules}) == len(found.rules)
    assert all(column.description for column in found.columns if column.key_position)


def test_constraints_of_a_column_become_rules() -> None:
    found = contract("""
- name: humid
  logicalType: number
  required: true
  logicalTypeOptions: {minimum: 0, exclusiveMaximum: 100.5, multipleOf: 0.5}
- name: origin
  logicalType: string
  unique: true
  enum: [{value: EWR}, {value: 7}, {value: true}]
  logicalTypeOptions: {minLength: 3, maxLength: 3, pattern: '[A-Z]{3}'}
  relationships: [{to: airports.faa}]
""")
    humid = rule(found, "humid.range")
    assert (humid.minimum, humid.maximum) == ("0", "100.5")
    assert (humid.is_minimum_exclusive, humid.is_maximum_exclusive) == (False, True)
    assert rule(found, "origin.categories").values == ("EWR", "7", "true")
    assert rule(found, "origin.length").maximum == "3"
    assert rule(found, "origin.reference").reference == "airports.faa"
    assert [each.kind for each in found.rules] == [
        "fields", "type", "required", "range", "multiple", "type", "unique", "length", "pattern",
        "categories", "reference",
    ]  # fmt: skip
    assert {each.severity for each in found.rules} == {"error"}
    assert rule(found, "humid.required").dimension == "completeness"


def test_a_block_refines_the_constraint_it_is_about() -> None:
    found = contract("""
- name: humid
  logicalType: number
  logicalTypeOptions: {minimum: 0, maximum: 100}
  quality:
    - type: custom
      engine: mlops-console
      severity: warning
      description: sensors drift
      implementation: {rule: range, maxRate: 0.01, targetRate: 0.001, status: draft}
""")
    humid = rule(found, "humid.range")
    assert (humid.minimum, humid.maximum, humid.max_rate, humid.target_rate) == (
        "0", "100", 0.01, 0.001,
    )  # fmt: skip
    assert (humid.severity, humid.status, humid.description) == ("warn", "draft", "sensors drift")
    assert humid.line == 12
    assert sum(each.kind == "range" for each in found.rules) == 1


def test_library_metrics_become_rules_with_their_tolerance() -> None:
    found = contract(
        """
- name: a
  logicalType: string
  quality:
    - {metric: nullValues, mustBeLessThan: 10, unit: rows}
    - metric: missingValues
      arguments: {missingValues: [null, '', n/a]}
      mustBeLessOrEqualTo: 5
      unit: percent
    - {metric: invalidValues, arguments: {validValues: [x, y]}, mustBe: 0}
    - {metric: invalidValues, arguments: {pattern: '[xy]'}, mustBe: 0}
    - {metric: duplicateValues, mustBeLessThan: 1, unit: percent}
""",
        after="""    quality:
      - {metric: rowCount, mustBeGreaterThan: 99}
      - {type: sql, query: 'SELECT count(*) FROM {object}', mustBeBetween: [1, 5]}
      - {type: text, description: looks right}
      - {type: custom, engine: soda, implementation: 'x'}
""",
    )
    assert rule(found, "a.required").max_count == 9
    missing = rule(found, "a.missing")
    assert (missing.values, missing.max_rate) == (("", "", "n/a"), 0.05)
    assert rule(found, "a.categories").values == ("x", "y")
    assert rule(found, "a.pattern").pattern == "[xy]"
    assert rule(found, "a.unique").max_rate == 0.01
    assert rule(found, "row_count").minimum == "100"
    assert (rule(found, "query").minimum, rule(found, "query").maximum) == ("1", "5")
    assert found.unchecked == (
        "line 22: a quality block (text for people)",
        "line 23: a quality block (engine soda)",
    )


def test_keys_types_formats_and_settings_are_read() -> None:
    found = contract(
        """
- name: day
  logicalType: date
  logicalTypeOptions: {format: dd.MM.yyyy}
  primaryKey: true
  primaryKeyPosition: 2
- name: at
  logicalType: timestamp
  logicalTypeOptions: {timezone: true}
- name: station
  physicalName: st_id
  physicalType: INTEGER
  primaryKey: true
  primaryKeyPosition: 1
""",
        after="""customProperties:
  - {property: nullTokens, value: ['NA', '?']}
  - {property: decimalMark, value: ','}
  - {property: fieldsMatch, value: exact}
  - {property: owner, value: data team}
slaProperties:
  - {property: freshness, value: 2, unit: d, element: weather.at}
  - {property: availability, value: 99.9}
""",
    )
    assert found.key == ("st_id", "day")
    day, at, station = found.columns
    assert (day.format, at.physical_type, station.physical_type) == (
        "%d.%m.%Y", "TIMESTAMP WITH TIME ZONE", "INTEGER",
    )  # fmt: skip
    assert (found.null_tokens, found.decimal_mark, found.fields_match) == (
        ("NA", "?"),
        ",",
        "exact",
    )
    assert rule(found, "key.unique").columns == ("st_id", "day")
    assert rule(found, "at.freshness").maximum == "48"
    assert found.unchecked == ("line 28: the service level availability",)


def test_a_draft_contract_has_draft_rules() -> None:
    found = contract("- {name: a, logicalType: integer}", head=HEAD + "status: draft\n")
    assert {each.status for each in found.rules} == {"draft"}


@pytest.mark.parametrize("version", ["v3.1.0", "v3.2.0", "v3.0.2"])
def test_versions_three_are_read(version: str) -> None:
    found = contract("- {name: a}", head=HEAD.replace("v3.2.0", version))
    assert found.api_version == version


def block(implementation: str, severity: str = "error") -> str:
    return f"""
- name: a
  quality:
    - type: custom
      engine: mlops-console
      severity: {severity}
      implementation:
        {implementation}
"""


@pytest.mark.parametrize(
    ("properties", "sentence"),
    [
        ("- name: a\n  requird: true # here", "unknown field 'requird' in schema property"),
        ("- name: a\n  logicalType: float # here", "unknown logicalType 'float'"),
        ("- name: a\n  logicalTypeOptions: {minimun: 3} # here", "unknown field 'minimun'"),
        ("- name: a\n- name: A # here", "column A is described twice"),
        ("- name: a\n  name: b # here", "name is given twice"),
        ("- logicalType: string # here", "a property has no name"),
        ("- name: a\n  required: maybe # here", "valid boolean"),
        ("- name: a\n  logicalTypeOptions:\n    pattern: '(?=x)y' # here", "looks ahead"),
        ("- name: a\n  logicalTypeOptions: {pattern: '(a)\\1'} # here", "refers back to a group"),
        ("- name: a\n  logicalTypeOptions: {pattern: 'a(b'} # here", "cannot be run"),
        (
            "- name: a\n  logicalType: integer\n  logicalTypeOptions: # here\n"
            "    minimum: 5\n    maximum: 3",
            "can never hold: its minimum 5 is above its maximum 3",
        ),
        (
            "- name: a\n  logicalType: number\n  logicalTypeOptions: {minimum: abc} # here",
            "the limit 'abc', which is no number",
        ),
        ("- name: a\n  quality:\n    - {metric: nullValues} # here", "needs one limit"),
        ("- name: a\n  quality:\n    - {metric: odd, mustBe: 0} # here", "cannot be checked"),
        (
            "- name: a\n  quality:\n    - {metric: nullValues, mustBe: 0, dimension: x} # here",
            "unknown dimension 'x'",
        ),
        (
            "- name: a\n  quality:\n    - {metric: nullValues, mustBe: 0, severity: x} # here",
            "unknown severity 'x'",
        ),
        ("- name: a\n  relationships:\n    - {to: nowhere} # here", "as many columns"),
        (block("rule: rnage # here"), "unknown rule 'rnage'"),
        (block("{rule: range, maxrate: 1} # here"), "unknown field 'maxrate' in implementation"),
        (block("{rule: required, maxRate: 5} # here"), "between 0 and 1, not 5"),
        (block("{rule: required, maxCount: -1} # here"), "a number of rows, not -1"),
        (block("{rule: required, baseline: last} # here"), "unknown baseline 'last'"),
        (block("{rule: required, status: new} # here"), "accepted or draft, not 'new'"),
        (
            block("rule: range").replace("- type: custom", "- type: custom # here"),
            "rule a.range (range) does not say its limits",
        ),
        (
            block("{rule: unique, columns: [b]}").replace("custom", "custom # here"),
            "is about b, which is no column",
        ),
    ],
)
def test_what_is_wrong_is_refused_with_its_line(properties: str, sentence: str) -> None:
    lines = properties.strip("\n").splitlines()
    line = 8 + next(number for number, text in enumerate(lines) if "# here" in text)
    with pytest.raises(InvalidError) as refusal:
        contract(properties)
    assert sentence in refusal.value.message
    assert refusal.value.message.startswith(f"weather.yaml, line {line}: ")
    assert refusal.value.data["line"] == line


def test_a_misspelled_field_names_the_nearest() -> None:
    with pytest.raises(InvalidError) as refusal:
        contract("- name: a\n  requird: true")
    assert refusal.value.hint == "Did you mean required?"


LAUGHS = "a: &a [x]\n" + "".join(
    f"{after}: &{after} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, after in pairwise("abcdefghij")
)


@pytest.mark.parametrize(
    ("text", "line", "sentence"),
    [
        ("", 1, "a contract is a mapping"),
        ("- a\n- b", 1, "a contract is a mapping"),
        ("a: [1, 2\nb: 3", 2, "this is no YAML"),
        ("a: !!python/object:os.system x", 1, "this is no YAML"),
        (HEAD, 1, "describes 0 tables"),
        (HEAD + "schema: [{name: a}, {name: b}]", 5, "describes 2 tables (a, b)"),
        (HEAD.replace("v3.2.0", "v2.2.2") + "schema: []", 1, "apiVersion v2.2.2"),
        (HEAD.replace("DataContract", "DataProduct") + "schema: []", 2, "kind is 'DataProduct'"),
        (HEAD.replace("id: weather\n", "") + "schema: []", 1, "id is missing"),
        (HEAD + "shema: []", 5, "unknown field 'shema'"),
        (HEAD + "schema: [{name: a}]", 5, "no properties"),
        (LAUGHS, 1, "unfolds to more than"),
    ],
)  # fmt: skip
def test_what_is_no_contract_is_refused(text: str, line: int, sentence: str) -> None:
    with pytest.raises(InvalidError) as refusal:
        parse(text, "x.yaml")
    assert sentence in refusal.value.message
    assert refusal.value.data["line"] == line


def test_one_table_of_several_can_be_named() -> None:
    text = HEAD + "schema: [{name: a, properties: [{name: x}]}, {name: b, properties: [{name: y}]}]"
    assert parse(text, "x.yaml", "b").columns[0].name == "y"


@pytest.mark.parametrize(
    "pattern", [r"\p{Lu}+", r"[[:alpha:]]{2}", r"\\1", "(?i)abc", r"(?P<n>a)", r"[+*]+\++"]
)
def test_patterns_that_re2_knows_are_accepted(pattern: str) -> None:
    assert problem(pattern) == ""


@pytest.mark.parametrize("pattern", ["(?<!a)b", "(?P=n)", "a++", "(?>a)", "a{1,2000}", "[z-a]"])
def test_patterns_that_re2_does_not_know_are_refused(pattern: str) -> None:
    assert problem(pattern)
