"""The high-water mark sees what was held and given back."""

import sys

import pytest

from llimba import peak_memory


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the mark can be reset on Linux only")
def test_the_mark_is_reset_and_rises() -> None:
    peak_memory.reset()
    before = peak_memory.read()
    held = bytearray(300 * 2**20)
    held[::4096] = b"x" * len(held[::4096])
    del held
    assert 250 * 2**20 < peak_memory.read() - before < 400 * 2**20
    peak_memory.reset()
    assert peak_memory.read() - before < 100 * 2**20
