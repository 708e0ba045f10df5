"""Texts in, translations out: in batches, greedy, one line an answer, with the prompt that the scores rest on."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from llimba.errors import LlimbaError
from llimba.languages.prompts import evaluation_prompt
from llimba.models.encoding import PromptTooLong
from llimba.models.generate import Answer, generate
from llimba.models.loading import LoadedModel
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
        opened: LoadedModel,
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
            made = generate(
                self._opened.model, self._opened.tokenizer, prompts, self._max_new_tokens, batch_size=self._batch
            )
            answers = iter(zip(prompts, made, strict=True))
            for line in batch:
                yield self._finished(line, *next(answers)) if line.strip() else LineTranslation("", True, ())

    def _prompt(self, line: str) -> list[int]:
        asked = evaluation_prompt(self._language, self._direction, line.strip())
        return self._opened.prompt([{"role": "user", "content": asked}], self._max_new_tokens)

    def _finished(self, line: str, prompt: list[int], made: Answer) -> LineTranslation:
        answer = (made.text.strip().split("\n") or [""])[0].strip()  # its first line that is not empty
        absent = missing(self._glossary, line, answer)
        if absent and self._forced:
            wanted = [term for term in self._glossary if term in absent]
            answer = force(self._opened, prompt, answer, wanted, self._max_new_tokens)
            absent = missing(self._glossary, line, answer)
        return LineTranslation(answer, made.stopped, tuple(absent))
