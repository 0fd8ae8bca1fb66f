"""The README keeps up with the code it describes."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from console import settings
from console.cli import main

ROOT = Path(__file__).resolve().parents[2]
README = ROOT.joinpath("README.md").read_text(encoding="utf-8")


def test_settings_table_is_the_one_made_from_the_fields() -> None:
    inside = README.split("<!-- settings -->")[1].split("<!-- /settings -->")[0].strip()
    assert inside == settings.table()


def test_commands_in_the_readme_exist() -> None:
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL):
        for line in block.splitlines():
            words = line.split("#")[0].split()
            if words[:1] != ["mlops-console"] or len(words) < 2:
                continue
            verbs = {each.verb for each in main.commands_of_noun(words[1])}
            assert verbs & {"", words[1]} or words[2] in verbs, line


def test_the_example_declaration_is_valid() -> None:
    from console.rules import declaration

    blocks = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    assert blocks
    for block in blocks:
        text = block + '\n[datasets.customers]\nkey = ["id"]\n'
        tomllib.loads(text)
        found = declaration.parse(text, lambda name: "", default_name="w")
        assert found.pipelines["churn"].target == "churned"


def test_make_targets_in_the_readme_exist() -> None:
    makefile = ROOT.joinpath("Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"`?make (\w+)", README):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
