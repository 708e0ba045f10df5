"""lm-evaluation-harness in process: one model folder against the task files, answers and log-likelihoods out.

Added to the harness's own `hf` model: a note, per answer, of whether it ended by itself; prompts in the token ids that
the model is trained and asked with elsewhere; and BOS before every window of a text, for models that have one.
"""

import logging
import tempfile
from functools import partialmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import yaml

from llimba import progress
from llimba.errors import StageError
from llimba.manifest import Json
from llimba.models.device import inference_precision
from llimba.models.encoding import Message, chat_prompt, text_ids
from llimba.models.generate import end_ids
from llimba.models.loading import load_model
from llimba.recipe import EvaluateSection, Tokens

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

logger = logging.getLogger(__name__)

WINDOW = 2048  # tokens of context for bits per byte; longer texts are scored in disjoint windows
TEXT_BATCH = 4  # texts scored at once: their logits over the whole vocabulary are the largest thing in memory


def choose_precision(name: str) -> tuple[str, str]:
    """Resolve "auto" to the dtype that answers are computed in; returns (precision, reason)."""
    return (name, "set in the recipe") if name != "auto" else inference_precision()


def choose_batch_size(
    asked: int | None, config: "PretrainedConfig", tokens: int, memory: int | None
) -> tuple[int, str]:
    """How many answers are made at once; returns (number, reason).

    `tokens` is the longest prompt with its answer, `memory` the card's bytes (None: a CPU, whose cores are busy with
    16). Half of the memory is given to keys and values in bf16 and to the logits of a step; what the card has, not
    what happens to be free, decides, so that a rerun on it makes the same batches. A power of two, at most 256.
    """
    if asked is not None:
        return asked, "set in the recipe"
    if memory is None:
        return 16, "a CPU gains nothing from more"
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    each = tokens * config.num_hidden_layers * 2 * heads * width * 2 + 3 * config.vocab_size * 4
    fitting = max(1, min(256, memory // 2 // each))
    return 1 << (fitting.bit_length() - 1), f"{tokens} tokens each on {memory / 2**30:.0f} GiB"


def device() -> str:
    """What computes the answers, by name: digits may differ between two."""
    import torch

    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else f"CPU, {torch.get_num_threads()} threads"


def card_memory() -> int | None:
    """Bytes of the card's memory; None on a CPU."""
    import torch

    return torch.cuda.get_device_properties(0).total_memory if torch.cuda.is_available() else None


class RecordingModel(Protocol):
    """What `load` returns, as far as it is used here: the harness's `hf` model, which knows what ended by itself."""

    model: "PreTrainedModel"
    tokenizer: "PreTrainedTokenizerBase"
    bar: progress.Bar | None
    batch_size_per_gpu: int
    begin: bool

    def tok_encode(self, text: str, add_special_tokens: bool | None = None) -> list[int]:
        """Token ids of a text; it begins with BOS where there is one and `add_special_tokens`, else `begin`, says."""
        ...

    def stopped(self, prompt: str) -> bool:
        """Whether the answer to `prompt` ended by itself."""
        ...


def load(folder: Path, tokens: Tokens, settings: EvaluateSection) -> RecordingModel:
    """The harness's `hf` model over a transformers folder, with the token contract applied."""
    import torch
    from lm_eval.models.huggingface import HFLM

    class StopRecordingLM(HFLM):  # type: ignore[misc]
        """Remembers which prompts were answered with an end of their own."""

        def __init__(self, **kwargs: object) -> None:
            super().__init__(**kwargs)
            self._stopped: dict[tuple[int, ...], bool] = {}
            self._asked: set[tuple[int, ...]] = set()
            self.bar: progress.Bar | None = None
            self.begin = False  # whether prompts are plain text, which begins as the tokenizer begins one

        def tok_encode(
            self,
            string: str,
            add_special_tokens: bool | None = None,
            left_truncate_len: int | None = None,
            **_: object,
        ) -> list[int]:
            begin = self.begin if add_special_tokens is None else add_special_tokens
            return text_ids(string, self.tokenizer, begin=begin)[-(left_truncate_len or 0) :]

        def tok_batch_encode(
            self,
            strings: list[str],
            padding_side: str = "left",
            left_truncate_len: int | None = None,
            truncation: bool = False,
        ) -> tuple[torch.Tensor, torch.Tensor]:
            rows = [self.tok_encode(string, left_truncate_len=left_truncate_len) for string in strings]
            width, pad = max(map(len, rows)), self.tokenizer.pad_token_id
            ids = [[pad] * (width - len(row)) + row for row in rows]
            mask = [[0] * (width - len(row)) + [1] * len(row) for row in rows]
            return torch.tensor(ids), torch.tensor(mask)

        def generate_until(self, requests: list[Any], disable_tqdm: bool = False) -> list[str]:
            """As the harness does, our bar in place of its own; raises `StageError` before an answer is made of
            other tokens than ours.
            """
            self._asked = set()
            for prompt, how in (request.args for request in requests):
                ids = text_ids(prompt, self.tokenizer, begin=self.begin)
                if len(ids) + how["max_gen_toks"] > self.max_length:
                    raise StageError(
                        f"evaluate: a prompt of {len(ids)} tokens and {how['max_gen_toks']} new ones do not fit a "
                        f"window of {self.max_length}. Lower evaluate.max_new_tokens or num_fewshot."
                    )
                self._asked.add(tuple(ids))
            answers: list[str] = super().generate_until(requests, disable_tqdm=True)
            return answers

        def _model_generate(
            self, context: torch.Tensor, max_length: int, stop: list[str], **kwargs: torch.Tensor
        ) -> torch.Tensor:
            given = [
                tuple(i for i, m in zip(ids, mask, strict=True) if m)
                for ids, mask in zip(context.tolist(), kwargs["attention_mask"].tolist(), strict=True)
            ]
            if wrong := next((ids for ids in given if ids not in self._asked), None):
                raise StageError(
                    "evaluate: the harness asks with other tokens than llimba trains and answers with: "
                    f"{self.tokenizer.decode(list(wrong))!r} ({len(wrong)} tokens). Nothing was scored; report this "
                    "with the base model's name."
                )
            answers: torch.Tensor = super()._model_generate(context, max_length, stop, **kwargs)
            ends = torch.tensor(list(end_ids(self.model)), device=answers.device)
            made = answers[:, context.shape[1] :]
            stopped = torch.isin(made, ends).any(dim=1).tolist()
            if wanted := [text for text in stop if text not in self.tokenizer.all_special_tokens]:  # completion prompts
                said = self.tokenizer.batch_decode(made, skip_special_tokens=True)
                stopped = [one or any(s in text for s in wanted) for one, text in zip(stopped, said, strict=True)]
            self._advance(len(stopped))
            self._stopped |= dict(zip(given, stopped, strict=True))
            return answers

        def apply_chat_template(self, chat_history: list[Message], add_generation_prompt: bool = True) -> str:
            assert add_generation_prompt, "no task of ours begins the answer itself"
            return chat_prompt(chat_history, self.tokenizer)

        def _loglikelihood_tokens(self, requests: list[Any], *args: object, **kwargs: object) -> list[object]:
            self._advance(len(requests))
            begin = list(loaded.contract.begin_ids)
            if begin and all(key is None for key, _, _ in requests):  # windows of texts: each begins with BOS
                rest = ((before[1:] if before[0] == begin[-1] else before, after) for _, before, after in requests)
                requests = [(None, begin + before, after) for before, after in rest]
                self._max_length = WINDOW + len(begin)
            found: list[object] = super()._loglikelihood_tokens(requests, *args, **{**kwargs, "disable_tqdm": True})
            self._max_length = WINDOW
            return found

        def loglikelihood_rolling(self, requests: list[Any], disable_tqdm: bool = False) -> list[float]:
            """As the harness does; BOS is put before every window, not into the text."""
            self.begin = False
            scores: list[float] = super().loglikelihood_rolling(requests, disable_tqdm=True)
            return scores

        loglikelihood = partialmethod(HFLM.loglikelihood, disable_tqdm=True)  # our bar is shown in its place

        def _advance(self, amount: int) -> None:
            if self.bar is not None:
                self.bar.advance(amount)

        def stopped(self, prompt: str) -> bool:
            """Whether the answer to this prompt ended by itself, before the limit."""
            return self._stopped[tuple(self.tok_encode(prompt))]

    logging.getLogger("lm_eval").setLevel(logging.ERROR)  # it warns that a loaded model is not a name
    precision, reason = choose_precision(settings.precision)
    logger.info("  precision: %s (%s)", precision, reason)
    loaded = load_model(folder, tokens, torch.bfloat16 if precision == "bf16" else torch.float32)
    return StopRecordingLM(
        pretrained=loaded.model,
        tokenizer=loaded.tokenizer,
        batch_size=settings.batch_size or 1,
        max_length=WINDOW,
        softmax_dtype="float32",
        prefix_token_id=loaded.contract.start_id,  # the first token of a text is scored after BOS or a document's end
        device=loaded.model.device.type,
    )


def run_tasks(
    model: RecordingModel, folder: Path, names: list[str], *, chat: bool, batch_size: int, title: str
) -> dict[str, list[Json]]:
    """Samples of every task, as the harness logs them; greedy, no bootstrap here.

    The harness's `simple_evaluate` would look for a git commit and list this machine's packages at every call, seconds
    each time; the manifest has what matters of both.
    """
    from lm_eval import evaluate
    from lm_eval.tasks import TaskManager, get_task_dict

    model.batch_size_per_gpu, model.begin = batch_size, not chat
    requests = sum(len((folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()) for name in names)
    bar = progress.bar(title, requests, "answers" if chat else "texts")
    # datasets makes the path of its cache the name of a lock file, and one of ours may be too long for that
    with tempfile.TemporaryDirectory(prefix="llimba-") as cache, bar as model.bar:
        tasks = [yaml.safe_load((folder / f"{name}.yaml").read_text(encoding="utf-8")) for name in names]
        for task in tasks:
            task["dataset_kwargs"]["cache_dir"] = cache
        results = evaluate(
            lm=model,
            task_dict=get_task_dict(tasks, TaskManager(include_defaults=False)),
            apply_chat_template=chat,
            bootstrap_iters=0,
            log_samples=True,
        )
    samples: dict[str, list[Json]] = results["samples"]
    return samples
