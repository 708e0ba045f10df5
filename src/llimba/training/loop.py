"""The training loop, whole: steps of documents, packed rows, one loss, one update, a checkpoint now and then.

`cpt` and `sft` both call `train`. A step draws its units (fixed by seed and epoch); the objective packs them into rows
and gives each row's part of the step's loss; the loop sums gradients, clips, and updates. A loss or gradient that is
not finite never reaches the weights. Every step seeds itself, so a checkpoint needs no random state. SIGTERM, SIGINT
and SIGHUP finish the step, save, and end with the resumable exit code. Under `accelerate launch` the rows of a step are
shared out among the processes: same documents, same loss, same update.

Why not `transformers.Trainer`: it normalises per micro-batch unless a model class cooperates, cannot pack a step
without changing it, writes checkpoints that a kill can tear, and steps on a loss that is not finite.
"""

import logging
import math
import shutil
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from accelerate import Accelerator
from transformers import get_scheduler

from llimba import processes, progress
from llimba.errors import Interrupted, StageError
from llimba.files import disk_errors, fingerprint, into_place
from llimba.recipe import TrainingSection
from llimba.reports.training_facts import MemoryPeak, Trainable, TrainedFolder, TrainingFacts
from llimba.training import cards, cost, estimate, monitor, packing, peak_memory
from llimba.training.allocator import FreedMemory
from llimba.training.checkpoint import Checkpoints, whole_state
from llimba.training.forward_check import settle
from llimba.training.model import TrainableModel, save_model, trainable
from llimba.training.monitor import HeldOut, Monitor
from llimba.training.objectives import Objective
from llimba.training.optimizer import build_optimizer, set_learning_rate
from llimba.training.stopping import stop_requests

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

logger = logging.getLogger(__name__)

NON_FINITE_STEPS = 3  # so many in a row end the run
TRIES, WAIT_SECONDS = 120, 60  # to write a finished model on a full disk
UPDATE = -1  # the "process" whose seed the update draws from: the same in every process


@dataclass(frozen=True, slots=True)
class Metrics:
    """One row of `metrics.jsonl`."""

    step: int  # from 1
    loss: float  # nats a loss token, before the update
    grad_norm: float
    learning_rate: float
    tokens: int  # loss tokens so far
    seconds: float
    tokens_per_second: float  # loss tokens, no padding
    rows: int  # micro-batches
    row_tokens: int  # input tokens in them
    mfu: float | None  # model FLOPs utilisation, share of the card's peak; None where the peak is not known
    hfu: float | None  # hardware FLOPs utilisation: recomputation counted too
    stepped: bool  # False: loss or gradient not finite, weights untouched


