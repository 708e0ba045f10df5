"""Answers of a causal model to many prompts: the one place that pads a batch for transformers' `generate`.

An answer that streams (`streaming.py`), an encoder-decoder (`translators/nllb.py`) and vLLM are made otherwise.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from llimba import progress
from llimba.models.encoding import text_ids

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

BATCH = 16  # prompts answered at once; fixed, so that a rerun makes the same batches


class Answer(NamedTuple):
    """What the model generated for a prompt, and whether it ended by itself within the tokens allowed."""

    text: str  # without special tokens
    stopped: bool  # at an end token or a stop string
    token_ids: Sequence[int] = ()  # up to the end token, which is the last of them


def generate(
    model: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerBase",
    prompts: Sequence[str | Sequence[int]],
    max_new_tokens: int,
    *,
    batch_size: int = BATCH,
    temperature: float = 0.0,
    num_beams: int = 1,
    num_return_sequences: int = 1,
    stop_strings: Sequence[str] = (),
    seed: int | None = None,
    begin: bool = False,
    bar: progress.Bar | None = None,
) -> list[Answer]:
    """`num_return_sequences` answers to each prompt, one prompt after another; greedy at temperature 0.

    A prompt is token ids, or text that the chat template wrote; with `begin` it is plain text, which begins as the
    tokenizer begins one (BOS). Batches are made longest first, of `batch_size` prompts padded on the left. The end
    tokens are those of the generation config. The same `seed` gives the same samples on the same machine; None leaves
    torch's generator as it is.
    """
    import torch

    how = sampling(temperature) | {"num_beams": num_beams, "num_return_sequences": num_return_sequences}
    if stop_strings:
        how |= {"stop_strings": list(stop_strings), "tokenizer": tokenizer}
    if seed is not None:
        torch.manual_seed(seed)
    ends, padded = end_ids(model), model.generation_config.pad_token_id
    pad = padded or 0  # masked, so any token will do
    answers: dict[int, list[Answer]] = {}
    ranked = sorted(range(len(prompts)), key=lambda place: -len(prompts[place]))
    for start in range(0, len(ranked), batch_size):
        places = ranked[start : start + batch_size]
        batch = [_ids(tokenizer, prompts[place], begin) for place in places]
        width = max(map(len, batch))
        made = model.generate(
            input_ids=torch.tensor([[pad] * (width - len(ids)) + ids for ids in batch], device=model.device),
            attention_mask=torch.tensor([[0] * (width - len(ids)) + [1] * len(ids) for ids in batch]).to(model.device),
            max_new_tokens=max_new_tokens,
            pad_token_id=pad,
            **how,
        )
        rows = iter(_cut(row, ends, padded) for row in made[:, width:].tolist())
        for place in places:
            answers[place] = [_answer(tokenizer, next(rows), ends, stop_strings) for _ in range(num_return_sequences)]
        if bar is not None:
            bar.advance(len(places))
    return [answer for place in range(len(prompts)) for answer in answers[place]]


def sampling(temperature: float) -> dict[str, object]:
    """What transformers' `generate` is told: greedy at 0, else sampled from the whole distribution."""
    if not temperature:
        return {"do_sample": False}
    return {"do_sample": True, "temperature": temperature, "top_p": 1.0, "top_k": 0}


def end_ids(model: "PreTrainedModel") -> set[int]:
    """The ids of the tokens that end an answer, from the generation config."""
    ends = model.generation_config.eos_token_id
    return set(ends if isinstance(ends, list) else [ends])


def _ids(tokenizer: "PreTrainedTokenizerBase", prompt: str | Sequence[int], begin: bool) -> list[int]:
    return text_ids(prompt, tokenizer, begin=begin) if isinstance(prompt, str) else list(prompt)


def _cut(ids: list[int], ends: set[int], pad: int | None) -> list[int]:
    """Without the padding that follows where other answers of the batch are longer."""
    end = next((place for place, token in enumerate(ids) if token in ends), None)
    if end is not None:
        return ids[: end + 1]
    while ids and ids[-1] == pad:
        ids.pop()
    return ids


def _answer(
    tokenizer: "PreTrainedTokenizerBase", ids: list[int], ends: set[int], stop_strings: Sequence[str]
) -> Answer:
    text: str = tokenizer.decode(ids, skip_special_tokens=True)
    stopped = not ends.isdisjoint(ids) or any(stop in text for stop in stop_strings)
    return Answer(text, stopped, ids)
