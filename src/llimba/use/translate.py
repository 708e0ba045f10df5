"""Texts in, translations out: in batches, greedy, one line an answer, with the prompt that the scores rest on."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from llimba.errors import LlimbaError
from llimba.languages.prompts import evaluation_prompt
from llimba.models.encoding import PromptTooLong
from llimba.models.opened import Opened
from llimba.use.glossary import Term, force, missing


class LineTranslation(NamedTuple):
    """One line's translation; `missing` are glossary terms that it should hold and does not."""

    text: str
    stopped: bool  # the model ended it by itself; if not, it is cut at the limit of new tokens
    missing: tuple[Term, ...]


class Translator:
    """Translates lines from one language to another with an opened model."""

    def __init__(
        self,
        opened: Opened,
        source: str,
        target: str,
        *,
        batch_size: int = 8,
        max_new_tokens: int = 256,
        glossary: Sequence[Term] = (),
        forced: bool = False,
    ) -> None:
        """`source` and `target` are codes that the language profile has names for; raises `LlimbaError` otherwise."""
        if opened.language is None:
            raise LlimbaError(
                f"{opened.folder} holds no language.yaml, so llimba cannot word the prompt. Name the language profile "
                "with --profile, e.g. --profile srd."
            )
        for code in (source, target):
            if code not in opened.language.names:
                known = ", ".join(sorted(opened.language.names))
                raise LlimbaError(
                    f"the profile of {opened.language.iso639_3} has no name for '{code}' (known: {known})."
                )
        self._opened, self._language = opened, opened.language
        self._direction, self._batch, self._max_new_tokens = f"{source}-{target}", batch_size, max_new_tokens
        self._glossary, self._forced = list(glossary), forced

    def check(self, lines: Sequence[str]) -> None:
        """Raise `LlimbaError` with the number of the first line that is too long, before any is translated."""
        for number, line in enumerate(lines, 1):
            if line.strip():
                try:
                    self._prompt(line)
                except PromptTooLong as error:
                    raise LlimbaError(f"line {number}: {error}") from error

    def translate(self, lines: Sequence[str]) -> Iterator[LineTranslation]:
        """One translation a line, in order; an empty line stays empty."""
        for start in range(0, len(lines), self._batch):
            batch = lines[start : start + self._batch]
            prompts = [self._prompt(line) for line in batch if line.strip()]
            answers = iter(self._answers(prompts) if prompts else [])
            asked = iter(prompts)
            for line in batch:
                yield (
                    self._finished(line, next(asked), *next(answers)) if line.strip() else LineTranslation("", True, ())
                )

    def _prompt(self, line: str) -> list[int]:
        asked = evaluation_prompt(self._language, self._direction, line.strip())
        return self._opened.prompt([{"role": "user", "content": asked}], self._max_new_tokens)

    def _finished(self, line: str, prompt: list[int], answer: str, stopped: bool) -> LineTranslation:
        absent = missing(self._glossary, line, answer)
        if absent and self._forced:
            wanted = [term for term in self._glossary if term in absent]
            answer = force(self._opened, prompt, answer, wanted, self._max_new_tokens)
            absent = missing(self._glossary, line, answer)
        return LineTranslation(answer, stopped, tuple(absent))

    def _answers(self, prompts: Sequence[list[int]]) -> list[tuple[str, bool]]:
        """The first line of every answer that is not empty, and whether the model stopped by itself."""
        import torch

        opened = self._opened
        longest = max(len(prompt) for prompt in prompts)
        padded = [[opened.contract.pad_id] * (longest - len(prompt)) + prompt for prompt in prompts]
        mask = [[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts]
        device = opened.model.device
        with torch.inference_mode():
            made = opened.model.generate(
                input_ids=torch.tensor(padded, device=device),
                attention_mask=torch.tensor(mask, device=device),
                max_new_tokens=self._max_new_tokens,
                do_sample=False,
            )[:, longest:]
        stops = set(opened.contract.stop_ids)
        texts = opened.tokenizer.batch_decode(made, skip_special_tokens=True)
        return [
            ((text.strip().split("\n") or [""])[0].strip(), bool(stops & set(row)))
            for text, row in zip(texts, made.tolist(), strict=True)
        ]
