"""glibc's malloc can be told to keep memory; elsewhere nothing happens."""

import platform
import subprocess
import sys

import pytest

PROGRAM = """
import resource
from llimba.training.allocator import FreedMemory
KEEP = {keep}
if KEEP:
    assert FreedMemory("cpu", bound=2**40).kept
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


GAPS = """
from llimba.training.peak_memory import resident
from llimba.training.allocator import FreedMemory
freed = FreedMemory("cpu", bound=2**40)
blocks = [bytearray(b"x" * 2**20) for _ in range(200)]
del blocks[::2], blocks[:50]  # gaps between what is still used
before = resident()
freed.after_step()
between = resident()
freed.bound = before
freed.after_step()
print(before - between, before - resident())
freed.end()
large = bytearray(b"x" * 2**28)
before = resident()
del large
print(before - resident())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's malloc only")
def test_gaps_are_given_back_beyond_the_bound() -> None:
    done = subprocess.run([sys.executable, "-c", GAPS], capture_output=True, text=True)
    kept, given, at_once = map(int, done.stdout.split())
    assert kept < 2**20 and given > 50 * 2**20, done.stderr
    assert at_once > 2**27, "after the end large blocks go back as soon as they are freed, as in any process"


def test_elsewhere_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    from llimba.training import allocator

    monkeypatch.setattr(sys, "platform", "darwin")
    assert not allocator.FreedMemory("cpu", bound=0).kept


def test_a_gpu_is_left_alone() -> None:
    from llimba.training import allocator

    freed = allocator.FreedMemory("cuda", bound=0)
    assert not freed.kept
    freed.after_step()
