"""Base models side by side: scored as evaluate scores, kept when killed, refused or recommended with a reason."""

import math
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional as F

from llimba.errors import LlimbaError
from llimba.files import read_json
from llimba.pipeline import choosing
from llimba.pipeline.candidate_scores import Scored, _lines
from llimba.pipeline.choosing import choose, decide, vocabulary
from llimba.reports.training_facts import Differences, Forward
from llimba.stages.evaluate.metrics import Likelihood
from tests.fakes import recipe, recipe_content, save_tiny_model, tiny_tokenizer, write_text
from tests.reports.candidates import candidate, fit, score

NAMES = {"sc": "Sardinian", "it": "Italian", "en": "English"}


@pytest.fixture
def ready(tmp_path: Path) -> Path:
    write_text(tmp_path)
    save_tiny_model(tmp_path / "base", 1)
    save_tiny_model(tmp_path / "other", 2)
    return tmp_path


def test_candidates_are_scored_as_evaluate_scores_them(ready: Path) -> None:
    from llimba.pipeline.evaluation import evaluate_model

    found = choose(recipe(ready), [str(ready / "other")], ready / "runs", None)
    assert [one.name for one in found.choice.candidates] == ["tests/tiny", str(ready / "other")]
    assert {one.training for one in found.choice.candidates} == {"a call a row"}
    scores = evaluate_model(str(ready / "other"), recipe(ready), ready / "runs", None).scores().systems["model"]
    for code, bits in scores.bits_per_byte.items():
        ours = found.choice.candidates[1].languages[code]
        assert ours.bits_per_byte == pytest.approx(bits.value, abs=2e-4)
        assert (ours.bytes, ours.lines) == (bits.bytes, 3)
        assert ours.low < ours.bits_per_byte < ours.high
        assert ours.tokens_per_word == pytest.approx(bits.tokens / scored_words(ready, code), abs=1e-3)
    assert found.picture is not None
    assert found.picture.read_bytes().startswith(b"\x89PNG")
    assert read_json(found.folder / "choice.json")["recommended"] == found.choice.recommended


def scored_words(folder: Path, code: str) -> int:
    from llimba.stages.folders import CorpusFolder

    (corpus,) = (path for path in (folder / "runs" / "corpus").iterdir() if path.is_dir())
    return sum(len(one.text.split()) for one in CorpusFolder(corpus).held_out() if one.language == code)


