"""Lines of ink: cut, padded and wrapped by cells; text in them is never markup."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from console.text import cells
from console.tui.ink import Line, both, join


def test_foreign_text_in_a_line_is_clean_and_is_not_markup() -> None:
    line = Line("\x1b[31m", ("[@click=app.quit]x[/]", "quiet"))
    assert line.plain == "�[31m[@click=app.quit]x[/]"


def test_a_cut_line_ends_in_an_ellipsis_in_the_ink_it_cut() -> None:
    line = Line(("recall", "bright"), (" straddles", "quiet")).cut(9)
    assert line.spans == (("recall", "bright"), (" s…", "quiet"))


def test_the_right_part_keeps_its_place_when_the_left_one_is_too_long() -> None:
    assert both("a long name of a thing", "12 min", 16).plain == "a long …  12 min"


def test_a_number_with_spaces_is_not_broken() -> None:
    shown = [line.plain for line in Line("about 136 000 more judged rows").wrap(10)]
    assert shown == ["about", "136 000", "more", "judged", "rows"]


def test_wrapping_keeps_every_ink() -> None:
    first, second = Line("meets it with ", ("0.88", "bright bold"), " now").wrap(15, indent=2)
    assert first.spans == (("meets ", "ink"), ("it ", "ink"), ("with", "ink"))
    assert second.plain == "  0.88 now"
    assert ("0.88", "bright bold") in second.spans


@given(st.text(max_size=60), st.integers(min_value=2, max_value=20))
def test_wrapped_lines_fit_and_lose_no_letter(foreign: str, width: int) -> None:
    line = Line(foreign)
    rows = line.wrap(width)
    assert all(row.width <= width for row in rows)
    assert "".join("".join(row.plain for row in rows).split()) == "".join(line.plain.split())


@given(st.text(max_size=30), st.integers(min_value=0, max_value=20))
def test_padding_gives_exactly_the_width(foreign: str, width: int) -> None:
    for line in (Line(foreign).pad(width), Line(foreign).pad(width, "right")):
        assert line.width == sum(cells(text) for text, _ in line.spans) == width


def test_a_joined_line_keeps_the_parts() -> None:
    assert join(["a", ("b", "quiet"), Line("c")], " · ").plain == "a · b · c"
