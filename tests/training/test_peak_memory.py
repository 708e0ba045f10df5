"""The high-water mark sees what was held and given back; what is resident now does not."""

import subprocess
import sys

import pytest

# in a process of its own: the training tests tell malloc to keep what is freed, and this one needs it given back
PROGRAM = """
from llimba.training import peak_memory
peak_memory.reset()
before, now = peak_memory.read(), peak_memory.resident()
held = bytearray(300 * 2**20)
held[::4096] = b"x" * len(held[::4096])
holding = peak_memory.resident() - now
del held
high = peak_memory.read() - before
peak_memory.reset()
print(high, peak_memory.read() - before, holding, peak_memory.resident() - now)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the mark can be reset on Linux only")
def test_the_mark_is_reset_and_rises() -> None:
    result = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    high, after, holding, now = map(int, result.stdout.split())
    assert 250 * 2**20 < high < 400 * 2**20
    assert after < 100 * 2**20
    assert 250 * 2**20 < holding < 400 * 2**20
    assert now < 100 * 2**20
