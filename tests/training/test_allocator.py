"""glibc's malloc can be told to keep memory; elsewhere nothing happens."""

import platform
import subprocess
import sys

import pytest

PROGRAM = """
import resource
from llimba.training.allocator import keep_freed_memory
KEEP = {keep}
if KEEP:
    assert keep_freed_memory()
def faults():
    block = bytearray(64 * 2**20)
    del block
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        block = bytearray(64 * 2**20)
        block[::4096] = b"x" * len(block[::4096])
        del block
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's malloc only")
def test_memory_that_is_kept_costs_no_page_faults() -> None:
    faults = [
        int(subprocess.run([sys.executable, "-c", PROGRAM.format(keep=keep)], capture_output=True, text=True).stdout)
        for keep in (False, True)
    ]
    assert faults[1] < 0.5 * faults[0]


def test_elsewhere_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    from llimba.training import allocator

    monkeypatch.setattr(sys, "platform", "darwin")
    assert not allocator.keep_freed_memory()
