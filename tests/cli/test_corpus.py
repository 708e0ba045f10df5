"""`llimba corpus report` says on the terminal what came of the files, the first of each outcome by name."""

import pytest

from llimba.cli.corpus import SAID, _say_files


def row(outcome: str, file: str, *why: str) -> dict[str, object]:
    return {"outcome": outcome, "file": file, "source": "mine", "why": list(why)}


def test_outcomes_and_the_first_reasons(capsys: pytest.CaptureFixture[str]) -> None:
    scans = [row("set apart", f"{number}.pdf", "scanned: run OCR") for number in range(SAID + 2)]
    _say_files({"outcomes": {"set apart": SAID + 2, "kept": 9}, "files": [*scans, row("kept", "a.txt")]})
    said = " ".join(capsys.readouterr().out.split())
    assert said.startswith(f"files: {SAID + 2} set apart, 9 kept")
    assert "set apart: 0.pdf (mine): scanned: run OCR" in said
    assert f"{SAID}.pdf" not in said
    assert "set apart: 2 more, on the page" in said
    assert "a.txt" not in said
