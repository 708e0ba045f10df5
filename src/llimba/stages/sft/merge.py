"""A merged model must be the adapter it was made from: shown on the files, else the stage fails.

Three checks, from what lies on the disk: plain peft's adapter over the model it started from, against the merged
folder. 1. Nothing but the adapter's targets differs from the start (an untied head, a touched embedding). 2. The
logits agree: their difference is small beside what the adapter changes, so that a wrong scaling cannot hide behind a
small adapter. 3. Greedy answers agree, token by token up to where the two best tokens are nearly even. Why not trust
peft's merge: it is right for what it is given, but scaling, ties and rounding went wrong in practice around it.
"""

import math
from collections.abc import Sequence, Set
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import torch
from safetensors import safe_open

from llimba.errors import StageError
from llimba.files import read_json
from llimba.models.generate import generate
from llimba.models.loading import load_model, load_tokenizer, never_loaded
from llimba.recipe import Tokens
from llimba.reports.training_facts import MergeProof
from llimba.stages.sft.adapter import targets

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

NEW_TOKENS = 32
# of the adapter's effect on the logits (root mean square): merging rounds every changed weight once
TOLERANCE = {torch.float32: 0.01, torch.bfloat16: 0.25}
# of the logits themselves: two orders of summation in that precision differ by this much without any fault
NOISE = {torch.float32: 1e-5, torch.bfloat16: 0.01}


class Behaviour(NamedTuple):
    """What a model does with some prompts."""

    answers: list[list[int]]  # greedy, cut at the stop
    logits: list[torch.Tensor]  # float32 [answer + 1, V] of each prompt: what the answer's tokens are chosen by


def prove_merge(
    start: Path, adapter: Path, merged: Path, prompts: Sequence[str], tokens: Tokens, dtype: torch.dtype
) -> MergeProof:
    """Compare adapter and merged model on `prompts`; returns the figures, raises `StageError` where they disagree.

    `tokens` are the recipe's own, for the tokens that end an answer.
    """
    from peft import PeftModel

    untouched = check_tensors(start, adapter, merged)
    tokenizer = load_tokenizer(merged)
    encoded = [tokenizer(prompt, add_special_tokens=False)["input_ids"] for prompt in prompts]
    plain = load_model(start, tokens, dtype).model
    adapted = PeftModel.from_pretrained(plain, adapter).eval()
    tied = _tied(plain)
    with_it = behaviour(adapted, tokenizer, encoded)
    with adapted.disable_adapter():
        without = behaviour(adapted, tokenizer, encoded, with_it.answers)
    del plain, adapted
    model = load_model(merged, tokens, dtype).model
    if _tied(model) != tied:
        raise StageError(_refusal("its output embedding is no longer tied to the embedding as it was before"))
    same_path = behaviour(model, tokenizer, encoded, with_it.answers)
    answers = behaviour(model, tokenizer, encoded).answers

    error, effect, size = _rms(same_path, with_it), _rms(with_it, without), _rms(with_it)
    allowed = max(TOLERANCE[dtype] * effect, NOISE[dtype] * size)
    if not error <= allowed:
        raise StageError(
            _refusal(
                f"its logits differ from the adapter's by {error:.2g} (root mean square), where {allowed:.2g} is "
                f"allowed; the adapter itself changes them by {effect:.2g}"
            )
        )
    differing = [i for i, (ours, theirs) in enumerate(zip(answers, with_it.answers, strict=True)) if ours != theirs]
    for index in differing:
        margin = _margin(with_it, answers[index], index)
        if margin > 8 * allowed:
            raise StageError(
                _refusal(f"it answers prompt {index + 1} otherwise, though the adapter was sure by {margin:.2g} logits")
            )
    return MergeProof(
        logits_error=error,
        logits_allowed=allowed,
        adapter_effect=effect,
        answers=len(answers),
        answers_identical=len(answers) - len(differing),
        answers_parted_at_a_near_tie=len(differing),
        tensors_untouched=untouched,
        tied_embeddings=tied,
        dtype=str(dtype).removeprefix("torch."),
    )


