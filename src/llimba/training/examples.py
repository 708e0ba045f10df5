"""What happens to a document: text becomes token ids, and ids become examples that predict the next token.

An example is one unit of training that attends only to itself. Its labels are already shifted: `labels[t]` is the
token that follows `input_ids[t]`, or `IGNORED`. So the end of one document can never predict the start of the next,
and a long document is cut without loss: the last label of a piece is the first input of the following one. Every
token but the first is predicted exactly once, there is no end mark where the text does not end, and no overlap.

Why not TRL or transformers' collators: their truncation drops tails or trains overlaps twice (`wrapped` also leaks
across documents), and none keeps the language of each token for the mixture's count.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from llimba.errors import StageError
from llimba.models.encoding import chat_prompt, chat_text
from llimba.records import Conversation, Document

IGNORED = -100  # the label that cross-entropy leaves out, as everywhere in PyTorch


@dataclass(frozen=True, slots=True)
class Example:
    """One unit of training: `input_ids` int32 [n] and shifted `labels` int32 [n]."""

    document: str  # record id, for error messages
    language: str  # or what else a mixture counts it under
    input_ids: npt.NDArray[np.int32]
    labels: npt.NDArray[np.int32]
    phase: int = 0  # steps draw from one phase after another, never from two

    @property
    def num_loss_tokens(self) -> int:
        """Labels that count towards the loss."""
        return int((self.labels != IGNORED).sum())


def document_examples(
    documents: Iterable[Document], tokenizer: Any, separator_id: int, sequence_length: int
) -> Iterator[Example]:
    """Tokenise documents, end each with the separator, split at `sequence_length` inputs with every token kept.

    Control tokens that occur as text ("<|im_end|>" in a page about chat models) are encoded as the characters they
    are: only we write control tokens.
    """
    for document in documents:
        ids = tokenizer(document.text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
        yield from split([*ids, separator_id], sequence_length, document.id, document.language)


def split(ids: list[int], sequence_length: int, document: str, language: str) -> Iterator[Example]:
    """Cut one document's ids into examples of at most `sequence_length` inputs; n ids give n - 1 predictions."""
    array = np.asarray(ids, dtype=np.int32)
    for start in range(0, len(array) - 1, sequence_length):
        piece = array[start : start + sequence_length + 1]
        yield Example(document, language, piece[:-1], piece[1:])


def without_control_tokens(conversations: Iterable[Conversation], tokenizer: Any) -> Iterator[Conversation]:
    """Those in which nobody wrote a control token as text: it would end or forge a turn."""
    control = [token for token in tokenizer.all_special_tokens if token]
    for conversation in conversations:
        if not any(token in text for text in conversation.contents for token in control):
            yield conversation


def conversation_length(conversation: Conversation, tokenizer: Any) -> int:
    """Tokens of a whole conversation as the chat template writes it."""
    text = chat_text(conversation.messages, tokenizer)
    return len(tokenizer(text, add_special_tokens=False)["input_ids"])


def conversation_example(
    conversation: Conversation, tokenizer: Any, eos: str, sequence_length: int, last_answer_only: bool = False
) -> Example:
    """Tokenise one conversation by its chat template; only the assistant's tokens and the EOS after each count.

    A template with `{% generation %}` marks says itself what the assistant writes. For the others it is found by prefix
    difference: the template rendered up to the message with the generation prompt, against the template rendered with
    the message; this fails loudly where a template rewrites its past. Either way every answer must end with `eos`.
    Raises `StageError` with the conversation's id for a template that cannot say, and for a row in which nothing would
    be learned.
    """
    text = chat_text(conversation.messages, tokenizer)
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    ids = np.asarray(encoded["input_ids"], dtype=np.int32)
    starts = np.asarray([start for start, _ in encoded["offset_mapping"]])
    supervised = np.zeros(len(ids), dtype=bool)
    says_itself = "{% generation" in (tokenizer.chat_template or "").replace("{%-", "{%")
    answers = list((_marked if says_itself else _answers)(conversation, tokenizer, eos, text))
    for start, end in answers[-1:] if last_answer_only else answers:
        supervised |= (starts >= start) & (starts < end)
    labels = np.where(supervised, ids, IGNORED)[1 : sequence_length + 1].astype(np.int32)
    if not (labels != IGNORED).any():
        raise StageError(
            f"conversation {conversation.id}: no token would be supervised (no assistant message, or it starts beyond "
            f"the sequence_length of {sequence_length} tokens). Raise sequence_length or drop the conversation."
        )
    return Example(conversation.id, conversation.task, ids[: len(labels)], labels)


def _answers(conversation: Conversation, tokenizer: Any, eos: str, text: str) -> Iterator[tuple[int, int]]:
    """Start and end, in the rendered text, of every answer with its EOS, by prefix difference."""
    messages = conversation.messages
    for index, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        before = chat_prompt(messages[:index], tokenizer)
        after = chat_text(messages[: index + 1], tokenizer)
        end = after.find(eos, len(before))
        if not (after.startswith(before) and text.startswith(after.rstrip())) or end < 0:
            raise StageError(
                f"conversation {conversation.id}: the chat template does not keep earlier messages as they were, or "
                f"does not end an answer with {eos!r}, so the assistant's tokens cannot be told from the rest. "
                "Set base_model.tokens.eos, or use a model whose template ends answers with EOS."
            )
        yield len(before), end + len(eos)


def _marked(conversation: Conversation, tokenizer: Any, eos: str, text: str) -> Iterator[tuple[int, int]]:
    """Start and end, in the rendered text, of what the template itself marks as an answer, and its EOS.

    By characters: the token mask of `apply_chat_template` cuts an answer short that ends in a letter of several tokens.
    """
    from transformers.utils.chat_template_utils import render_jinja_template

    rendered, marks = render_jinja_template(
        [conversation.messages],
        chat_template=tokenizer.chat_template,
        return_assistant_tokens_mask=True,
        **tokenizer.special_tokens_map,
    )
    answers = sum(message["role"] == "assistant" for message in conversation.messages)
    if rendered[0] != text or len(marks[0]) != answers:
        raise StageError(
            f"conversation {conversation.id}: the chat template marks {len(marks[0])} answers, and there are {answers}."
            " Its generation marks are wrong; remove them from the template, and the answers are found without."
        )
    for start, end in marks[0]:
        inside = text.rfind(eos, start, end)
        if inside >= 0:
            yield start, inside + len(eos)  # some templates mark the newline after it too
        elif text.startswith(eos, end):
            yield start, end + len(eos)
        else:
            raise StageError(
                f"conversation {conversation.id}: the chat template does not end an answer with {eos!r}, so the model "
                "would never learn to stop. Set base_model.tokens.eos to the token that ends one."
            )
