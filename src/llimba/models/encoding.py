"""A conversation as the model reads it: the one place that renders a chat template, as text or as token ids.

`apply_chat_template` parses the text that people typed together with its own: whoever types "<|im_end|>" ends their
turn and can open one of the system's. In `encode` such characters stay the characters they are, as in training
(`training/examples.py`). Text without them is encoded exactly as the template alone would have it.
"""

import re
import secrets
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from llimba.errors import LlimbaError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Message = dict[str, str]  # role, content
CHARACTERS_PER_TOKEN = 32  # no text has more; longer ones are refused before a tokenizer looks at them


class PromptTooLong(LlimbaError):
    """What was asked does not fit the model's context with the answer."""


def chat_text(messages: Sequence[Message], tokenizer: "PreTrainedTokenizerBase") -> str:
    """A whole conversation as the tokenizer's chat template writes it."""
    text: str = tokenizer.apply_chat_template(list(messages), tokenize=False)
    return text


def chat_prompt(messages: Sequence[Message] | str, tokenizer: "PreTrainedTokenizerBase") -> str:
    """The same up to where the assistant's next answer begins; a string is a single message of the user's."""
    asked = [{"role": "user", "content": messages}] if isinstance(messages, str) else list(messages)
    text: str = tokenizer.apply_chat_template(asked, tokenize=False, add_generation_prompt=True)
    return text


def encode(messages: Sequence[Message], tokenizer: "PreTrainedTokenizerBase", room: int) -> list[int]:
    """Token ids of the conversation with the opening of an answer; raises `PromptTooLong` beyond `room` tokens."""
    characters = sum(len(message["content"]) for message in messages)
    if characters > room * CHARACTERS_PER_TOKEN:
        raise PromptTooLong(f"the text has {characters:,} characters, and {room:,} tokens is all there is room for.")
    control = [token for token in tokenizer.get_added_vocab() if token]
    if any(token in message["content"] for message in messages for token in control):
        ids = _piecewise(messages, tokenizer, control)
    else:
        ids = list(tokenizer(chat_prompt(messages, tokenizer), add_special_tokens=False)["input_ids"])
    if len(ids) > room:
        raise PromptTooLong(
            f"the text has {len(ids):,} tokens, and {room:,} is all there is room for. Shorten it, or ask for "
            "fewer new tokens."
        )
    return ids


def _piecewise(messages: Sequence[Message], tokenizer: "PreTrainedTokenizerBase", control: list[str]) -> list[int]:
    """The template's own text with its control tokens, and between it the contents without any."""
    marks = [f"llimba{secrets.token_hex(16)}{number}end" for number in range(len(messages))]
    marked = [{**message, "content": mark} for message, mark in zip(messages, marks, strict=True)]
    contents = {mark: message["content"] for mark, message in zip(marks, messages, strict=True)}
    ids: list[int] = []
    for piece in re.split("(" + "|".join(marks) + ")", chat_prompt(marked, tokenizer)):
        if piece in contents:
            ids += literal(contents[piece].strip(), tokenizer, control)
        elif piece:
            ids += tokenizer(piece, add_special_tokens=False)["input_ids"]
    return ids


def literal(text: str, tokenizer: "PreTrainedTokenizerBase", control: Sequence[str]) -> list[int]:
    """Ids of a text in which no control token is read: each that stands there is cut after its first character.

    `split_special_tokens` alone would leave added tokens that are not marked special, such as those for tools.
    """
    pattern = "|".join(re.escape(token) for token in sorted(control, key=len, reverse=True))
    cuts = [0, *(match.start() + 1 for match in re.finditer(f"(?={pattern})", text)), len(text)]
    ids: list[int] = []
    for start, end in pairwise(cuts):
        if start < end:
            ids += tokenizer(text[start:end], add_special_tokens=False, split_special_tokens=True)["input_ids"]
    return ids
