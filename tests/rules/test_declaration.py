"""Reading mlops.toml: what it declares, and how a mistake in it is told."""

from __future__ import annotations

import doctest
from collections.abc import Callable

import pytest

from console.errors import InvalidError
from console.flow.steps import step_digest as flow_digest
from console.rules import declaration, toml_positions
from console.rules.declaration import parse
from storage.records.declared import Declaration

SMALL = """\
[datasets.flights]
key = ["year", "flight"]

[datasets.weather]

[pipelines.delays]
input = "flights"
references = "weather"
target = "late"
estimator = "sklearn.linear_model.LogisticRegression"
params = { C = 0.5, nested = { a = [1, 2] } }
split = { kind = "time", column = "time_hour", folds = 5 }

[[pipelines.delays.steps]]
name = "label"
flow = "training"
sql = "sql/label.sql"

[[pipelines.delays.steps]]
name = "features"
sql = '''
SELECT * FROM this
'''

[[gates.delays]]
name = "auc"
metric = "roc_auc"
must = 0.7

[endpoints.delays]
model = "delays"
[endpoints.delays.limits]
in_flight = 8
[[endpoints.delays.alerts]]
name = "drift"
kind = "drift"
metric = "psi"
must = 0.25
"""


def files(**found: str) -> Callable[[str], str]:
    def read(name: str) -> str:
        if name not in found:
            raise InvalidError(f"mlops.toml names the file {name}, which does not exist.")
        return found[name]

    return read


LABEL = {"sql/label.sql": "SELECT *, arr_delay > 15 AS late FROM this"}


def small(text: str = SMALL) -> Declaration:
    return parse(text, files(**LABEL), default_name="here")


def refusal(text: str) -> InvalidError:
    with pytest.raises(InvalidError) as caught:
        small(text)
    return caught.value


def test_what_is_declared_becomes_records() -> None:
    declared = small()
    assert declared.name == "here"
    assert declared.datasets["flights"].key == ("year", "flight")
    pipeline = declared.pipelines["delays"]
    assert pipeline.references == ("weather",)
    assert pipeline.params == {"C": 0.5, "nested": {"a": [1, 2]}}
    assert (pipeline.split.kind, pipeline.split.folds) == ("time", 5)
    assert pipeline.steps[0].sql == LABEL["sql/label.sql"]
    assert pipeline.steps[0].source == "sql/label.sql"
    assert pipeline.steps[1].source == ""
    assert declared.gates["delays"][0].must == 0.7
    endpoint = declared.endpoints["delays"]
    assert endpoint.limits.in_flight == 8
    assert endpoint.rules[0].endpoint == "delays"


def test_an_empty_file_declares_nothing() -> None:
    declared = parse("", files(), default_name="here")
    assert (declared.name, declared.mode, declared.pipelines) == ("here", "solo", {})


def test_a_step_has_the_digest_that_serving_will_compare_it_with() -> None:
    for step in small().pipelines["delays"].steps:
        assert step.digest == declaration.step_digest(step) == flow_digest(step)


def test_the_digest_changes_with_the_text_of_a_named_file_and_with_nothing_else() -> None:
    again = small()
    changed = parse(SMALL, files(**{"sql/label.sql": "SELECT 1 AS late"}), default_name="here")
    moved = small("# a remark\n" + SMALL)
    assert again.pipelines == small().pipelines
    assert changed.digest != again.digest
    assert changed.pipelines["delays"].digest != again.pipelines["delays"].digest
    assert moved.pipelines["delays"].digest == again.pipelines["delays"].digest


def test_a_python_step_carries_the_text_of_its_module() -> None:
    text = SMALL.replace("sql = '''\nSELECT * FROM this\n'''", 'function = "lib.steps:ratio"')
    source = "def ratio(table): return table\n"
    declared = parse(text, files(**LABEL, **{"lib/steps.py": source}), default_name="here")
    assert declared.pipelines["delays"].steps[1].source == source


