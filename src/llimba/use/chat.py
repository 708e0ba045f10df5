"""A conversation with a model: history, and answers that arrive piece by piece."""

import logging
import queue
import threading
from collections.abc import Generator, Iterator

from llimba.errors import LlimbaError
from llimba.models.encoding import Message, PromptTooLong
from llimba.models.generate import sampling
from llimba.models.loading import LoadedModel

logger = logging.getLogger(__name__)
BREATH_SECONDS = 0.5


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
            for piece in self._stream(ids):
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

    def _stream(self, ids: list[int]) -> Iterator[str]:
        import torch
        from transformers import StoppingCriteria, StoppingCriteriaList, TextIteratorStreamer

        class Stopped(StoppingCriteria):  # type: ignore[misc]
            """Ends the generation when the reader has gone."""

            def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor, **_: object) -> torch.Tensor:
                return torch.full((input_ids.shape[0],), gone.is_set(), dtype=torch.bool, device=input_ids.device)

        gone, failure = threading.Event(), list[BaseException]()
        opened = self._opened
        streamer = TextIteratorStreamer(
            opened.tokenizer, skip_prompt=True, skip_special_tokens=True, timeout=BREATH_SECONDS
        )
        given = torch.tensor([ids], device=opened.model.device)

        def generate() -> None:
            try:
                with torch.inference_mode():
                    opened.model.generate(
                        input_ids=given,
                        attention_mask=torch.ones_like(given),
                        max_new_tokens=self._max_new_tokens,
                        streamer=streamer,
                        stopping_criteria=StoppingCriteriaList([Stopped()]),
                        **sampling(self._temperature),
                    )
            except (RuntimeError, ValueError, MemoryError) as error:
                failure.append(error)
                streamer.end()

        worker = threading.Thread(target=generate, daemon=True)
        worker.start()
        try:
            yield from _breathing(streamer)
        finally:
            gone.set()
            worker.join()
        if failure:
            raise LlimbaError(f"the model could not answer ({failure[0]}).") from failure[0]


def _breathing(streamer: Iterator[str]) -> Iterator[str]:
    """Pieces of a streamer, and an empty one whenever it had nothing for `BREATH_SECONDS`."""
    while True:
        try:
            yield next(streamer)
        except queue.Empty:
            yield ""
        except StopIteration:
            return
