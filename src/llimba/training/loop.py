"""The training loop, whole: steps of documents, packed rows, one loss, one update, a checkpoint now and then.

`cpt` and `sft` both call `train`. A step draws its documents (fixed by seed, epoch and step), packs them into rows,
sums the loss of each row divided by the step's loss tokens, clips, and updates. A loss or gradient that is not finite
never reaches the weights. SIGTERM, SIGINT and SIGHUP finish the step, save, and end with the resumable exit code.

Why not `transformers.Trainer`: it normalises per micro-batch unless a model class cooperates, cannot pack a step
without changing it, writes checkpoints that a kill can tear, and steps on a loss that is not finite.
"""

import logging
import math
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from accelerate import Accelerator
from transformers import get_scheduler

from llimba import peak_memory, progress
from llimba.errors import Interrupted, StageError
from llimba.files import read_jsonl, write_jsonl
from llimba.recipe import TrainingSection
from llimba.training import attention, checkpoint, leak_check, packing, precision
from llimba.training.cost import Shape
from llimba.training.estimate import predicted_peak
from llimba.training.examples import Example
from llimba.training.model import Opened, PackedModel, save_model, trainable

logger = logging.getLogger(__name__)

CHECKPOINTS = "checkpoints"
METRICS = "metrics.jsonl"
NON_FINITE_STEPS = 3  # so many in a row end the run


