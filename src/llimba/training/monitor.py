"""What a person sees of a run while it trains: `metrics.jsonl`, trackers, held-out text, samples.

Held-out bits per byte by language and a few greedy continuations are taken at the start, at intervals and at the end,
so that forgetting is seen while it happens. Curves go to TensorBoard or any tracker that accelerate knows by name.
Nothing here touches the weights or draws a random number: a run is the same bits with it and without it.
"""

import json
import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from accelerate import Accelerator
from accelerate.utils import ProjectConfiguration

from llimba import processes
from llimba.errors import StageError
from llimba.files import stable_fraction, write_jsonl
from llimba.models.encoding import written_around
from llimba.models.generate import generate
from llimba.recipe import TrainingSection
from llimba.records import Document
from llimba.reports.training_facts import HeldOutMetrics, TrainedFolder
from llimba.training import packing
from llimba.training.examples import Example, split
from llimba.training.model import PackedModel

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

logger = logging.getLogger(__name__)

EVALUATIONS_A_RUN = 5  # where `eval_steps` is not set
NEW_TOKENS = 32  # of a sample


@dataclass(frozen=True)
class HeldOut:
    """Text that is only evaluated on: examples and their bytes by language, and prompts to continue."""

    examples: Mapping[str, Sequence[Example]] = field(default_factory=dict)
    num_bytes: Mapping[str, int] = field(default_factory=dict)
    prompts: Sequence[str] = ()
    rendered: bool = False  # whether the chat template wrote the prompts


