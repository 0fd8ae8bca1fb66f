"""Journals: what a writer that is killed, blocked or copied leaves for the reader."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from storage.errors import UnavailableError
from storage.journal import JournalWriter, SegmentOffset, list_segments, pending


def read_all(directory: Path) -> tuple[list[Any], int, int]:
    """Documents, bad lines and dropped documents of a journal read from its start."""
    batches = list(pending(directory, {}))
    docs = [doc for batch in batches for doc in batch.docs]
    return docs, sum(b.bad_count for b in batches), sum(b.dropped_count for b in batches)


def write(directory: Path, *docs: Any) -> Path:
    """Write documents to one finished segment and return it."""
    before = set(list_segments(directory))
    with JournalWriter(directory) as writer:
        for doc in docs:
            assert writer.append(doc)
    [made] = set(list_segments(directory)) - before
    return made


def test_documents_come_back_in_order(tmp_path: Path) -> None:
    docs = [{"n": n, "text": "a\nb\rc#\u2028"} for n in range(1000)]
    write(tmp_path, *docs)
    assert read_all(tmp_path) == (docs, 0, 0)


def test_flushed_documents_are_there_while_the_writer_lives(tmp_path: Path) -> None:
    with JournalWriter(tmp_path, flush_interval_s=60) as writer:
        writer.append("first")
        writer.flush()
        writer.append("second")
        [batch] = pending(tmp_path, {})
        assert batch.docs == ["first"]
        assert not batch.is_last


def test_reading_goes_on_behind_the_recorded_offset(tmp_path: Path) -> None:
    with JournalWriter(tmp_path, flush_interval_s=60) as writer:
        writer.append(1)
        writer.flush()
        [batch] = pending(tmp_path, {})
        known = SegmentOffset(segment=batch.segment, offset_bytes=batch.end)
        assert list(pending(tmp_path, {batch.segment: known})) == []
        writer.append(2)
        writer.flush()
        [again] = pending(tmp_path, {batch.segment: known})
        assert (again.docs, again.start) == ([2], batch.end)


def test_a_segment_is_last_only_when_its_writer_is_gone(tmp_path: Path) -> None:
    segment = write(tmp_path, 1)
    assert [batch.is_last for batch in pending(tmp_path, {})] == [False, True]
    done = SegmentOffset(segment=segment.name, done=True)
    assert list(pending(tmp_path, {segment.name: done})) == []


def test_a_torn_last_line_waits_and_is_left_out_when_the_writer_is_dead(tmp_path: Path) -> None:
    segment = write(tmp_path, "whole", "torn")
    os.truncate(segment, segment.stat().st_size - 3)
    assert read_all(tmp_path) == (["whole"], 0, 0)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data.replace(b'"two"', b'"twO"'),
        lambda data: data.replace(b'"two"', b"\0\0\0\0\0"),
        lambda data: data.replace(b'"two"', b"\xff\xfe\r\xff\xff"),
    ],
)
def test_a_damaged_line_is_counted_and_the_next_one_read(tmp_path: Path, damage: Any) -> None:
    segment = write(tmp_path, "one", "two", "three")
    segment.write_bytes(damage(segment.read_bytes()))
    assert read_all(tmp_path) == (["one", "three"], 1, 0)


def test_a_document_that_cannot_be_decoded_is_counted(tmp_path: Path) -> None:
    write(tmp_path, 1, 2)

    def decode(body: bytes) -> int:
        if body == b"1":
            raise ValueError("not today")
        return int(body)

    batches = list(pending(tmp_path, {}, decode=decode))
    assert [batch.docs for batch in batches if batch.docs] == [[2]]
    assert sum(batch.bad_count for batch in batches) == 1


def test_a_copy_under_another_name_is_not_read_again(tmp_path: Path) -> None:
    segment = write(tmp_path, "once")
    copy = tmp_path / f"9{segment.name[1:]}"
    copy.write_bytes(segment.read_bytes())
    docs, bad_count, _ = read_all(tmp_path)
    assert (docs, bad_count) == (["once"], 1)


def test_links_and_unfinished_names_are_not_segments(tmp_path: Path) -> None:
    segment = write(tmp_path, 1)
    (tmp_path / "0-link.journal").symlink_to(segment)
    (tmp_path / ".1-unnamed.journal").write_bytes(b"")
    os.mkfifo(tmp_path / "2-pipe.journal")
    assert list_segments(tmp_path) == [segment]
    assert list_segments(tmp_path / "nowhere") == []


def test_a_full_segment_is_followed_by_another(tmp_path: Path) -> None:
    with JournalWriter(tmp_path, segment_bytes=500, flush_interval_s=60) as writer:
        for n in range(30):
            writer.append({"n": n, "filler": "x" * 40})
            writer.flush()
    assert len(list_segments(tmp_path)) > 3
    assert [doc["n"] for doc in read_all(tmp_path)[0]] == list(range(30))


def test_small_batches_cut_between_lines_and_a_long_line_stays_whole(tmp_path: Path) -> None:
    docs = ["short", "x" * 5000, "short again"]
    write(tmp_path, *docs)
    batches = [b for b in pending(tmp_path, {}, batch_bytes=100) if b.docs]
    assert [doc for batch in batches for doc in batch.docs] == docs
    assert len(batches) == 2
    assert all(batch.end == batch.ends[-1] for batch in batches)


def test_a_full_spool_drops_counts_and_says_so_in_the_journal(tmp_path: Path) -> None:
    with JournalWriter(tmp_path, flush_interval_s=60, spool_bytes=200) as writer:
        taken = [writer.append("x" * 50) for _ in range(10)]
        assert taken == [True] * 3 + [False] * 7
        assert writer.dropped_count == 7
        writer.flush()
        assert writer.append("room again")
    docs, _, dropped_count = read_all(tmp_path)
    assert (len(docs), docs[-1], dropped_count) == (4, "room again", 7)


def test_documents_of_many_threads_all_arrive(tmp_path: Path) -> None:
    with JournalWriter(tmp_path, flush_interval_s=0.001) as writer:

        def report(worker: int) -> None:
            for n in range(500):
                writer.append([worker, n])

        threads = [threading.Thread(target=report, args=(each,)) for each in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    docs, bad_count, _ = read_all(tmp_path)
    assert bad_count == 0
    for worker in range(4):
        assert [n for w, n in docs if w == worker] == list(range(500))


def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UnavailableError, match="cannot start a journal"):
        JournalWriter(tmp_path / "file" / "journal")


WRITER = """
import sys
from pathlib import Path
from storage.journal import JournalWriter
writer = JournalWriter(Path(sys.argv[1]), flush_interval_s=0.001)
for n in range(10**9):
    writer.append({"n": n})
    if n % 7 == 0:
        writer.flush()
        print(n, flush=True)
"""


@pytest.mark.process
def test_whatever_a_killed_writer_flushed_is_there(tmp_path: Path) -> None:
    for turn in range(8):
        directory = tmp_path / str(turn)
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(directory)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        for _ in range(turn * 5 + 1):
            acknowledged = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        acknowledged = max([acknowledged, *map(int, process.stdout.read().split()[:-1])])
        process.wait()
        process.stdout.close()
        docs, bad_count, _ = read_all(directory)
        assert [doc["n"] for doc in docs] == list(range(len(docs)))
        assert len(docs) > acknowledged
        assert bad_count == 0
        assert list(pending(directory, {}))[-1].is_last
