"""Batches change no answer: greedy at zero, the same with the same seed, in the order asked, cut at its end."""

from typing import Any

import pytest

from llimba.models.base_model import apply_contract, token_contract
from llimba.models.generate import Answer, end_ids, generate
from llimba.recipe import Tokens
from tests import ROOT
from tests.fakes import tiny_model, tiny_tokenizer

PROMPTS = ["a", "a much longer prompt", "bb", "some words", "it", "the last of them"]


@pytest.fixture
def pair() -> tuple[Any, Any]:
    model, tokenizer = tiny_model(initializer_range=0.4).eval(), tiny_tokenizer()  # wide weights: it says many things
    apply_contract(model, tokenizer, token_contract(tokenizer, Tokens()))
    return model, tokenizer


def plain(model: Any, tokenizer: Any, prompt: str, count: int) -> list[int]:
    """What transformers itself generates for one prompt, without a batch."""
    given = tokenizer(prompt, return_tensors="pt", add_special_tokens=False)
    made = model.generate(**given, max_new_tokens=count, do_sample=False)
    ids: list[int] = made[0, given["input_ids"].shape[1] :].tolist()
    return ids


def test_batches_change_no_answer_and_keep_the_order(pair: tuple[Any, Any]) -> None:
    model, tokenizer = pair
    expected = [plain(model, tokenizer, prompt, 12) for prompt in PROMPTS]
    assert len(set(map(tuple, expected))) > 3
    for size in (1, 4, 16):
        made = generate(model, tokenizer, PROMPTS, 12, batch_size=size)
        assert [answer.token_ids for answer in made] == expected
        assert [answer.text for answer in made] == tokenizer.batch_decode(expected, skip_special_tokens=True)
    ids = tokenizer(PROMPTS, add_special_tokens=False)["input_ids"]
    assert generate(model, tokenizer, ids, 12) == made
    assert generate(model, tokenizer, [], 12) == []


def test_a_tokenizer_that_begins_texts_with_a_token_of_its_own_does_not_here(pair: tuple[Any, Any]) -> None:
    from tokenizers.processors import TemplateProcessing

    model, tokenizer = pair
    expected = generate(model, tokenizer, PROMPTS, 6)
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="<|im_start|> $A", special_tokens=[("<|im_start|>", 257)]
    )
    assert tokenizer("a")["input_ids"][0] == 257
    assert generate(model, tokenizer, PROMPTS, 6) == expected


def test_the_longest_are_asked_first_and_the_bar_sees_every_batch(
    pair: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, tokenizer = pair
    batches, advanced, whole = list[list[str]](), list[int](), model.generate

    def watched(**given: Any) -> Any:
        batches.append(tokenizer.batch_decode(given["input_ids"], skip_special_tokens=True))
        return whole(**given)

    class Bar:
        def advance(self, by: int) -> None:
            advanced.append(by)

    monkeypatch.setattr(model, "generate", watched)
    generate(model, tokenizer, PROMPTS, 2, batch_size=4, bar=Bar())  # type: ignore[arg-type]
    assert batches == [["a much longer prompt", "the last of them", "some words", "bb"], ["it", "a"]]
    assert advanced == [4, 2]


def test_sampling_is_greedy_at_zero_and_the_same_with_the_same_seed(pair: tuple[Any, Any]) -> None:
    import torch

    first, again = (generate(*pair, PROMPTS, 6, temperature=0.9, seed=1) for _ in range(2))
    assert first == again
    assert first != generate(*pair, PROMPTS, 6, temperature=0.9, seed=2)
    assert generate(*pair, PROMPTS, 6, seed=1) == generate(*pair, PROMPTS, 6, seed=2)
    before = torch.get_rng_state()
    generate(*pair, PROMPTS, 6)
    assert torch.equal(torch.get_rng_state(), before), "a greedy answer draws nothing"


def test_several_samples_of_a_prompt_follow_one_another(pair: tuple[Any, Any]) -> None:
    import torch

    model, tokenizer = pair
    made = generate(model, tokenizer, PROMPTS[:2], 6, temperature=2.0, num_return_sequences=3, seed=1, batch_size=1)
    given = tokenizer(PROMPTS[1], return_tensors="pt", add_special_tokens=False)  # the longer one is asked first
    torch.manual_seed(1)
    drawn = model.generate(
        **given, max_new_tokens=6, do_sample=True, temperature=2.0, top_p=1.0, top_k=0, num_return_sequences=3
    )
    width = given["input_ids"].shape[1]
    assert [answer.text for answer in made[3:]] == tokenizer.batch_decode(drawn[:, width:], skip_special_tokens=True)
    assert len({answer.text for answer in made}) == 6


def test_beams_are_searched(pair: tuple[Any, Any]) -> None:
    model, tokenizer = pair
    given = tokenizer(PROMPTS[1], return_tensors="pt", add_special_tokens=False)
    beams = model.generate(**given, max_new_tokens=12, num_beams=3, do_sample=False)[0, given["input_ids"].shape[1] :]
    made = generate(model, tokenizer, PROMPTS, 12, num_beams=3)[1]
    assert made.text == tokenizer.decode(beams, skip_special_tokens=True)
    assert made != generate(model, tokenizer, PROMPTS, 12)[1]


def test_an_answer_says_whether_it_came_to_an_end(pair: tuple[Any, Any]) -> None:
    model, tokenizer = pair
    cut, other = generate(model, tokenizer, PROMPTS[:2], 6)
    assert not cut.stopped and not other.stopped
    model.generation_config.eos_token_id = cut.token_ids[2]  # an id alone, as some configs have it
    assert end_ids(model) == {cut.token_ids[2]}
    (ended, _) = generate(model, tokenizer, PROMPTS[:2], 6)
    assert ended == Answer(tokenizer.decode(cut.token_ids[:3]), True, cut.token_ids[:3]), "and no padding after it"


def test_a_stop_string_ends_an_answer(pair: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    model, tokenizer = pair
    newline = torch.zeros(260)
    newline[tokenizer.encode("\n", add_special_tokens=False)] = 1000.0  # all that it says then
    forward = model.forward

    def lines(*given: Any, **more: Any) -> Any:
        output = forward(*given, **more)
        output.logits = output.logits + newline
        return output

    monkeypatch.setattr(model, "forward", lines)
    assert generate(model, tokenizer, ["a"], 6)[0][:2] == ("\n" * 6, False)
    assert generate(model, tokenizer, ["a"], 6, stop_strings=["\n"])[0][:2] == ("\n", True)


def test_batches_are_padded_in_one_place() -> None:
    source = ROOT / "src" / "llimba"
    asking = {path.relative_to(source).as_posix() for path in source.rglob("*.py")
              if "odel.generate(" in path.read_text()}  # fmt: skip
    # the first is the place; one answer that streams, an encoder-decoder, and vLLM
    assert asking == {"models/generate.py", "models/streaming.py", "models/translators/nllb.py",
                      "models/translators/own_model.py"}  # fmt: skip
