"""Object files: whole or not at all, named by content, removed only when nothing needs them."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from storage.errors import DamagedError, InvalidError, NotFoundError, UnavailableError
from storage.objects import UNFINISHED_AGE_S, Objects

HOUR_S = 3600.0


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    return Objects(tmp_path / "objects")


def spoil(path: Path) -> None:
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:-1] + b"?")


def test_content_comes_back_under_its_digest(objects: Objects, tmp_path: Path) -> None:
    digest = objects.put_bytes(b"content")
    assert digest == hashlib.sha256(b"content").hexdigest()
    assert objects.path(digest) == tmp_path / "objects" / digest[:2] / digest[2:]
    assert objects.read_bytes(digest) == b"content"
    assert objects.size_bytes(digest) == 7
    with objects.open(digest) as file:
        assert file.read() == b"content"


def test_a_file_has_the_digest_of_its_bytes(objects: Objects, tmp_path: Path) -> None:
    source = tmp_path / "model.bin"
    source.write_bytes(b"x" * 3_000_001)
    digest = objects.put_file(source)
    assert digest == objects.put_bytes(b"x" * 3_000_001)
    assert list(objects) == [digest]
    assert source.exists()


def test_equal_documents_are_one_object(objects: Objects) -> None:
    digest = objects.put_json({"b": 1, "a": [1.5, None]})
    assert objects.put_json({"a": [1.5, None], "b": 1}) == digest
    assert objects.read_json(digest) == {"a": [1.5, None], "b": 1}


def test_an_object_cannot_be_written_to(objects: Objects) -> None:
    path = objects.path(objects.put_bytes(b"fixed"))
    assert path.stat().st_mode & 0o777 == 0o400


@pytest.mark.parametrize("digest", ["", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 64 + "\n"])
def test_what_is_not_a_digest_never_becomes_a_path(objects: Objects, digest: str) -> None:
    with pytest.raises(InvalidError, match="not a digest"):
        objects.path(digest)


def test_a_missing_object_is_named(objects: Objects) -> None:
    digest = "0" * 64
    assert not objects.has(digest)
    for call in (objects.open, objects.read_bytes, objects.verify, objects.size_bytes):
        with pytest.raises(NotFoundError, match=digest):
            call(digest)


def test_a_changed_object_is_refused(objects: Objects) -> None:
    digest = objects.put_json({"a": 1})
    objects.verify(digest)
    spoil(objects.path(digest))
    for call in (objects.verify, objects.read_bytes, objects.read_json):
        with pytest.raises(DamagedError, match="does not match its name"):
            call(digest)


def test_only_old_objects_nothing_refers_to_are_removed(objects: Objects) -> None:
    kept, free = objects.put_bytes(b"kept"), objects.put_bytes(b"free")
    now_s = time.time()
    young = objects.remove_except({kept}, now_s=now_s, dry_run=False)
    assert (young.object_count, young.kept_count) == (0, 2)
    for dry_run in (True, False):
        found = objects.remove_except({kept}, now_s=now_s + 2 * HOUR_S, dry_run=dry_run)
        assert (found.object_count, found.size_bytes, found.kept_count) == (1, 4, 1)
        assert objects.has(free) is dry_run
    assert objects.has(kept)


def test_writing_an_old_object_again_protects_it(objects: Objects) -> None:
    digest = objects.put_bytes(b"again")
    os.utime(objects.path(digest), (0, 0))
    objects.put_bytes(b"again")
    assert objects.remove_except((), now_s=time.time(), dry_run=False).object_count == 0


def test_what_a_crash_left_goes_when_it_is_old(objects: Objects) -> None:
    objects.put_bytes(b"other")
    leftover = objects.root / "unfinished-1-ab"
    leftover.write_bytes(b"half")
    soon, late = time.time() + HOUR_S, time.time() + UNFINISHED_AGE_S + 1
    assert objects.remove_except(set(objects), now_s=soon, dry_run=False).unfinished_count == 0
    assert objects.remove_except(set(objects), now_s=late, dry_run=False).unfinished_count == 1
    assert not leftover.exists()


def test_a_failed_write_leaves_nothing(objects: Objects, tmp_path: Path) -> None:
    objects.put_bytes(b"x")
    with pytest.raises(NotFoundError, match="cannot keep"):
        objects.put_file(tmp_path / "nowhere")
    assert [path.name for path in objects.root.iterdir() if path.is_file()] == []
    (tmp_path / "file").write_text("")
    with pytest.raises(UnavailableError, match="cannot keep 1 bytes in"):
        Objects(tmp_path / "file" / "objects").put_bytes(b"x")


WRITER = """
import sys
from pathlib import Path
from storage.objects import Objects
objects = Objects(Path(sys.argv[1]))
for n in range(10**9):
    print(objects.put_bytes(b"%d" % n * 100_000), flush=True)
"""


@pytest.mark.process
def test_killed_writers_leave_only_whole_objects(objects: Objects) -> None:
    acknowledged: set[str] = set()
    for turn in range(6):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(objects.root)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        for _ in range(3 * turn + 1):
            acknowledged.add(process.stdout.readline().strip())
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    assert acknowledged <= set(objects)
    for digest in objects:
        objects.verify(digest)
