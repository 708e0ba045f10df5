"""Preference data for DPO and ORPO: conversations with a better and a worse last answer become pairs of examples."""

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from llimba.errors import StageError
from llimba.records import Conversation
from llimba.training.examples import conversation_example
from llimba.training.objectives import AnswerPair

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from llimba.recipe import SftSection


def answer_pairs(
    conversations: Iterable[Conversation], tokenizer: "PreTrainedTokenizerBase", eos: str, settings: "SftSection"
) -> list[AnswerPair]:
    """The conversations that hold a rejected answer, in the tokenizer's ids; only the last answer counts.

    Raises `StageError` where none does, and for one whose answer begins beyond `sequence_length`.
    """
    pairs = []
    for chosen in conversations:
        if chosen.rejected:
            last = {"role": "assistant", "content": chosen.rejected}
            both = (chosen, replace(chosen, messages=[*chosen.messages[:-1], last]))
            length = settings.sequence_length
            pairs.append(AnswerPair(*(conversation_example(c, tokenizer, eos, length, True) for c in both)))
    if not pairs:
        raise StageError(
            f"sft.method: {settings.method} needs preference data, and no conversation holds a rejected answer. Add a "
            "source with prompt, chosen and rejected (yields: conversations)."
        )
    return pairs
