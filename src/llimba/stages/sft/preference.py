"""Preference tuning, DPO and ORPO: TRL's data and loss, llimba's steps and checkpoints.

TRL tokenises the pairs, computes the reference once, before anything is trained, and gives the loss of a batch. The
steps around it are ours, because TRL's trainer is transformers', whose checkpoints a kill can tear and which are no
safetensors.
"""

import importlib
import logging
import math
import shutil
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from llimba import processes, progress
from llimba.errors import Interrupted, StageError
from llimba.files import fingerprint, write_jsonl
from llimba.recipe import SftSection
from llimba.records import Conversation
from llimba.training import packing, peak_memory
from llimba.training.checkpoint import Checkpoints
from llimba.training.loop import CHECKPOINTS, learning_rates
from llimba.training.model import Opened, trainable
from llimba.training.optimizer import build_optimizer, set_learning_rate
from llimba.training.stopping import stop_requests

logger = logging.getLogger(__name__)

METRICS = "metrics.jsonl"
PAIRS_A_PASS = 2  # through the model at once; a step of more is accumulated


def tune(
    opened: Opened, conversations: Sequence[Conversation], settings: SftSection, out: Path, *, seed: int
) -> dict[str, Any]:
    """Train the opened model in place on the conversations that hold a rejected answer; returns facts.

    `documents_per_step` counts pairs of answers. Goes on from the newest valid checkpoint to the same bits. Raises
    `StageError` where TRL or preference data are missing.
    """
    if processes.count() > 1:
        raise StageError(f"sft.method: {settings.method} runs in one process; start llimba without a launcher.")
    pairs = [c for c in conversations if c.rejected]
    if not pairs:
        raise StageError(
            f"sft.method: {settings.method} needs preference data, and no conversation holds a rejected answer. Add a "
            "source with prompt, chosen and rejected (yields: conversations)."
        )
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = opened.model.to(device)
    trains = trainable(model)
    trainer = _trainer(model, opened.tokenizer, pairs, settings, out, seed)
    if hasattr(model, "peft_config") and "ref" in model.peft_config:
        model.delete_adapter("ref")  # TRL's copy of the adapter: its answers are in the data now
        model.set_adapter("default")
    optimizer = build_optimizer(settings, opened.resolved, model, device)
    rows = list(trainer.train_dataset)
    lengths = [_length(row) for row in rows]
    plan = packing.plan_steps(lengths, settings, seed)
    schedule = learning_rates(settings, len(plan))
    identity = fingerprint([plan, [pair.id for pair in pairs], lengths, settings.method])
    checkpoints = Checkpoints(out / CHECKPOINTS, model, optimizer, identity)
    state = checkpoints.resume() or {"step": 0, "rows": []}
    metrics: list[dict[str, Any]] = state["rows"]
    write_jsonl(out / METRICS, metrics)
    done, saved = state["step"], time.monotonic()
    autocast = partial(torch.autocast, device.type, torch.bfloat16, enabled=opened.autocast)
    model.train()
    with stop_requests() as stop, progress.bar(settings.method, len(plan), "steps") as bar:
        bar.resume_at(done)
        for step in range(done, len(plan)):
            clock = time.monotonic()
            torch.manual_seed(int(fingerprint([seed, step]), 16) % 2**63)
            loss = 0.0
            chosen = plan[step]
            for start in range(0, len(chosen), PAIRS_A_PASS):
                part = [rows[i] for i in chosen[start : start + PAIRS_A_PASS]]
                batch = {key: _on(value, device) for key, value in trainer.data_collator(part).items()}
                with autocast():
                    part_loss = trainer.compute_loss(model, batch) * (len(part) / len(chosen))
                part_loss.backward()
                loss += float(part_loss.detach())
            norm = float(torch.nn.utils.clip_grad_norm_(model.parameters(), settings.max_grad_norm))
            if not (math.isfinite(loss) and math.isfinite(norm)):
                raise StageError(f"{settings.method}: the loss of step {step + 1} is not finite. Lower learning_rate.")
            set_learning_rate(optimizer, schedule(step))
            optimizer.step()
            optimizer.zero_grad()
            seen = sum(lengths[i] for i in chosen)
            before = metrics[-1]["tokens"] if metrics else 0
            seconds = time.monotonic() - clock
            metrics.append(
                {
                    "step": step + 1, "loss": round(loss, 6), "grad_norm": round(norm, 5),
                    "learning_rate": schedule(step), "tokens": before + seen, "seconds": round(seconds, 3),
                    "tokens_per_second": round(seen / seconds, 1), "stepped": True, **_rewards(trainer),
                }
            )  # fmt: skip
            bar.advance(1, f"loss {loss:.3f}")
            if stop or time.monotonic() - saved > 60 * settings.save_minutes or step + 1 == len(plan):
                checkpoints.save(step + 1, {"rows": metrics}, write=True)
                write_jsonl(out / METRICS, metrics)
                saved = time.monotonic()
            if stop:
                raise Interrupted(f"{settings.method}: stopped by {stop[0]} after step {step + 1}; all is saved.")
    tail = [row["loss"] for row in metrics[-max(1, len(metrics) // 10) :]]
    return {
        "steps": len(plan),
        "examples": len(pairs),
        "loss_tokens": metrics[-1]["tokens"],
        "resumed_at_step": done,
        "tokens_per_second": metrics[-1]["tokens_per_second"],
        "training_seconds": round(sum(row["seconds"] for row in metrics), 1),
        "first_loss": metrics[0]["loss"],
        "last_loss": round(sum(tail) / len(tail), 4),
        "reward_accuracy": metrics[-1].get("rewards/accuracies"),
        "data_order": identity,
        "processes": 1,
        "settings": opened.resolved.model_dump(),
        "tokens": opened.contract.reasons,
        "device": str(device),
        "trainable": trains,
        "held_out": [],
        "memory_gib": {"measured_peak": round(peak_memory.read() / 2**30, 2)},
    }


def _trainer(
    model: Any, tokenizer: Any, pairs: Sequence[Conversation], settings: SftSection, out: Path, seed: int
) -> Any:
    """TRL's trainer, for its data and its loss; it never trains."""
    try:
        import trl
        from datasets import Dataset

        source = importlib.import_module("trl.experimental.orpo") if settings.method == "orpo" else trl
        config, trainer_class = (getattr(source, settings.method.upper() + part) for part in ("Config", "Trainer"))
    except ImportError as error:
        raise StageError(
            f"sft.method: {settings.method} needs TRL ({error}): `pip install llimba[preference]`."
        ) from error
    rows = [
        {
            "prompt": pair.messages[:-1],
            "chosen": [pair.messages[-1]],
            "rejected": [{"role": "assistant", "content": pair.rejected}],
        }
        for pair in pairs
    ]
    reference = {} if settings.method == "orpo" else {"precompute_ref_log_probs": True}
    arguments = config(
        output_dir=str(out / ".trl"),
        beta=settings.beta,
        max_length=settings.sequence_length,
        per_device_train_batch_size=PAIRS_A_PASS,
        gradient_checkpointing=settings.gradient_checkpointing,
        seed=seed,
        bf16=False,
        fp16=False,
        report_to="none",
        save_strategy="no",
        disable_tqdm=True,
        dataloader_pin_memory=False,
        **reference,
    )
    model.eval()  # the reference is the model without dropout
    trainer = trainer_class(
        model=model, args=arguments, train_dataset=Dataset.from_list(rows), processing_class=tokenizer
    )
    shutil.rmtree(out / ".trl", ignore_errors=True)
    logger.info("%s: %d pairs of answers", settings.method, len(rows))
    return trainer


def _length(row: dict[str, Any]) -> int:
    return sum(len(value) for key, value in row.items() if key.endswith("_ids") and isinstance(value, list))


def _on(value: Any, device: torch.device) -> Any:
    return value.to(device) if isinstance(value, torch.Tensor) else value


def _rewards(trainer: Any) -> dict[str, float]:
    """TRL's own figures of the step just done, and forgotten then: share of pairs told apart, margin."""
    kept = getattr(trainer, "_metrics", None) or getattr(trainer, "_stored_metrics", None) or {}
    of_step = kept.get("train", {})
    found = {
        key: round(sum(values) / len(values), 4)
        for key, values in of_step.items()
        if key in ("rewards/accuracies", "rewards/margins") and values
    }
    of_step.clear()
    return found
