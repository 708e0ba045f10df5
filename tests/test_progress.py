"""In a log, long work says a line now and then, with rate and time left."""

import io

import pytest
from rich.console import Console

from llimba import progress


def test_a_log_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    clock = iter(range(0, 1000, 6))
    monkeypatch.setattr(progress, "console", Console(file=out, width=200))
    monkeypatch.setattr(progress.time, "monotonic", lambda: float(next(clock)))
    with progress.bar("cpt", 100, "tokens") as bar:
        bar.resume_at(10)
        for _ in range(4):
            bar.advance(20, "loss 2.1")
    lines = out.getvalue().splitlines()
    assert 1 <= len(lines) < 4
    assert lines[0].startswith("cpt: ")
    assert "/100 tokens" in lines[0]
    assert "loss 2.1" in lines[0]
    assert "s left" in lines[0]


def test_a_terminal_gets_a_bar_that_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(progress, "console", Console(file=out, force_terminal=True, width=120))
    monkeypatch.setattr(progress.sys.stderr, "isatty", lambda: True, raising=False)
    with progress.bar("sft", 10, "tokens") as bar:
        bar.advance(5)
    assert "sft" in out.getvalue()


def test_more_work_than_was_thought_is_never_less_than_none_left(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    clock = iter(range(0, 1000, 20))
    monkeypatch.setattr(progress, "console", Console(file=out, width=200))
    monkeypatch.setattr(progress.time, "monotonic", lambda: float(next(clock)))
    with progress.bar("cpt", 10, "texts") as bar:
        bar.advance(13)
    assert "13/13 texts" in out.getvalue()
    assert " 0 s left" in out.getvalue()
