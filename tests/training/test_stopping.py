"""The first signal asks, the second one ends, and the handlers of before come back."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from llimba.training.stopping import stop_requests


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_the_first_signal_asks(number: signal.Signals, caplog: pytest.LogCaptureFixture) -> None:
    before = signal.getsignal(number)
    with stop_requests() as asked:
        assert asked == []
        os.kill(os.getpid(), number)
        assert asked == [number.name]
    assert "finishing this step, then saving" in caplog.text
    assert signal.getsignal(number) == before


def test_the_second_signal_ends_at_once() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), stop_requests():
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) == before


HUNG_UP = """
import os, signal, sys
from llimba.training.stopping import stop_requests
with stop_requests() as asked:
    os.kill(os.getpid(), signal.SIGHUP)
null = os.stat(os.devnull).st_rdev
open(sys.argv[1], "w").write(f"{asked} {[os.fstat(at).st_rdev == null for at in (1, 2)]}")
print("still here", flush=True)
"""


def test_a_closed_terminal_is_written_to_no_more_and_a_file_still_is(tmp_path: Path) -> None:
    terminal, slave = os.openpty()
    for outputs, to_nothing in ((slave, [True, True]), ((tmp_path / "log").open("w"), [False, False])):
        command = [sys.executable, "-c", HUNG_UP, str(tmp_path / "said")]
        subprocess.run(command, stdout=outputs, stderr=outputs, check=True)
        assert (tmp_path / "said").read_text() == f"['SIGHUP'] {to_nothing}"
    assert (tmp_path / "log").read_text().endswith("still here\n")
    for descriptor in (terminal, slave):
        os.close(descriptor)
