"""A conversation with a model: history, and answers that arrive piece by piece."""

import logging
from collections.abc import Generator
from contextlib import closing

from llimba.models.encoding import Message, PromptTooLong
from llimba.models.loading import LoadedModel
from llimba.models.streaming import stream

logger = logging.getLogger(__name__)


class Chat:
    """Keeps the turns. What no longer fits is forgotten from the oldest turn on, the system prompt never."""

    def __init__(
        self, opened: LoadedModel, *, system: str | None = None, temperature: float = 0.0, max_new_tokens: int = 256
    ) -> None:
        """`temperature` 0 is greedy."""
        self._opened, self._temperature, self._max_new_tokens = opened, temperature, max_new_tokens
        self._system: list[Message] = [{"role": "system", "content": system}] if system else []
        self.turns: list[Message] = []

    def reset(self) -> None:
        """Forget every turn."""
        self.turns = []

    def answer(self, text: str) -> Generator[str, None, None]:
        """Pieces of the answer as they are made. The turn counts once the answer ends, or its reader stops early.

        Where a word takes long, empty pieces come meanwhile, so that a reader who wants to stop gets the chance.
        Raises `PromptTooLong` where `text` alone is too long; the conversation is then as it was before.
        """
        turns = [*self.turns, {"role": "user", "content": text}]
        ids = self._fit(turns)
        pieces: list[str] = []
        try:
            with closing(stream(self._opened, ids, self._max_new_tokens, temperature=self._temperature)) as answer:
                for piece in answer:
                    pieces.append(piece)
                    yield piece
        finally:
            if any(pieces):
                self.turns = [*turns, {"role": "assistant", "content": "".join(pieces).strip()}]

    def _fit(self, turns: list[Message]) -> list[int]:
        """Ids of the conversation; drops the oldest question with its answer from `turns` until the rest fits."""
        while True:
            try:
                return self._opened.prompt([*self._system, *turns], self._max_new_tokens)
            except PromptTooLong:
                if len(turns) < 3:
                    raise
                logger.info("the conversation outgrew the model's context: its oldest turn is forgotten")
                del turns[:2]
