"""A language that is not written in Latin letters: from `llimba new` through sources and corpus, nothing lost."""

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from llimba import cli
from llimba.files import read_json, read_jsonl
from llimba.languages.characters import normalize
from llimba.languages.next_language.facts import facts
from llimba.languages.profile import load_language
from llimba.languages.text import words
from llimba.stages.corpus.quality import judge
from tests.fakes import save_tiny_model
from tests.scripts import SENTENCES

ENGLISH = [
    "In the morning the sun rises from behind the mountains and the village wakes up.",
    "My grandmother sits in the yard, bakes bread and sings.",
    "The children play by the river but do not go into the water.",
    "The farmer sows wheat in his field and waits for rain.",
    "Did you see fresh vegetables at the market today?",
    "In the evening everyone lights a lamp and eats together.",
]


def llimba(*arguments: str) -> str:
    result = CliRunner().invoke(cli.app, list(arguments))
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize("asked", ["hin", "tam", "amh", "hye", "fas", "tha"])
def test_the_profile_that_is_written_lets_a_good_page_through(asked: str, tmp_path: Path) -> None:
    llimba("new", asked, "--folder", str(tmp_path))
    profile = load_language(str(tmp_path / f"{facts(asked).code}-profile.yaml"))
    page = "\n".join(SENTENCES[asked])
    assert normalize(page, profile.apostrophe) == page
    assert judge(page, profile.quality, profile.alphabet) is None
    rejection = judge(f"{page}\n{' '.join(ENGLISH)}", profile.quality, profile.alphabet)
    assert rejection is not None and rejection.rule == "foreign letters"


@pytest.mark.parametrize(("asked", "said"), [("hin", "उसने हमें बताया कि {}"), ("tha", "เขาบอกเราว่า{}จริงๆ")])
def test_from_sources_to_cpt_nothing_is_lost(
    asked: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole way on a tiny model: every letter kept, the scored sentence found inside a longer line."""
    monkeypatch.chdir(tmp_path)
    llimba("new", asked, "--folder", "home")
    code, other = facts(asked).code, facts(asked).replay[0].code
    *prose, scored = SENTENCES[asked]
    texts = tmp_path / "home" / "texts"
    texts.mkdir()
    (texts / f"{code}.txt").write_text(f"{scored}\n", encoding="utf-8")
    (texts / f"{other}.txt").write_text(f"{ENGLISH[-1]}\n", encoding="utf-8")
    (texts / "page.txt").write_text("\n".join([*prose, said.format(scored)]) + "\n", encoding="utf-8")
    path = tmp_path / "home" / f"{code}.yaml"
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    content["sources"]["mine"] |= {"role": "evaluate", "documents": [], "license": "CC0-1.0"}
    content["sources"]["page"] = {"kind": "local", "path": "texts/page.txt", "language": code, "license": "CC0-1.0"}
    content["base_model"] = {"name": "tests/tiny", "license": "mit", "folder": str(save_tiny_model(tmp_path / "base"))}
    content["cpt"] |= {"mixture": {code: 1.0}, "max_tokens": 2000, "precision": "fp32"}
    del content["publish"]
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    llimba("run", str(path), "--until", "cpt")
    (corpus,) = (path.parent for path in (tmp_path / "runs" / "corpus").glob("*/manifest.json"))
    (kept,) = read_jsonl(corpus / "documents.jsonl")
    assert kept["text"].split("\n") == prose
    (hit,) = read_jsonl(corpus / "contamination.jsonl")
    assert hit["line"] == said.format(scored)
    found = read_json(corpus / "manifest.json")["facts"]
    assert found["words"]["train"] == {code: len(words("\n".join(prose)))}
    (trained,) = (path.parent for path in (tmp_path / "runs" / "cpt").glob("*/manifest.json"))
    assert read_json(trained / "manifest.json")["facts"]["steps"] > 0