def train(
    opened: Opened,
    examples: Sequence[Example],
    settings: TrainingSection,
    out: Path,
    *,
    seed: int,
    title: str,
) -> dict[str, Any]:
    """Train the opened model in place on `examples`; returns facts for the manifest.

    Goes on from the newest valid checkpoint under `out`, to the same weights as an uninterrupted run. Writes
    `metrics.jsonl`, one row a step. Raises `Interrupted` after a signal (everything saved) and `StageError` when the
    leak check fails or the loss stays non-finite.
    """
    torch.manual_seed(seed)
    model = opened.model
    accelerator = Accelerator()
    device = accelerator.device
    # autocast is ours: accelerate fixes its own for the whole process, and cpt and sft may differ
    autocast = partial(torch.autocast, device.type, torch.bfloat16, enabled=opened.precision == "mixed")
    packed = PackedModel(model).to(device)
    optimizer, optimizer_reason = precision.build_optimizer(settings, packed, device)
    lengths = [len(example.input_ids) for example in examples]
    plan = packing.plan_steps(lengths, settings, seed)
    num_steps = len(plan)
    schedule = learning_rates(settings, num_steps)
    trains = trainable(model)
    logger.info(
        "%s: %s of %s parameters train (%s)",
        title,
        f"{trains['trained']:,}",
        f"{trains['parameters']:,}",
        "the adapter only" if trains["adapter"] else "all, embedding and output embedding among them",
    )
    backend, backend_reason = attention.choose(settings.attention, device)
    with autocast():
        leak = leak_check.check(packed, backend, model.config.get_text_config().vocab_size, device)
    wrapped, optimizer = accelerator.prepare(packed, optimizer)
    logger.info("%s: attention %s (%s); optimizer %s", title, backend, backend_reason, optimizer_reason)
    predicted = predicted_peak(Shape.of(model), settings, opened.precision, device)
    logger.info("%s: %d steps; about %.1f GiB of memory at the peak", title, num_steps, predicted / 2**30)

    names = {id(parameter): name for name, parameter in model.named_parameters()}
    done, metrics = _resume(out, model, optimizer, names)
    total_tokens = sum(examples[i].num_loss_tokens for step in plan for i in step)
    tokens_done = metrics[-1]["tokens"] if metrics else 0
    started, saved, non_finite, fill = time.monotonic(), time.monotonic(), 0, [0, 0]

    with _stop_requests() as stop, progress.bar(title, total_tokens, "tokens") as bar:
        bar.resume_at(tokens_done)
        for step in range(done, num_steps):
            clock = time.monotonic()
            documents = [examples[i] for i in plan[step]]
            rows = packing.pack(documents, settings.row_length or settings.sequence_length, settings.packing)
            step_tokens = sum(document.num_loss_tokens for document in documents)
            loss = torch.zeros((), device=device)
            for row in rows:
                with autocast():
                    row_loss = wrapped(row.to(device)) / step_tokens
                accelerator.backward(row_loss)
                loss += row_loss.detach()
            norm = accelerator.clip_grad_norm_(model.parameters(), settings.max_grad_norm)

            learning_rate = schedule(step)
            precision.set_learning_rate(optimizer, learning_rate)
            finite = math.isfinite(loss.item()) and math.isfinite(norm.item())
            non_finite = 0 if finite else non_finite + 1
            if finite:
                optimizer.step()
            elif non_finite == NON_FINITE_STEPS:
                raise StageError(_diverged(step, documents))
            optimizer.zero_grad()

            tokens_done += step_tokens
            fill = [fill[0] + sum(row.input_ids.shape[1] for row in rows), fill[1] + len(rows)]
            seconds = time.monotonic() - clock
            metrics.append(
                {
                    "step": step + 1,
                    "loss": round(loss.item(), 6),
                    "grad_norm": round(norm.item(), 5),
                    "learning_rate": learning_rate,
                    "tokens": tokens_done,
                    "seconds": round(seconds, 3),
                    "tokens_per_second": round(step_tokens / seconds, 1),
                    "stepped": finite,
                }
            )
            bar.advance(step_tokens, f"step {step + 1}/{num_steps} loss {loss.item():.3f}")
            if stop or time.monotonic() - saved > 60 * settings.save_minutes:
                _save(out, step + 1, model, optimizer, names, metrics)
                saved = time.monotonic()
            if stop:
                raise Interrupted(
                    f"{title}: stopped by {stop[0]} after step {step + 1} of {num_steps}; everything is saved. Run the "
                    "same command to go on."
                )
    write_jsonl(out / METRICS, metrics)
    seconds = time.monotonic() - started
    tail = [row["loss"] for row in metrics[-max(1, len(metrics) // 10) :]]
    return {
        "steps": num_steps,
        "examples": len(examples),
        "loss_tokens": tokens_done,
        "tokens_per_second": round(sum(examples[i].num_loss_tokens for s in plan[done:] for i in s) / seconds, 1),
        "resumed_at_step": done,
        "first_loss": metrics[0]["loss"],
        "last_loss": round(sum(tail) / len(tail), 4),
        "skipped_steps": sum(not row["stepped"] for row in metrics),
        "rows_per_step": round(fill[1] / max(1, num_steps - done), 2),
        "tokens_per_row": round(fill[0] / max(1, fill[1]), 1),
        "attention": {"backend": backend, "reason": backend_reason},
        "optimizer": optimizer_reason,
        "precision": {"value": opened.precision, "reason": opened.precision_reason},
        "tokens": opened.contract.reasons,
        "device": str(device),
        "leak_check": leak,
        "trainable": trains,
        "memory_gib": {"predicted": round(predicted / 2**30, 2), "measured_peak": round(peak_memory.read() / 2**30, 2)},
    }


def finish(model: Any, tokenizer: Any, out: Path) -> None:
    """Leave the trained model as `model/`, a plain transformers folder, and remove the checkpoints it replaces."""
    save_model(model, tokenizer, out / "model")
    shutil.rmtree(out / CHECKPOINTS, ignore_errors=True)


def read_metrics(out: Path) -> list[dict[str, Any]]:
    """The rows of `metrics.jsonl`, one a step."""
    return list(read_jsonl(out / METRICS))


def learning_rates(settings: TrainingSection, num_steps: int) -> Callable[[int], float]:
    """The learning rate as a function of the step, from 0: transformers' schedule, so nothing of it needs saving."""
    unit = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    (factor,) = get_scheduler(settings.lr_scheduler_type, unit, settings.warmup_steps, num_steps).lr_lambdas
    return lambda step: settings.learning_rate * float(factor(step))


def _save(
    out: Path,
    step: int,
    model: Any,
    optimizer: Any,
    names: dict[int, str],
    metrics: list[dict[str, Any]],
) -> None:
    weights = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    tensors = {
        "weights": weights,
        "optimizer": checkpoint.optimizer_tensors(optimizer, names),
        "rng": checkpoint.rng_state(),
    }
    checkpoint.save(out / CHECKPOINTS, step, tensors, {"step": step, "metrics": metrics})


def _resume(out: Path, model: Any, optimizer: Any, names: dict[int, str]) -> tuple[int, list[dict[str, Any]]]:
    """Steps already done and their metrics; everything restored in place."""
    found = checkpoint.newest_valid(out / CHECKPOINTS)
    if found is None:
        return 0, []
    tensors, state = checkpoint.load(found)
    parameters = dict(model.named_parameters())
    with torch.no_grad():
        for name, value in tensors["weights"].items():
            parameters[name].copy_(value)
    checkpoint.restore_optimizer(optimizer, names, tensors["optimizer"])
    checkpoint.restore_rng(tensors["rng"])
    logger.info("goes on from %s", found.name)
    return int(state["step"]), list(state["metrics"])


def _diverged(step: int, documents: Sequence[Example]) -> str:
    return (
        f"the loss or the gradient was not finite in {NON_FINITE_STEPS} steps in a row, up to step {step + 1}; the "
        "weights were not touched by them. Documents of the last one: "
        + ", ".join(sorted({document.document for document in documents}))
        + ". Look at them, or lower learning_rate, or set precision: fp32."
    )


@contextmanager
def _stop_requests() -> Iterator[list[str]]:
    """A list that stays empty until SIGTERM, SIGINT or SIGHUP asks to stop; a second signal ends at once."""
    asked: list[str] = []

    def ask(number: int, _frame: FrameType | None) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(signal.Signals(number).name)
        logger.warning("%s: finishing this step, then saving; once more to stop at once", asked[0])

    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    try:
        for number in numbers:
            signal.signal(number, ask)
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
