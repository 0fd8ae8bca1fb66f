"""A contract file as YAML whose every part knows its line.

Used by `contracts.parse`. Standard library and PyYAML, imported when a contract is read. Invariant:
what is misspelled is refused with its line and the nearest name, never skipped in silence.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, get_args

from console.errors import InvalidError

if TYPE_CHECKING:
    from pydantic import BaseModel

Path = tuple[str | int, ...]

MOST_NODES: Final = 200_000
"""A file that unfolds to more parts (by anchors used over and over) is refused."""

OPTIONS: Final = frozenset(
    {"minLength", "maxLength", "pattern", "format", "minimum", "maximum", "exclusiveMinimum",
     "exclusiveMaximum", "multipleOf", "timezone", "defaultTimezone", "minItems", "maxItems",
     "uniqueItems", "minProperties", "maxProperties", "required", "dimensions", "elementType"}
)  # fmt: skip
"""What ODCS knows below `logicalTypeOptions`, all types together."""


class Lines:
    """The YAML document and where each part of it stands."""

    def __init__(self, text: str, file: str) -> None:
        import yaml  # type: ignore[import-untyped]  # ships no type information

        self.file = file
        try:
            # libyaml reads a contract of 60 rules in a tenth of the time.
            loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
            self._root = loader.get_single_node()
            self._count(self._root)
            self.document: Any = loader.construct_document(self._root) if self._root else None
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = mark.line + 1 if mark is not None else 1
            raise self.refusal(
                line, f"this is no YAML: {error.problem or error.context}"
            ) from error
        except (yaml.YAMLError, ValueError) as error:
            said = str(error).splitlines()[0]
            raise self.refusal(1, f"this is no YAML: {said}") from error
        if not isinstance(self.document, dict):
            raise self.refusal(1, "a contract is a mapping that begins with apiVersion and kind")

    def at(self, path: Path) -> int:
        """Return the line where this part, or what there is of its path, begins."""
        key, node = self.find(path)
        begin = key or node
        return begin.start_mark.line + 1 if path and begin is not self._root else 1

    def find(self, path: Path) -> tuple[Any, Any]:
        """Return the YAML nodes (key, value) of this part, or of what there is of its path; the
        items of a list have no key."""
        key, node = None, self._root
        for step in path:
            found = None
            if node.id == "mapping":
                pairs = (pair for pair in node.value if getattr(pair[0], "value", None) == step)
                found = next(pairs, None)
            elif node.id == "sequence" and isinstance(step, int) and step < len(node.value):
                found = None, node.value[step]
            if found is None:
                break
            key, node = found
        return key, node

    def refusal(self, line: int, what: str, hint: str = "") -> InvalidError:
        return InvalidError(
            f"{self.file}, line {line}: {what}.", hint=hint, file=self.file, line=line
        )

    def check_fields(self, model: type[BaseModel]) -> None:
        """Raise `InvalidError` for the first field that ODCS does not have."""
        self._check_model(self._root, model)

    def check_names(self, given: Mapping[str, Any], known: Iterable[str], path: Path) -> None:
        """Raise `InvalidError` for the first key that is not one of `known`."""
        names = sorted(known)
        for key in given:
            if key not in names:
                raise self._unknown(str(key), names, self.at((*path, key)), str(path[-1]))

    def _count(self, root: Any) -> None:
        """Refuse duplicate keys and documents that unfold without end."""
        total = 0
        stack = [root] if root is not None else []
        while stack:
            node = stack.pop()
            total += 1
            if total > MOST_NODES:
                raise self.refusal(1, f"the document unfolds to more than {MOST_NODES:,} parts")
            if node.id == "sequence":
                stack.extend(node.value)
            elif node.id == "mapping":
                seen = set()
                for key, value in node.value:
                    name = str(getattr(key, "value", ""))
                    if name in seen and name != "<<":
                        raise self.refusal(key.start_mark.line + 1, f"{name} is given twice")
                    seen.add(name)
                    stack.append(value)

    def _check_model(self, node: Any, model: type[BaseModel]) -> None:
        if node.id != "mapping":
            return
        fields = {field.alias or name: field for name, field in model.model_fields.items()}
        for key, value in node.value:
            name = str(key.value)
            if name == "<<":
                continue
            if name not in fields:
                line = key.start_mark.line + 1
                raise self._unknown(name, sorted(fields), line, _words(model.__name__))
            if name == "logicalTypeOptions" and value.id == "mapping":
                for option, _ in value.value:
                    if str(option.value) not in OPTIONS:
                        line = option.start_mark.line + 1
                        raise self._unknown(str(option.value), sorted(OPTIONS), line, name)
                continue
            self._check_value(value, fields[name].annotation)

    def _check_value(self, node: Any, annotation: Any) -> None:
        models = _models(annotation)
        if not models:
            return
        if node.id == "sequence":
            for item in node.value:
                self._check_model(item, models[-1])
        else:
            self._check_model(node, models[0])

    def _unknown(self, name: str, known: list[str], line: int, where: str) -> InvalidError:
        near = difflib.get_close_matches(name, known, 1, 0.6)
        hint = f"Did you mean {near[0]}?" if near else f"Known there: {', '.join(known)}."
        return self.refusal(line, f"unknown field {name!r} in {where}", hint)


def _models(annotation: Any) -> list[type[BaseModel]]:
    """Return the models an annotation can hold; a list of models comes after a single one."""
    from pydantic import BaseModel

    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    found: list[type[BaseModel]] = []
    for argument in get_args(annotation):
        found.extend(_models(argument))
    return found


def _words(name: str) -> str:
    """SchemaProperty -> schema property."""
    return "".join(f" {c.lower()}" if c.isupper() else c for c in name).strip()
