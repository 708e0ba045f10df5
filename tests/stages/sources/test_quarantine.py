"""An entry names file, place and reason; a bad sample is no trouble."""

import io
import json

from llimba.stages.sources.quarantine import SAMPLE, Quarantine


def test_entries_are_counted_by_what_is_wrong_and_written() -> None:
    handle = io.StringIO()
    quarantine = Quarantine("web", handle)
    quarantine.add("a.txt", "line 3", "not UTF-8: byte 5", b"caf\xe9" * 100)
    quarantine.add("b.txt", "", "too large: 9 bytes", "\ud800")
    quarantine.add("c.txt", "", "too large: 8 bytes")
    assert quarantine.reasons == {"not UTF-8": 1, "too large": 2}
    assert quarantine.first == "a.txt, line 3: not UTF-8: byte 5"
    rows = [json.loads(line) for line in handle.getvalue().splitlines()]
    assert [row["file"] for row in rows] == ["a.txt", "b.txt", "c.txt"]
    assert rows[0]["source"] == "web"
    assert len(rows[0]["sample"]) == SAMPLE
