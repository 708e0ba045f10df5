"""The `model` engine: a causal model that already knows the language translates its own instruction data.

A base model after continued pretraining, asked by the chat template with the evaluation prompt, greedy.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from llimba.base_model import apply_contract, token_contract
from llimba.errors import StageError
from llimba.files import sha256
from llimba.language import Language
from llimba.prompts import evaluation_prompt
from llimba.recipe import ModelTranslation, Tokens
from llimba.translators.engine import Translation


class OwnModel:
    """Translates by asking the model, one line an answer."""

    def __init__(self, settings: ModelTranslation, language: Language, cpt: Path | None) -> None:
        """Opens `settings.folder`, else the model of the recipe's CPT stage folder."""
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        folder = settings.folder or (cpt / "model" if cpt is not None else None)
        if folder is None or not (folder / "config.json").exists():
            raise StageError(
                f"the engine `model` needs a model ({folder} is none). Name its folder, or give "
                "the recipe a cpt section."
            )
        self._settings, self._language, self.batch = settings, language, settings.batch_size
        self._direction = f"{settings.source_language}-{language.code}"
        self._tokenizer = AutoTokenizer.from_pretrained(folder)
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16)
        contract = token_contract(self._tokenizer, Tokens())  # a model of llimba's carries its contract
        apply_contract(model, self._tokenizer, contract)
        self._model, self._stops = model.to(self._device).eval(), set(contract.stop_ids)
        self.name = "model"
        self.identity: dict[str, Any] = {
            "engine": "model",
            "weights": sha256(folder / "model.safetensors") if (folder / "model.safetensors").exists() else str(folder),
            "direction": self._direction,
            "prompt": evaluation_prompt(language, self._direction, "..."),
            "max_new_tokens": settings.max_new_tokens,
            "tokens": contract.reasons,
        }

    def translate(self, sentences: Sequence[str]) -> list[Translation]:
        """The first line of every answer; an answer that does not stop comes back empty, and so is rejected."""
        import torch

        prompts = [
            self._tokenizer.apply_chat_template(
                [{"role": "user", "content": evaluation_prompt(self._language, self._direction, sentence)}],
                tokenize=False,
                add_generation_prompt=True,
            )
            for sentence in sentences
        ]
        given = self._tokenizer(prompts, return_tensors="pt", padding=True, add_special_tokens=False)
        given = given.to(self._device)
        with torch.inference_mode():
            made = self._model.generate(**given, max_new_tokens=self._settings.max_new_tokens, do_sample=False)
        answers = made[:, given["input_ids"].shape[1] :]
        stopped = [bool(self._stops & set(answer.tolist())) for answer in answers]
        texts = self._tokenizer.batch_decode(answers, skip_special_tokens=True)
        lines = [text.strip().split("\n")[0].strip() for text in texts]
        return [Translation(line if done else "") for line, done in zip(lines, stopped, strict=True)]