def test_a_killed_choice_continues_with_what_was_scored(ready: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[str] = []
    right = choosing.measure

    def counted(section: Any, *rest: Any) -> Scored:
        if len(measured) == 1 and section.name not in measured:
            measured.append("killed")
            raise KeyboardInterrupt
        measured.append(section.name)
        return right(section, *rest)

    monkeypatch.setattr(choosing, "measure", counted)
    other = str(ready / "other")
    with pytest.raises(KeyboardInterrupt):
        choose(recipe(ready), [other], ready / "runs", None)
    choose(recipe(ready), [other], ready / "runs", None)
    assert measured == ["tests/tiny", "killed", other]
    choose(recipe(ready), [other], ready / "runs", "rtx4090")
    assert len(measured) == 3
    save_tiny_model(ready / "other", 3)  # other weights under the same name are another model
    choose(recipe(ready), [other], ready / "runs", None)
    assert measured[3:] == [other]


def test_what_cannot_be_loaded_is_a_candidate_with_its_reason(ready: Path) -> None:
    broken, odd = ready / "broken", ready / "odd"
    shutil.copytree(ready / "base", broken)
    (broken / "model.safetensors").write_bytes(b"nothing")
    shutil.copytree(ready / "base", odd)
    (odd / "config.json").write_text('{"model_type": "no-such-architecture"}')
    found = choose(recipe(ready), [str(broken), str(odd), str(ready / "other")], ready / "runs", None)
    base, first, second, other = found.choice.candidates
    assert (first.training, second.training) == ("not loaded", "refused")
    assert "no-such-architecture" in second.reason
    assert first.parameters == base.parameters
    assert base.languages and other.languages and not first.languages
    assert found.choice.recommended in ("tests/tiny", str(ready / "other"))


def test_a_hub_id_that_cannot_be_fetched_is_not_the_end(ready: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub
    from huggingface_hub.errors import LocalEntryNotFoundError

    def offline(*_: object, **__: object) -> str:
        raise LocalEntryNotFoundError("no network")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", offline)
    found = choose(recipe(ready), ["no/such-model"], ready / "runs", None)
    assert found.choice.recommended == "tests/tiny"
    assert found.choice.candidates[1].training == "not loaded"
    assert "no/such-model cannot be fetched" in found.choice.candidates[1].reason


def test_a_model_that_cannot_be_trained_is_refused_with_what_differs(
    ready: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from llimba.training import forward_check

    monkeypatch.setattr(forward_check, "_fault", lambda *_: "the gradient is off by 0.3")
    (only,) = choose(recipe(ready), [], ready / "runs", None).choice.candidates
    assert only.training == "refused"
    assert "the gradient is off by 0.3" in only.reason


def test_a_folder_may_be_called_what_its_licence_is_known_by(ready: Path) -> None:
    named = choose(recipe(ready), [f"google/gemma-3-270m={ready / 'other'}"], ready / "runs", None, base=False)
    (only,) = named.choice.candidates
    assert (only.name, only.license, only.objection) == ("google/gemma-3-270m", "gemma", "")
    (ready / "other" / "README.md").write_text("---\nlicense: mit\n---\n# A model\n")
    (only,) = choose(
        recipe(ready), [f"Qwen/Qwen2.5-3B={ready / 'other'}"], ready / "runs", None, base=False
    ).choice.candidates
    assert (only.license, only.license_difference) == ("qwen-research", "declared mit, published as qwen-research")
    assert "restricted" in only.objection
    (plain,) = choose(recipe(ready), [str(ready / "other")], ready / "runs", None, base=False).choice.candidates
    assert plain.license == "MIT"


def test_faults(ready: Path) -> None:
    with pytest.raises(LlimbaError, match="there is no candidate"):
        choose(recipe(ready), [], ready / "runs", None, base=False)
    with pytest.raises(LlimbaError, match="there is no folder nowhere"):
        choose(recipe(ready), ["a/b=nowhere"], ready / "runs", None)
    with pytest.raises(LlimbaError, match="not a card that llimba knows"):
        choose(recipe(ready), [], ready / "runs", "rtx1")
    silent = recipe(ready, evaluate={**recipe_content(ready)["evaluate"], "languages": ["it"]})
    with pytest.raises(LlimbaError, match=r"evaluate\.languages does not name 'sc'"):
        choose(silent, [], ready / "runs", None)
    assert not (ready / "runs" / "choices").exists()


def test_a_line_gets_the_tokens_that_end_in_it() -> None:
    tokenizer = tiny_tokenizer()  # a token a byte
    text = "aà\n\nbc"
    lines = _lines(text, [1.0] * 7, tokenizer)
    assert [(-line.nats, line.bytes, line.tokens) for line in lines] == [(4, 4, 4), (1, 1, 1), (2, 2, 2)]
    ended = _lines(text, [1.0] * 7 + [0.5], tokenizer)  # an end mark that is predicted too
    assert [-line.nats for line in ended] == [4, 1, 2.5]
    begun = _lines(text, [1.0] * 6, tokenizer)  # the first token is not predicted
    assert [-line.nats for line in begun] == [3, 1, 2]


def test_the_lines_of_a_text_add_up_to_the_models_own_loss(ready: Path) -> None:
    from transformers import AutoModelForCausalLM

    found = choose(recipe(ready), [], ready / "runs", None)
    (kept,) = found.folder.glob("tests-tiny-*.json")
    scored = Scored.model_validate(read_json(kept))
    model, tokenizer = AutoModelForCausalLM.from_pretrained(ready / "base").eval(), tiny_tokenizer()
    (corpus,) = (path for path in (ready / "runs" / "corpus").iterdir() if path.is_dir())
    from llimba.stages.folders import CorpusFolder

    for language in ("sc", "it"):
        (document,) = (one for one in CorpusFolder(corpus).held_out() if one.language == language)
        start = tokenizer.convert_tokens_to_ids("<|endoftext|>")
        ids = torch.tensor([[start, *tokenizer(document.text, add_special_tokens=False)["input_ids"]]])
        with torch.no_grad():
            own = F.cross_entropy(model(ids).logits[0, :-1], ids[0, 1:], reduction="sum")
        assert -sum(line.nats for line in scored.lines[language]) == pytest.approx(own.item(), rel=1e-4)
        assert sum(line.bytes for line in scored.lines[language]) == len(document.text.encode())


def store(**bits: list[float]) -> dict[str, Scored]:
    """What was scored, by name: the bits of every line of 10 bytes in the target language."""
    same = dict.fromkeys(("states", "loss", "gradient", "packed", "neighbour_changed"), 0.0)
    forward = Forward(one_by_one=False, reason="", differences=Differences(tokens=1, **same))
    texts = {name: [Likelihood(-one * math.log(2), 10, 1) for one in lines] for name, lines in bits.items()}
    return {name: Scored(parameters=1, forward=forward, lines={"sc": of}, words={}) for name, of in texts.items()}


def test_the_lowest_that_fits_and_may_be_used_is_recommended(tmp_path: Path) -> None:
    loaded = recipe(tmp_path)
    near = [20.0, 21.0, 19.0, 22.0] * 5
    lines = store(a=near, b=[one + 5 for one in near], c=near, d=near)
    barred, large = (
        candidate("c", 1.0, objection="it is for research"),
        candidate("d", 1.5, full=fit(30), adapter=fit(25)),
    )
    found = decide([candidate("b", 2.5), barred, candidate("a", 2.0), large], lines, loaded, "RTX 4090")
    assert found.recommended == "a"
    assert found.reason == (
        "a has the lowest bits per byte of Sardinian (2.000), 0.500 to 0.500 less than b, of those that can be "
        "trained, fit the card and may be used; c has less (1.000), but it is for research"
    )
    found = decide([candidate("b", 2.5), large], lines, loaded, "RTX 4090")
    assert found.recommended == "b"
    assert "d has less (1.500), but it does not fit RTX 4090" in found.reason
    adapters = candidate("d", 1.5, full=fit(30), adapter=fit(20))
    assert decide([candidate("b", 2.5), adapters], lines, loaded, "c").recommended == "d"
    assert decide([barred], lines, loaded, "c").recommended is None


def test_two_that_the_text_cannot_distinguish(tmp_path: Path) -> None:
    one, other = [20.0, 25.0] * 10, [25.0, 20.1] * 10
    found = decide([candidate("a", 2.25), candidate("b", 2.255)], store(a=one, b=other), recipe(tmp_path), "c")
    assert found.reason.endswith("but this text cannot distinguish it from b")


@pytest.mark.parametrize(
    ("ours", "said"),
    [
        (2.12, "is not worth it (Sardinian takes 2.12 tokens a word, 1.15 times the 1.85 of Italian"),
        (3.7, "may be worth it: try it (Sardinian takes 3.70 tokens a word, 2.00 times the 1.85 of Italian"),
    ],
)
def test_whether_a_larger_vocabulary_is_worth_it(ours: float, said: str) -> None:
    languages = {"sc": score(3.0, ours), "it": score(1.0, 1.85), "en": score(1.0, 1.2)}
    assert said in vocabulary(candidate("a", languages=languages), "sc", ["it", "es"], NAMES)
    distant = {"sc": score(3.0, ours), "en": score(1.0, 1.2)}
    assert "of English" in vocabulary(candidate("a", languages=distant), "sc", ["it"], NAMES)
    alone = candidate("a", languages={"sc": score(3.0)})
    assert "needs a second language" in vocabulary(alone, "sc", ["it"], NAMES)
