"""What a terminal leaves of printed lines, and the progress in them."""

from __future__ import annotations

import pytest

from console.rules.terminal_lines import last_state, progress_of


@pytest.mark.parametrize(
    ("line", "done", "total", "shown"),
    [
        (" 37%|███▋      | 37/100 [00:11<00:19]", 37, 100, "37/100 [00:11<00:19]"),
        ("Epoch 3/20", 3, 20, "Epoch 3/20"),
        ("12/1875 [.........] - loss: 0.3", 12, 1875, "12/1875 - loss: 0.3"),
        ("[=====>    ] 50%", 50, 100, "50%"),
        ("wrote 50 of 200 rows", 50, 200, "wrote 50 of 200 rows"),
        ("2024-01-02 10:00:00 INFO ready", 0, 0, "2024-01-02 10:00:00 INFO ready"),
        ("23:10/23:20 is no progress", 0, 0, "23:10/23:20 is no progress"),
        ("\x1b[32m 5%\x1b[0m done", 5, 100, "done"),
        ("250% more, 300/200", 0, 0, "250% more, 300/200"),
    ],
)
def test_progress_is_read_from_what_a_program_prints(
    line: str, done: float, total: float, shown: str
) -> None:
    for tail in (f"before\n{line}", f"1/3\r2/3\r{line}\r", f"{line}\n\n"):
        found = progress_of(tail)
        assert found is not None
        assert (found.done, found.total, found.text) == (done, total, shown)


def test_nothing_printed_is_no_progress() -> None:
    assert progress_of("") is None
    assert progress_of(" \n\n") is None


def test_colours_and_titles_are_left_out() -> None:
    assert last_state("\x1b]0;title\x07\x1b[1;31mred\x1b[0m") == "red"
    assert last_state("\x1b[2K\rgone\r") == "gone"