def held_out_examples(
    documents: Iterable[Document],
    languages: Sequence[str],
    max_bytes: int,
    tokenizer: "PreTrainedTokenizerBase",
    separator_id: int,
    sequence_length: int,
) -> HeldOut:
    """`max_bytes` of held-out text in each language, every token predicted, the first after BOS or, without, separator.

    The beginnings of documents, in an order fixed by their ids, none more than a quarter of the whole.
    """
    begin = written_around(tokenizer)[0]
    chosen: dict[str, list[Example]] = {}
    sizes: dict[str, int] = {}
    for document in sorted(documents, key=lambda d: stable_fraction("held out", d.id)):
        language, text = document.language, _beginning(document.text, max_bytes // 4)
        size = len(text.encode())
        if language in languages and 0 < size <= max_bytes - sizes.get(language, 0):
            ids = tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
            after = [] if begin else [separator_id]
            pieces = split([*after, *ids], sequence_length, document.id, language, begin)
            chosen.setdefault(language, []).extend(pieces)
            sizes[language] = sizes.get(language, 0) + size
    ordered = [language for language in languages if language in chosen]
    return HeldOut({language: chosen[language] for language in ordered}, sizes)


def _beginning(text: str, max_bytes: int) -> str:
    """As much of a text as fits, whole words."""
    if len(text.encode()) <= max_bytes:
        return text
    cut = text.encode()[:max_bytes].decode(errors="ignore")
    return cut[: max(cut.rfind(" "), cut.rfind("\n"), 0)]


class Monitor:
    """Keeps the account of one run; only the main process writes."""

    def __init__(
        self,
        out: Path,
        title: str,
        settings: TrainingSection,
        accelerator: Accelerator,
        held_out: HeldOut,
        num_steps: int,
        row_length: int,
        resumed: Mapping[str, list[dict[str, Any]]],
    ) -> None:
        """`resumed`: the rows up to the checkpoint continued from; what was written after it is dropped."""
        self._title, self._accelerator, self._held_out = title, accelerator, held_out
        self._row_length = row_length
        self._every = settings.eval_steps or max(1, math.ceil(num_steps / EVALUATIONS_A_RUN))
        self._last = num_steps
        self._main = accelerator.is_main_process
        folder = TrainedFolder(out)
        self._files = {
            path.name: path for path in (folder.metrics_file, folder.held_out_metrics_file, folder.samples_file)
        }
        self._metrics, self._held_out_metrics, self._samples = self._files
        self.rows = {name: list(resumed.get(name, [])) for name in self._files}
        self._behind: set[str] = set()  # files that lack rows
        if self._main:
            for name, rows in self.rows.items():
                write_jsonl(self._files[name], rows)
        accelerator.init_trackers(title)

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """The rows of `metrics.jsonl`, one a step."""
        return self.rows[self._metrics]

    @property
    def held_out_metrics(self) -> HeldOutMetrics:
        """The rows of `held_out_metrics.jsonl`."""
        return self.rows[self._held_out_metrics]

    def record(self, row: dict[str, Any]) -> None:
        """Keep one optimizer step's figures, and hand its numbers to the trackers."""
        self._append(self._metrics, row)
        curves = {f"train/{key}": value for key, value in row.items() if key != "step" and value is not None}
        self._log(curves, row["step"])

    def evaluate(
        self,
        step: int,
        wrapped: torch.nn.Module,
        packed: PackedModel,
        tokenizer: "PreTrainedTokenizerBase",
        autocast: AbstractContextManager[Any],
    ) -> None:
        """After `step` steps, where one is due: held-out bits per byte, and samples (one process only)."""
        due = step in (0, self._last) or step % self._every == 0
        if not due or any(row["step"] == step for row in self.held_out_metrics):
            return
        wrapped.eval()
        with torch.no_grad(), autocast:
            found = {language: self._bits_per_byte(wrapped, language) for language in self._held_out.examples}
        if found:
            self._append(
                self._held_out_metrics,
                {"step": step, **{language: round(value, 4) for language, value in found.items()}},
            )
            self._log({f"held_out/{language}": value for language, value in found.items()}, step)
            shown = ", ".join(f"{language} {value:.3f}" for language, value in found.items())
            logger.info("%s: step %d of %d: held-out bits per byte %s", self._title, step, self._last, shown)
        if self._accelerator.num_processes == 1 and self._held_out.prompts:
            with torch.no_grad(), autocast, packed.generating():
                self._sample(step, packed, tokenizer)
        wrapped.train()

    def close(self) -> None:
        """Write what a full disk had refused, and flush the trackers.

        Not `end_training`, which would also end the process group that the next stage needs.
        """
        for name in self._behind:
            write_jsonl(self._files[name], self.rows[name])
        for tracker in self._accelerator.trackers:
            tracker.finish()

    def _bits_per_byte(self, wrapped: torch.nn.Module, language: str) -> float:
        rows = packing.pack(self._held_out.examples[language], self._row_length)
        device = self._accelerator.device
        nats = sum(float(wrapped(row.to(device))) for row in rows)
        return nats / math.log(2) / self._held_out.num_bytes[language]

    def _sample(self, step: int, packed: PackedModel, tokenizer: "PreTrainedTokenizerBase") -> None:
        """Greedy continuations."""
        for prompt in self._held_out.prompts:
            (answer,) = generate(packed.model, tokenizer, [prompt], NEW_TOKENS, begin=not self._held_out.rendered)
            text = tokenizer.decode(answer.token_ids, skip_special_tokens=False)
            self._append(self._samples, {"step": step, "prompt": prompt, "text": text})
            shown = [" ".join(part.split()) for part in (prompt, text)]
            logger.info("%s: step %d: %s ⟶ %s", self._title, step, shown[0][-80:], shown[1][:100])

    def _append(self, name: str, row: dict[str, Any]) -> None:
        """Keep a row, in memory and in its file; a disk that is full does not end the training."""
        self.rows[name].append(row)
        if not self._main:
            return
        try:
            if name in self._behind:
                write_jsonl(self._files[name], self.rows[name])
                self._behind.discard(name)
            else:
                with self._files[name].open("a", encoding="utf-8") as handle:
                    handle.write(json.dumps(row, ensure_ascii=False) + "\n")
        except OSError as error:
            if name not in self._behind:
                logger.warning("%s cannot be written (%s): its rows are kept in memory", self._files[name], error)
            self._behind.add(name)

    def _log(self, values: dict[str, Any], step: int) -> None:
        """Hand numbers to the trackers, whose files a full disk may refuse."""
        try:
            self._accelerator.log(values, step=step)
        except OSError as error:
            logger.warning("step %d: the trackers could not write (%s)", step, error)


def open_accelerator(report_to: Sequence[str], out: Path) -> Accelerator:
    """accelerate, with the trackers that the recipe names; raises `StageError` for one that is not to be had."""
    project = ProjectConfiguration(project_dir=str(out), logging_dir=str(out / "trackers"))
    try:
        cpu = not torch.cuda.is_available() and processes.count() > 1  # or each process would think itself alone
        accelerator = Accelerator(cpu=cpu or None, log_with=list(report_to) or None, project_config=project)
    except ValueError as error:
        raise StageError(f"report_to: {error}") from error
    if len(accelerator.log_with) < len(report_to):
        there = {str(tracker) for tracker in accelerator.log_with}
        missing = ", ".join(name for name in report_to if name not in there)
        raise StageError(
            f"report_to: {missing} is not installed: `pip install {missing}`, or set report_to: [] (metrics.jsonl is "
            "written anyway)."
        )
    return accelerator
