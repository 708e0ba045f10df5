"""The `model` engine: a causal model that already knows the language translates, by transformers or by vLLM.

A model after continued pretraining, asked by the chat template with the evaluation prompt or by the completion prompt,
greedy. vLLM is taken where it is installed and a GPU is there: it answers hundreds at a time.
"""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from llimba.errors import StageError, Unavailable
from llimba.files import sha256
from llimba.languages.profile import Language
from llimba.languages.prompts import completion_prompt, evaluation_prompt
from llimba.models.base_model import TokenContract, token_contract
from llimba.models.encoding import chat_prompt, text_ids
from llimba.models.generate import generate
from llimba.models.loading import load_model, load_tokenizer
from llimba.models.translators.engine import Engine, Identity, Translation
from llimba.recipe import ModelTranslation, Tokens

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def open_own_model(settings: ModelTranslation, language: Language, cpt: Path | None) -> Engine:
    """The engine for `settings.folder`, else for the model of the recipe's CPT stage folder."""
    import torch

    there = find_spec("vllm") is not None
    if settings.backend == "vllm" and not there:
        raise Unavailable("backend: vllm, which is not installed: `pip install vllm` (it needs a GPU), or say auto.")
    if settings.backend == "vllm" or (settings.backend == "auto" and there and torch.cuda.is_available()):
        return VllmModel(settings, language, cpt)
    return OwnModel(settings, language, cpt)


def _folder(settings: ModelTranslation, cpt: Path | None) -> Path:
    folder = settings.folder or (cpt / "model" if cpt is not None else None)
    if folder is None or not (folder / "config.json").exists():
        raise StageError(
            f"the engine `model` needs a model ({folder} is none). Name its folder, or give the recipe a cpt section."
        )
    return folder


class _Asked:
    """What both backends share: the prompts, and what counts of an answer."""

    def __init__(
        self,
        settings: ModelTranslation,
        language: Language,
        folder: Path,
        backend: str,
        tokenizer: "PreTrainedTokenizerBase",
        contract: TokenContract,
    ) -> None:
        self._settings, self._language, self._tokenizer = settings, language, tokenizer
        self._direction = f"{settings.source_language}-{settings.target_language or language.code}"
        self._chat = settings.prompt == "chat"
        self.name = "model"
        self.identity: Identity = {
            "engine": "model",
            "backend": backend,
            "weights": sha256(folder / "model.safetensors") if (folder / "model.safetensors").exists() else str(folder),
            "direction": self._direction,
            "prompt": self._words("..."),
            "max_new_tokens": settings.max_new_tokens,
            "tokens": contract.reasons,
        }

    def _words(self, sentence: str) -> str:
        word = evaluation_prompt if self._chat else completion_prompt
        return word(self._language, self._direction, sentence)

    def _prompt(self, sentence: str) -> str:
        words = self._words(sentence)
        return chat_prompt(words, self._tokenizer) if self._chat else words

    @staticmethod
    def _line(text: str, stopped: bool) -> Translation:
        """The first line of an answer; one that was cut off in it comes back empty, and so is rejected."""
        line, newline, _ = text.lstrip().partition("\n")
        return Translation(line.strip() if stopped or newline else "")


class OwnModel(_Asked):
    """Translates by asking the model through transformers, one line an answer."""

    def __init__(self, settings: ModelTranslation, language: Language, cpt: Path | None) -> None:
        """Loads `settings.folder`, else the model of the recipe's CPT stage folder, in bf16."""
        import torch

        loaded = load_model(_folder(settings, cpt), dtype=torch.bfloat16)
        super().__init__(settings, language, loaded.folder, "transformers", loaded.tokenizer, loaded.contract)
        self._model, self.batch = loaded.model, settings.batch_size

    def translate(self, sentences: Sequence[str]) -> list[Translation]:
        """One translation a sentence."""
        answers = generate(
            self._model,
            self._tokenizer,
            [self._prompt(sentence) for sentence in sentences],
            self._settings.max_new_tokens,
            batch_size=self.batch,
            stop_strings=() if self._chat else ("\n",),
            begin=not self._chat,
        )
        return [self._line(answer.text, answer.stopped) for answer in answers]


class VllmModel(_Asked):
    """The same through vLLM."""

    batch = 512  # vLLM schedules them itself; what is kept when a run is killed

    def __init__(self, settings: ModelTranslation, language: Language, cpt: Path | None) -> None:
        """Starts vLLM's engine in this process."""
        from vllm import LLM, SamplingParams

        folder = _folder(settings, cpt)
        tokenizer = load_tokenizer(folder)
        contract = token_contract(tokenizer, Tokens())
        super().__init__(settings, language, folder, "vllm", tokenizer, contract)
        self._model = LLM(model=str(folder), dtype="bfloat16")
        self._sampling = SamplingParams(
            temperature=0.0,
            max_tokens=settings.max_new_tokens,
            stop_token_ids=contract.stop_ids,
            stop=None if self._chat else ["\n"],
        )

    def translate(self, sentences: Sequence[str]) -> list[Translation]:
        """One translation a sentence."""
        prompts = [self._prompt(sentence) for sentence in sentences]
        ids = [text_ids(prompt, self._tokenizer, begin=not self._chat) for prompt in prompts]
        answers = self._model.generate([{"prompt_token_ids": one} for one in ids], self._sampling, use_tqdm=False)
        firsts = [answer.outputs[0] for answer in answers]
        return [self._line(first.text, first.finish_reason == "stop") for first in firsts]
