"""A parser that fails, dies or hangs costs its file; the next one is read."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from llimba.errors import StageError
from llimba.stages.sources.isolated import Extractor
from llimba.stages.sources.unsafe import Unsafe
from tests.stages.sources.test_epub import PROSE, book
from tests.stages.sources.test_extract import PAGE
from tests.stages.sources.test_pdf import paper


def test_every_kind_is_read_in_the_other_process() -> None:
    with Extractor() as extractor:
        assert PROSE[0] in extractor.read("html", PAGE).text
        assert extractor.read("epub", book()).text.startswith("Unu")
        assert "Su sole" in extractor.read("pdf", paper()).text
        with pytest.raises(Unsafe, match="cut short"):
            extractor.read("pdf", b"%PDF-1.4 nothing")
        with pytest.raises(Unsafe, match="broken file: BadZipFile"):
            extractor.read("epub", b"PK nothing")
        assert "Su sole" in extractor.read("pdf", paper()).text


def test_a_parser_that_dies_or_hangs_is_started_again() -> None:
    with Extractor(seconds=60) as extractor:
        extractor.read("pdf", paper())
        first = extractor._process
        assert first is not None
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
        assert "Su sole" in extractor.read("pdf", paper()).text
        second = extractor._process
        assert second is not None
        os.kill(second.pid, signal.SIGSTOP)
        extractor._seconds = 0.2
        with pytest.raises(Unsafe, match="parser hung"):
            extractor.read("pdf", paper())
        extractor._seconds = 60
        assert "Su sole" in extractor.read("pdf", paper()).text
        assert extractor._process is not second


def test_a_missing_package_is_no_fault_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pdfminer.py").write_text("raise ImportError('no pdfminer here')")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}")
    with Extractor() as extractor, pytest.raises(StageError, match=r"pdf cannot be read: no pdfminer here\. Install"):
        extractor.read("pdf", paper())


STOPPED = """
import os, signal, sys
from llimba.stages.sources.isolated import Extractor
page = sys.stdin.buffer.read()
with Extractor(seconds=2) as extractor:
    extractor.read("html", page)
    os.kill(extractor._process.pid, signal.SIGSTOP)
    print(extractor._process.pid, flush=True)
    print(len(extractor.read("html", page).text), flush=True)
"""


def test_a_run_that_was_stopped_with_its_parser_does_not_take_it_for_one_that_hangs(tmp_path: Path) -> None:
    (tmp_path / "page").write_bytes(PAGE)
    command = [sys.executable, "-c", STOPPED]
    with (tmp_path / "page").open("rb") as page, subprocess.Popen(
        command, stdin=page, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:  # fmt: skip
        assert process.stdout is not None and process.stderr is not None
        parser = int(process.stdout.readline())
        time.sleep(0.5)
        process.send_signal(signal.SIGSTOP)
        time.sleep(4)  # twice what a parser is given
        os.kill(parser, signal.SIGCONT)
        process.send_signal(signal.SIGCONT)
        said, complaint = process.communicate(timeout=60)
    assert said.strip().isdigit(), complaint