def train(
    opened: TrainableModel,
    objective: Objective,
    settings: TrainingSection,
    out: Path,
    *,
    seed: int,
    title: str,
    held_out: HeldOut | None = None,
) -> TrainingFacts:
    """Train the opened model in place by an objective.

    Continues from the newest valid checkpoint under `out`, to the same weights as an uninterrupted run. `held_out` is
    evaluated at intervals. Raises `Interrupted` after a signal (everything saved), and `StageError` when the forward
    check fails, the loss stays non-finite, the disk is too small, or the checkpoints there cannot be used.
    """
    accelerator = monitor.open_accelerator(settings.report_to, out)
    device = accelerator.device
    # autocast is ours: accelerate fixes its own for the whole process, and cpt and sft may differ
    autocast = partial(torch.autocast, device.type, torch.bfloat16, enabled=opened.autocast)

    packed = opened.packed.to(device)
    trains = trainable(opened.model)
    resolved, row_length = opened.resolved, opened.resolved.row_length.value
    optimizer = build_optimizer(settings, resolved, packed, device)
    with autocast():
        forward = settle(packed, resolved.attention.value, objective.longest, device)
    shape = cost.Shape.of(opened.model)
    predicted = estimate.predicted_peak(shape, settings, resolved, device.type == "cuda")
    freed = FreedMemory(device.type, bound=predicted)
    peak = cards.known_peak(device)
    wrapped, optimizer = accelerator.prepare(packed, optimizer)

    plan = packing.plan_steps(objective.lengths, settings, seed, objective.phases)
    schedule = learning_rates(settings, len(plan))
    logger.info("%s: %s", title, _what_trains(trains))
    logger.info("%s: %d steps; about %.1f GiB of memory at the peak", title, len(plan), predicted / 2**30)

    identity = fingerprint([plan, objective.contents])
    checkpoints = Checkpoints(TrainedFolder(out).checkpoints, packed, optimizer, identity)
    checkpoints.check_disk(cost.checkpoint_disk(shape, resolved))
    wrapped.eval()
    with torch.no_grad(), autocast():
        objective.prepare(wrapped, row_length, device)
    wrapped.train()
    state = checkpoints.resume() or {"step": 0, "rows": {}}
    watch = Monitor(out, title, settings, accelerator, held_out or HeldOut(), len(plan), row_length, state["rows"])
    step_tokens = [sum(objective.loss_tokens[unit] for unit in step) for step in plan]
    save = partial(_save, checkpoints, watch, accelerator)

    done = saved_step = state["step"]
    started = saved = time.monotonic()
    evaluate = partial(watch.evaluate, wrapped=wrapped, packed=packed, tokenizer=opened.tokenizer)
    with stop_requests() as stop, progress.bar(title, sum(step_tokens), "tokens") as bar:
        bar.resume_at(sum(step_tokens[:done]))
        evaluate(done, autocast=autocast())
        non_finite = 0
        for step in range(done, len(plan)):
            clock = time.monotonic()
            rows = objective.rows(plan[step], row_length)
            mine = packing.share(rows, accelerator.process_index, accelerator.num_processes)

            _seed(seed, step, accelerator.process_index)
            loss, figures = torch.zeros((), device=device), torch.zeros(len(objective.figures), device=device)
            for row in mine:
                # gradients are averaged over the processes, once, in the backward pass of the last row
                last = row is mine[-1]
                with nullcontext() if last else accelerator.no_sync(wrapped), autocast():
                    row_loss, row_figures = objective.loss(wrapped, row.to(device), plan[step])
                    accelerator.backward(row_loss * accelerator.num_processes)
                loss += row_loss.detach()
                figures += row_figures.to(device)
            step_loss, *step_figures = accelerator.reduce(torch.stack([loss, *figures]), "sum").tolist()
            norm = _number(accelerator.clip_grad_norm_(wrapped.parameters(), settings.max_grad_norm))

            finite = math.isfinite(step_loss) and math.isfinite(norm)
            non_finite = 0 if finite else non_finite + 1
            if non_finite == NON_FINITE_STEPS:
                raise StageError(_diverged(step, {str(objective.contents[unit][0]) for unit in plan[step]}))
            set_learning_rate(optimizer, schedule(step))
            if finite:
                _seed(seed, step, UPDATE)
                optimizer.step()
            optimizer.zero_grad()
            freed.after_step()

            seconds = time.monotonic() - clock
            lengths = [length for row in rows for length in row.cu_seqlens.diff().tolist()]
            mfu, hfu = cost.utilisation(shape, lengths, settings, seconds, peak and peak * accelerator.num_processes)
            metrics = Metrics(
                step=step + 1,
                loss=round(step_loss, 6),
                grad_norm=round(norm, 5),
                learning_rate=schedule(step),
                tokens=sum(step_tokens[: step + 1]),
                seconds=round(seconds, 3),
                tokens_per_second=round(step_tokens[step] / seconds, 1),
                rows=len(rows),
                row_tokens=sum(row.input_ids.shape[1] for row in rows),
                mfu=mfu,
                hfu=hfu,
                stepped=finite,
            )
            said = zip(objective.figures, (round(figure, 4) for figure in step_figures), strict=True)
            watch.record(asdict(metrics) | dict(said))
            note = f" MFU {mfu:.0%}" if mfu else ""
            bar.advance(step_tokens[step], f"step {step + 1}/{len(plan)} loss {metrics.loss:.3f}{note}")
            evaluate(step + 1, autocast=autocast())

            asked = _any_process(accelerator, bool(stop))
            if asked or _any_process(accelerator, time.monotonic() - saved > 60 * settings.save_minutes):
                saved_step = save(step + 1, must=asked) or saved_step
                saved = time.monotonic()
            if asked:
                watch.close()
                raise Interrupted(
                    f"{title}: stopped by {stop[0] if stop else 'another process'} after step {step + 1} of "
                    f"{len(plan)}; everything is saved. Run the same command to continue."
                )
    seconds = time.monotonic() - started
    if saved_step < len(plan):  # what follows (merging, export) may fail, and the training must not be lost with it
        save(len(plan), must=False)
    freed.end()
    _when_there_is_room(watch.close)
    history = watch.metrics
    tail = [row["loss"] for row in history[-max(1, len(history) // 10) :]]
    micro_batches = sum(row["rows"] for row in history)
    new_tokens = sum(step_tokens[done:])
    return TrainingFacts(
        steps=len(plan),
        examples=len(objective.lengths),
        loss_tokens=sum(step_tokens),
        data_order=identity,
        first_loss=history[0]["loss"],
        last_loss=round(sum(tail) / len(tail), 4),
        skipped_steps=sum(not row["stepped"] for row in history),
        resumed_at_step=done,
        tokens_per_second=round(new_tokens / seconds, 1) if new_tokens else None,
        training_seconds=round(sum(row["seconds"] for row in history), 1),
        rows_per_step=round(micro_batches / len(history), 2),
        tokens_per_row=round(sum(row["row_tokens"] for row in history) / micro_batches, 1),
        processes=accelerator.num_processes,
        device=str(device),
        settings=resolved,
        tokens=opened.contract.reasons,
        base_generation=dict(opened.shipped),
        forward=forward,
        trainable=trains,
        memory_gib=MemoryPeak(
            predicted=round(predicted / 2**30, 2), measured_peak=round(peak_memory.read() / 2**30, 2)
        ),
        held_out=watch.held_out_metrics,
        figures={name: history[-1][name] for name in objective.figures},
    )


def finish(
    model: Any, tokenizer: "PreTrainedTokenizerBase", out: Path, check: Callable[[Path], None] = lambda folder: None
) -> None:
    """Leave the trained model as `model/`, a plain transformers folder; `check` sees it first and may raise.

    The checkpoints stay until the stage is recorded as finished: until then they are the training. Of several
    processes the first writes; all must call it, as a sharded model is gathered from all.
    """
    weights = whole_state(model)
    if not processes.is_main():
        return
    partial_folder = out / ".model.partial"

    def write() -> None:
        shutil.rmtree(partial_folder, ignore_errors=True)
        save_model(model, tokenizer, partial_folder, weights)

    _when_there_is_room(write)
    check(partial_folder)
    shutil.rmtree(TrainedFolder(out).model, ignore_errors=True)
    into_place(partial_folder, TrainedFolder(out).model)


def learning_rates(settings: TrainingSection, num_steps: int) -> Callable[[int], float]:
    """The learning rate as a function of the step, from 0: transformers' schedule, so nothing of it needs saving."""
    unit = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    further: dict[str, Any] = {}
    if settings.lr_scheduler_type == "cosine_with_min_lr":
        further = {"min_lr_rate": settings.min_lr_ratio}
    if settings.lr_scheduler_type == "warmup_stable_decay":
        decay = max(1, min(round(settings.decay_share * num_steps), num_steps - settings.warmup_steps))
        further = {"num_decay_steps": decay, "min_lr_ratio": settings.min_lr_ratio, "decay_type": settings.decay_type}
    scheduler = get_scheduler(settings.lr_scheduler_type, unit, settings.warmup_steps, num_steps, further)
    (factor,) = scheduler.lr_lambdas
    return lambda step: settings.learning_rate * float(factor(step))


def _save(checkpoints: Checkpoints, watch: Monitor, accelerator: Accelerator, step: int, *, must: bool) -> int | None:
    """Save; a full disk keeps the last good checkpoint and is said, an error only where the run `must` end here."""
    try:
        checkpoints.save(step, {"rows": watch.rows}, write=accelerator.is_main_process)
    except OSError as error:
        if must:
            raise
        logger.warning(
            "step %d could not be saved (%s): the checkpoint before it is kept, and tried again", step, error
        )
        return None
    return step


def _when_there_is_room(write: Callable[[], None]) -> None:
    """Write what is left of a finished training; where the disk is full, wait: it is in memory, and nowhere else."""
    for left in reversed(range(TRIES)):
        try:
            with disk_errors():
                return write()
        except OSError as error:
            if not left:
                raise
            logger.warning(
                "the training is finished and cannot be written (%s). Free space: it is tried again every %d s, "
                "for %d min", error, WAIT_SECONDS, max(1, left * WAIT_SECONDS // 60),
            )  # fmt: skip
            time.sleep(WAIT_SECONDS)


def _seed(seed: int, step: int, process: int) -> None:
    """One stream of random numbers a step and process (dropout), and one a step for the update (rounding)."""
    torch.manual_seed(int(fingerprint([seed, step, process]), 16) % 2**63)


def _any_process(accelerator: Accelerator, here: bool) -> bool:
    """Whether any process says so: they must all save, and stop, at the same step."""
    if accelerator.num_processes == 1:
        return here
    flag = torch.tensor(int(here), device=accelerator.device)
    return bool(accelerator.reduce(flag, "sum").item())


def _number(norm: Any) -> float:
    """A gradient norm as a number, gathered where the gradients are sharded."""
    return float(norm.full_tensor() if hasattr(norm, "full_tensor") else norm)


def _what_trains(trains: Trainable) -> str:
    what = "the adapter only" if trains.adapter else "all, embedding and output embedding among them"
    return f"{trains.trained:,} of {trains.parameters:,} parameters train ({what})"


def _diverged(step: int, documents: set[str]) -> str:
    return (
        f"the loss or the gradient was not finite in {NON_FINITE_STEPS} steps in a row, up to step {step + 1}; the "
        f"weights were not touched by them. Documents of the last one: {', '.join(sorted(documents))}. Look at them, "
        "or lower learning_rate, or set precision: fp32."
    )
