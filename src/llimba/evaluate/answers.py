"""Answers to plain prompts, greedy or sampled, for the probes: what a chat would say."""

from collections.abc import Sequence
from typing import Any

from llimba import progress

BATCH = 16  # prompts answered at once, longest first; fixed, so that a rerun makes the same batches


def ask(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[str],
    max_new_tokens: int,
    *,
    temperature: float = 0.0,
    seed: int = 0,
    bar: progress.Bar | None = None,
) -> list[str]:
    """One answer to each prompt; greedy at temperature 0. The same seed gives the same answers on the same machine."""
    import torch

    texts = [
        tokenizer.apply_chat_template([{"role": "user", "content": prompt}], tokenize=False, add_generation_prompt=True)
        for prompt in prompts
    ]
    tokenizer.padding_side = "left"
    how = (
        {"do_sample": True, "temperature": temperature, "top_p": 1.0, "top_k": 0}
        if temperature
        else {"do_sample": False}
    )
    torch.manual_seed(seed)
    answers = dict[int, str]()
    ranked = sorted(range(len(texts)), key=lambda place: -len(texts[place]))
    for start in range(0, len(ranked), BATCH):
        places = ranked[start : start + BATCH]
        given = tokenizer(
            [texts[place] for place in places], return_tensors="pt", padding=True, add_special_tokens=False
        ).to(model.device)
        given.pop("token_type_ids", None)
        with torch.inference_mode():
            made = model.generate(**given, max_new_tokens=max_new_tokens, **how)
        said = tokenizer.batch_decode(made[:, given["input_ids"].shape[1] :], skip_special_tokens=True)
        answers.update(zip(places, said, strict=True))
        if bar is not None:
            bar.advance(len(places))
    return [answers[place] for place in range(len(texts))]
