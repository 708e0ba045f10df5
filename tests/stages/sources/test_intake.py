"""An entry names file, place and reason; a bad sample is no trouble."""

import io
import json

from llimba.stages.sources.intake import SAMPLE
from tests.fakes import intake


def test_entries_are_counted_by_what_is_wrong_and_written() -> None:
    reading = intake(name="web")
    reading.quarantine_file = handle = io.StringIO()
    reading.quarantine("a.txt", "line 3", "not UTF-8: byte 5", b"caf\xe9" * 100)
    reading.quarantine("b.txt", "", "too large: 9 bytes", "\ud800")
    reading.quarantine("c.txt", "", "too large: 8 bytes")
    assert reading.quarantined == {"not UTF-8": 1, "too large": 2}
    assert reading.first_quarantined == "a.txt, line 3: not UTF-8: byte 5"
    rows = [json.loads(line) for line in handle.getvalue().splitlines()]
    assert [row["file"] for row in rows] == ["a.txt", "b.txt", "c.txt"]
    assert rows[0]["source"] == "web"
    assert len(rows[0]["sample"]) == SAMPLE
