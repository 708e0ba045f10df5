"""The first signal asks, the second one ends, and the handlers of before come back."""

import os
import signal

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