def check_tensors(start: Path, adapter: Path, merged: Path) -> int:
    """That the merged folder has the start's tensors, all but the adapter's targets bit by bit; returns how many.

    A tensor that the start holds twice, as a tied output embedding can be, is no loss where one of the two is there;
    one that the model class does not load was never part of it.
    """
    before, after = _tensor_files(start), _tensor_files(merged)
    for name in never_loaded(start, before.keys() - after.keys()):
        del before[name]
    for name in _copies(before, kept=before.keys() & after.keys(), of=before.keys() - after.keys()):
        del before[name]
    if added := sorted(after.keys() - before.keys()):
        raise StageError(_refusal(f"it has tensors that the model before had not: {', '.join(added[:3])}"))
    if lost := sorted(before.keys() - after.keys()):
        raise StageError(_refusal(f"it lacks tensors of the model before: {', '.join(lost[:3])}"))
    untouched = before.keys() - targets(adapter)
    for name in sorted(untouched):
        old, new = _tensor(before[name], name), _tensor(after[name], name)
        if old.shape != new.shape or not torch.equal(old.to(new.dtype), new):
            raise StageError(_refusal(f"{name} has changed, which the adapter does not touch"))
    return len(untouched)


def behaviour(
    model: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerBase",
    prompts: Sequence[Sequence[int]],
    answers: list[list[int]] | None = None,
) -> Behaviour:
    """The logits along greedy answers of at most `NEW_TOKENS`, all made in one batch, or along given ones."""
    own = answers
    if own is None:
        made = generate(model, tokenizer, prompts, NEW_TOKENS, batch_size=len(prompts))
        own = [list(answer.token_ids) for answer in made]
    logits = []
    with torch.inference_mode():
        for prompt, answer in zip(prompts, own, strict=True):
            whole = torch.tensor([[*prompt, *answer]], device=model.device)
            logits.append(model(input_ids=whole, logits_to_keep=len(answer) + 1).logits[0].float().cpu())
    return Behaviour(own, logits)


def _rms(one: Behaviour, other: Behaviour | None = None) -> float:
    """Root mean square of the logits, centred, or of the difference of two models' logits."""
    total, count = 0.0, 0
    for index, logits in enumerate(one.logits):
        values = logits - (other.logits[index] if other is not None else logits.mean(dim=-1, keepdim=True))
        total += float(values.double().square().sum())
        count += values.numel()
    return math.sqrt(total / count)


def _margin(adapter: Behaviour, answer: list[int], index: int) -> float:
    """How much better the adapter finds its own token than the merged model's, where the two answers part."""
    own = adapter.answers[index]
    at = next((i for i, (a, b) in enumerate(zip(own, answer, strict=False)) if a != b), min(len(own), len(answer)))
    if at >= min(len(own), len(answer)):
        return float("inf")  # one goes on where the other has stopped, and yet no token differs: no near-tie
    logits = adapter.logits[index][at]
    return float(logits[own[at]] - logits[answer[at]])


def _copies(files: dict[str, Path], kept: Set[str], of: Set[str]) -> list[str]:
    """Those of the tensors `of` that are equal, bit by bit, to one of `kept`."""
    found = []
    for name in sorted(of):
        tensor = _tensor(files[name], name)
        alike = (other for other in kept if _shape(files[other], other) == list(tensor.shape))
        if any(torch.equal(tensor, _tensor(files[other], other)) for other in alike):
            found.append(name)
    return found


def _shape(path: Path, name: str) -> list[int]:
    with safe_open(path, framework="pt") as file:
        shape: list[int] = file.get_slice(name).get_shape()
    return shape


def _tensor_files(folder: Path) -> dict[str, Path]:
    """Which file holds which tensor, of the files that transformers reads; a folder may hold others besides."""
    found: dict[str, Path] = {}
    index, whole = folder / "model.safetensors.index.json", folder / "model.safetensors"
    names = set(read_json(index)["weight_map"].values()) if index.exists() and not whole.exists() else {whole.name}
    for path in sorted(folder / name for name in names):
        with safe_open(path, framework="pt") as file:
            found |= dict.fromkeys(file.keys(), path)
    return found


def _tensor(path: Path, name: str) -> torch.Tensor:
    with safe_open(path, framework="pt") as file:
        tensor: torch.Tensor = file.get_tensor(name)
    return tensor


def _tied(model: "PreTrainedModel") -> bool:
    tied: bool = model.get_output_embeddings().weight is model.get_input_embeddings().weight
    return tied


def _refusal(what: str) -> str:
    return (
        f"sft: the merged model is not the adapter that it was made from: {what}. The adapter and the checkpoints are "
        "kept; use the adapter, and report this with the versions in the manifest."
    )
