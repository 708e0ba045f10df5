"""No sentence is translated twice, whatever kills the run."""

import signal
import subprocess
import sys
from pathlib import Path

from llimba.stages.instruct.cache import TranslationCache
from tests import ROOT
from tests.models.translators.engines import Backwards

SENTENCES = [f"sentence number {index}" for index in range(10)]

DIES = """
import os, signal, sys
from pathlib import Path
from llimba.stages.instruct.cache import TranslationCache
from tests.models.translators.engines import Backwards
from tests import ROOT

class Dies(Backwards):
    def translate(self, sentences):
        if len(self.calls) == 6:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().translate(sentences)

TranslationCache(Path(sys.argv[1]), Dies()).translate([f"sentence number {i}" for i in range(10)])
"""


def test_a_killed_run_leaves_its_sentences(tmp_path: Path) -> None:
    died = subprocess.run([sys.executable, "-c", DIES, str(tmp_path)], cwd=ROOT, capture_output=True)
    assert died.returncode == -signal.SIGKILL
    engine = Backwards()
    cache = TranslationCache(tmp_path, engine)
    advanced: list[int] = []
    found = cache.translate(SENTENCES, advanced.append)
    assert advanced == [6, 3, 1]  # what was there, and batch by batch
    assert engine.calls == SENTENCES[6:]  # two batches of three were kept
    assert (cache.made, cache.found) == (4, 6)
    assert [found[sentence].text for sentence in SENTENCES[:2]] == ["ecnetnes rebmun 0", "ecnetnes rebmun 1"]


def test_another_setting_has_a_cache_of_its_own(tmp_path: Path) -> None:
    for engine in (Backwards(), Backwards(num_beams=4)):
        TranslationCache(tmp_path, engine).translate(["one", "one", "two"])
        assert engine.calls == ["one", "two"]
    again = Backwards()
    TranslationCache(tmp_path, again).translate(["two", "one"])
    assert again.calls == []
    assert len(list(tmp_path.glob("*.sqlite"))) == 2
