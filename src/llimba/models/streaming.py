"""An answer piece by piece, as it is made: for the terminal, the page, and the server.

transformers' streamer makes text of tokens; here is what it lacks: who stops reading ends the generation, a stop string
is never shown in part, and the answer says how it ended.
"""

import queue
import threading
from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from llimba.errors import LlimbaError
from llimba.models.generate import end_ids, sampling

if TYPE_CHECKING:
    from llimba.models.loading import LoadedModel

BREATH_SECONDS = 0.5


class ModelFailed(LlimbaError):
    """The model could not answer: out of memory, a device that is gone."""


class Ended(NamedTuple):
    """How an answer ended."""

    reason: Literal["stop", "length"]  # by itself or at a stop string; at the most tokens
    tokens: int  # that were made


def stream(
    opened: "LoadedModel",
    ids: Sequence[int],
    max_new_tokens: int,
    *,
    temperature: float = 0.0,
    top_p: float = 1.0,
    seed: int | None = None,
    stop: Sequence[str] = (),
) -> Generator[str, None, Ended]:
    """Pieces of the answer to a prompt's ids; greedy at temperature 0. Returns how it ended.

    Where a token takes long, empty pieces come meanwhile, so that a reader who wants to stop gets the chance; closing
    the generator ends the generation. Only one may run at a time: `seed` sets torch's generator, which all share.
    Raises `ModelFailed`.
    """
    import torch
    from transformers import StoppingCriteria, StoppingCriteriaList, TextIteratorStreamer

    class Stopped(StoppingCriteria):  # type: ignore[misc]
        """Counts the tokens, and ends the generation when the reader has gone."""

        def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor, **_: object) -> torch.Tensor:
            made.append(int(input_ids[0, -1]))
            return torch.full((input_ids.shape[0],), gone.is_set(), dtype=torch.bool, device=input_ids.device)

    gone, failure, made = threading.Event(), list[BaseException](), list[int]()
    streamer = TextIteratorStreamer(
        opened.tokenizer, skip_prompt=True, skip_special_tokens=True, timeout=BREATH_SECONDS
    )
    given = torch.tensor([list(ids)], device=opened.model.device)
    how = sampling(temperature) | ({"top_p": top_p} if temperature else {})
    if seed is not None:
        torch.manual_seed(seed)

    def generate() -> None:
        try:
            with torch.inference_mode():
                opened.model.generate(
                    input_ids=given,
                    attention_mask=torch.ones_like(given),
                    max_new_tokens=max_new_tokens,
                    streamer=streamer,
                    stopping_criteria=StoppingCriteriaList([Stopped()]),
                    **how,
                )
        except (RuntimeError, ValueError, MemoryError) as error:
            failure.append(error)
            streamer.end()

    worker = threading.Thread(target=generate, daemon=True)
    worker.start()
    try:
        stopped = yield from _until(_breathing(streamer), stop)
    finally:
        gone.set()
        worker.join()
    if failure:
        raise ModelFailed(f"the model could not answer ({failure[0]}).") from failure[0]
    return Ended("stop" if stopped or not end_ids(opened.model).isdisjoint(made) else "length", len(made))


def _breathing(streamer: Iterator[str]) -> Iterator[str]:
    """Pieces of a streamer, and an empty one whenever it had nothing for `BREATH_SECONDS`."""
    while True:
        try:
            yield next(streamer)
        except queue.Empty:
            yield ""
        except StopIteration:
            return


def _until(pieces: Iterator[str], stop: Sequence[str]) -> Generator[str, None, bool]:
    """The pieces up to the first of the stop strings; returns whether one came. What may begin one is held back."""
    held = ""
    for piece in pieces:
        held += piece
        places = [place for one in stop if (place := held.find(one)) >= 0]
        if places:
            yield held[: min(places)]
            return True
        keep = max((n for one in stop for n in range(1, len(one)) if held.endswith(one[:n])), default=0)
        yield held[: len(held) - keep]
        held = held[len(held) - keep :]
    if held:
        yield held
    return False
