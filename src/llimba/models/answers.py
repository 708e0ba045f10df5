"""Answers to many plain prompts, greedy or sampled: what a chat would say, for probes and for replay."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from llimba import progress
from llimba.models.encoding import chat_prompt

BATCH = 16  # prompts answered at once, longest first; fixed, so that a rerun makes the same batches


class Answer(NamedTuple):
    """What was said, and whether it came to an end within the tokens allowed."""

    text: str
    stopped: bool


def ask(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[str],
    max_new_tokens: int,
    *,
    temperature: float = 0.0,
    seed: int = 0,
    bar: progress.Bar | None = None,
) -> list[Answer]:
    """One answer to each prompt; greedy at temperature 0. The same seed gives the same answers on the same machine."""
    import torch

    texts = [chat_prompt(prompt, tokenizer) for prompt in prompts]
    tokenizer.padding_side = "left"
    how = (
        {"do_sample": True, "temperature": temperature, "top_p": 1.0, "top_k": 0}
        if temperature
        else {"do_sample": False}
    )
    torch.manual_seed(seed)
    answers, ends = dict[int, Answer](), model.generation_config.eos_token_id
    stops = set(ends if isinstance(ends, list) else [ends])
    ranked = sorted(range(len(texts)), key=lambda place: -len(texts[place]))
    for start in range(0, len(ranked), BATCH):
        places = ranked[start : start + BATCH]
        given = tokenizer(
            [texts[place] for place in places], return_tensors="pt", padding=True, add_special_tokens=False
        ).to(model.device)
        given.pop("token_type_ids", None)
        with torch.inference_mode():
            made = model.generate(**given, max_new_tokens=max_new_tokens, **how)
        said = made[:, given["input_ids"].shape[1] :]
        texts_said = tokenizer.batch_decode(said, skip_special_tokens=True)
        for place, ids, text in zip(places, said.tolist(), texts_said, strict=True):
            answers[place] = Answer(text, not stops.isdisjoint(ids))
        if bar is not None:
            bar.advance(len(places))
    return [answers[place] for place in range(len(texts))]
