"""Text and conversations as the model reads them: where a text begins, and the one place that renders a chat template.

A text begins with what the tokenizer itself writes before one (BOS, where a model has it). A rendered conversation is
left as its template writes it, as transformers and vLLM leave it: so BOS is never there twice. A system message that a
template refuses or drops goes into the first user turn, and a template that can think is told not to, since nobody's
conversations hold thoughts to train on: in training and in use alike.

`apply_chat_template` parses the text that people typed together with its own: whoever types "<|im_end|>" ends their
turn and can open one of the system's. In `encode` such characters stay the characters they are, as in training
(`training/examples.py`). Text without them is encoded exactly as the template alone would have it.
"""

import re
import secrets
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from llimba.errors import LlimbaError
from llimba.models.template import RENDERER, Rendered, TemplateRefused, TemplateUnsafe

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Message = dict[str, str]  # role, content
# written before the template of a model that can think, so that whoever serves it asks as it was trained to be asked
NO_THOUGHTS = "{% if enable_thinking is not defined %}{% set enable_thinking = false %}{% endif %}"
CHARACTERS_PER_TOKEN = 32  # no text has more; longer ones are refused before a tokenizer looks at them


class PromptTooLong(LlimbaError):
    """What was asked does not fit the model's context with the answer."""


def written_around(tokenizer: "PreTrainedTokenizerBase") -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Ids that the tokenizer itself writes before a text, and after it; () where it writes nothing."""
    bare, whole = (list(tokenizer("a", add_special_tokens=special)["input_ids"]) for special in (False, True))
    at = next((at for at in range(len(whole)) if whole[at : at + len(bare)] == bare), 0)
    return tuple(whole[:at]), tuple(whole[at + len(bare) :])


def text_ids(text: str, tokenizer: "PreTrainedTokenizerBase", *, begin: bool = True) -> list[int]:
    """Ids of a prompt: plain text begins as the tokenizer begins one; `begin` False: the chat template wrote it."""
    ids = list(tokenizer(text, add_special_tokens=False)["input_ids"])
    before = list(written_around(tokenizer)[0]) if begin else []
    return ids if ids[: len(before)] == before else before + ids


def takes_system(tokenizer: "PreTrainedTokenizerBase") -> bool:
    """Whether the chat template writes a system message down; decided once per template, by trying."""
    special = tuple(sorted((k, v) for k, v in tokenizer.special_tokens_map.items() if isinstance(v, str)))
    return _takes_system(tokenizer.get_chat_template(), special)


@lru_cache
def _takes_system(template: str, special: tuple[tuple[str, str], ...]) -> bool:
    asked = [{"role": "system", "content": "llimba-s"}, {"role": "user", "content": "llimba-u"}]
    try:
        return "llimba-s" in RENDERER.render(template, asked, dict(special), opening=True).text
    except TemplateRefused:
        return False


def chat_text(messages: Sequence[Message], tokenizer: "PreTrainedTokenizerBase") -> str:
    """A whole conversation as the tokenizer's chat template writes it; raises `TemplateRefused`."""
    return _rendered(messages, tokenizer, opening=False)


def chat_prompt(messages: Sequence[Message] | str, tokenizer: "PreTrainedTokenizerBase") -> str:
    """The same up to where the assistant's next answer begins; a string is a single message of the user's."""
    asked = [{"role": "user", "content": messages}] if isinstance(messages, str) else messages
    return _rendered(asked, tokenizer, opening=True)


def with_system_in_first_turn(messages: Sequence[Message]) -> list[Message]:
    """Without a system message: its text, an empty line and the first user turn are one message."""
    system, *rest = messages
    if not rest or rest[0]["role"] != "user":
        return [{**system, "role": "user"}, *rest]
    return [{**rest[0], "content": f"{system['content']}\n\n{rest[0]['content']}"}, *rest[1:]]


def chat_marks(messages: Sequence[Message], tokenizer: "PreTrainedTokenizerBase") -> tuple[str, list[tuple[int, int]]]:
    """`chat_text`, and start and end in it of what the template's `{% generation %}` marks as the assistant's."""
    rendered = _render(messages, tokenizer, marked=True)
    return rendered.text, rendered.marks


def _rendered(messages: Sequence[Message], tokenizer: "PreTrainedTokenizerBase", *, opening: bool) -> str:
    return _render(messages, tokenizer, opening=opening).text


def _render(
    messages: Sequence[Message], tokenizer: "PreTrainedTokenizerBase", *, opening: bool = False, marked: bool = False
) -> Rendered:
    if not messages:
        raise TemplateRefused("the conversation has no messages.")
    try:
        template = tokenizer.get_chat_template()
    except ValueError as error:
        raise TemplateRefused(str(error).splitlines()[0]) from error
    variables = {**tokenizer.special_tokens_map, "enable_thinking": False}
    try:
        return RENDERER.render(template, _for_template(messages, tokenizer), variables, opening=opening, marked=marked)
    except TemplateUnsafe as error:
        raise TemplateUnsafe(f"{tokenizer.name_or_path}: {error} Do not use this model.") from error


def _for_template(messages: Sequence[Message], tokenizer: "PreTrainedTokenizerBase") -> list[Message]:
    if messages and messages[0]["role"] == "system" and not takes_system(tokenizer):
        return with_system_in_first_turn(messages)
    return list(messages)


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