@pytest.mark.parametrize(
    ("change", "message", "hint"),
    [
        (
            ("estimator =", "estimater ="),
            "mlops.toml line 10, column 1: unknown key 'estimater' in pipelines.delays.",
            "Did you mean 'estimator'?",
        ),
        (
            ("references = ", "seed = 'x'\nreferences = "),
            "mlops.toml line 8, column 1: pipelines.delays.seed is text, "
            "but a whole number is wanted.",
            "",
        ),
        (
            ("must = 0.7", "must = true"),
            "mlops.toml line 28, column 1: gates.delays[1].must is true or false (True), "
            "but a number is wanted.",
            "",
        ),
        (
            ('input = "flights"', 'input = "flihgts"'),
            "mlops.toml line 7, column 1: pipeline delays reads the dataset 'flihgts', "
            "which is not declared.",
            "Did you mean 'flights'?",
        ),
        (
            ('flow = "training"', 'flow = "train"'),
            "mlops.toml line 16, column 1: pipelines.delays.steps[1].flow is 'train'.",
            "Did you mean 'training'?",
        ),
        (
            ('target = "late"\n', ""),
            "mlops.toml line 6, column 2: pipelines.delays has no 'target'.",
            "Add target = …",
        ),
        (
            ("sql/label.sql", "sql/lable.sql"),
            "mlops.toml names the file sql/lable.sql, which does not exist.",
            "",
        ),
        (
            ('kind = "time", column = "time_hour"', 'kind = "group"'),
            "mlops.toml line 12, column 1: a split by group needs the column to split by.",
            'For example: column = "time_hour"',
        ),
        (
            ("[endpoints.delays]", "[endpoints.Delays]"),
            "mlops.toml line 30, column 2: endpoint 'Delays' is not allowed: a name has 1 to 64 "
            "characters a-z 0-9 . _ - and starts with a letter or digit.",
            "",
        ),
        (
            ("in_flight = 8", "in_flight = 8.5"),
            "mlops.toml line 33, column 1: endpoints.delays.limits.in_flight is a number (8.5), "
            "but a whole number is wanted.",
            "",
        ),
        (
            ("[[gates.delays]]", "[gates.delays]"),
            "mlops.toml line 25, column 2: gates.delays is a table, but a list of tables is "
            "wanted.",
            "Write each one as [[gates.delays]].",
        ),
        (
            ("[datasets.weather]", "[dataset.weather]"),
            "mlops.toml line 4, column 2: unknown key 'dataset'.",
            "Did you mean 'datasets'?",
        ),
        (
            ('target = "late"', "target = late"),
            "mlops.toml line 9, column 10: invalid value.",
            "Text needs quotes, and a list is written [1, 2].",
        ),
        (
            ('name = "features"', 'name = "label"'),
            "mlops.toml line 20, column 1: pipelines.delays.steps[2] is the second one called "
            "'label'.",
            "",
        ),
        (
            ("sklearn.linear_model.LogisticRegression", "LogisticRegression"),
            "mlops.toml line 10, column 1: 'LogisticRegression' does not name an estimator.",
            "Write a class as package.module.Class, a factory of your own as module:function.",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place_and_the_way_out(
    change: tuple[str, str], message: str, hint: str
) -> None:
    assert change[0] in SMALL
    error = refusal(SMALL.replace(*change, 1))
    assert (error.message, error.hint) == (message, hint)


def test_roles_of_people_are_checked() -> None:
    assert parse('[people]\nana = "devops"', files(), default_name="x").people[0].roles == (
        "devops",
    )
    error = refusal('[people]\nana = ["devop"]\n')
    assert (error.data["line"], error.hint) == (2, "Did you mean 'devops'?")


def test_positions_are_found_behind_strings_brackets_and_comments() -> None:
    text = (
        'a = """\nb = 1\n""" # [x]\n"c d".e = [\n  1, # ]\n  2 ]\n[[t.u]]\nx = "]"\n[[t.u]]\ny = 1'
    )
    assert toml_positions.positions(text) == {
        ("a",): (1, 1),
        ("c d",): (4, 1),
        ("c d", "e"): (4, 1),
        ("t",): (7, 3),
        ("t", "u"): (7, 3),
        ("t", "u", 0): (7, 3),
        ("t", "u", 0, "x"): (8, 1),
        ("t", "u", 1): (9, 3),
        ("t", "u", 1, "y"): (10, 1),
    }
    assert doctest.testmod(toml_positions).failed == 0
