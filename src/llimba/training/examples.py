"""What happens to a document: text becomes token ids, and ids become examples that predict the next token.

An example is one unit of training that attends only to itself. Its labels are already shifted: `labels[t]` is the
token that follows `input_ids[t]`, or `IGNORED`. So the end of one document can never predict the start of the next,
and a long document is cut without loss: the last label of a piece is the first input of the following one. Every
token but the first is predicted exactly once, there is no end mark where the text does not end, and no overlap.

Why not TRL or transformers' collators: their truncation drops tails or trains overlaps twice (`wrapped` also leaks
across documents), and none keeps the language of each token for the mixture's count.

Where the tokenizer itself puts BOS before a text, every piece of a document begins with it, as at inference; BOS is
never predicted.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from llimba.errors import StageError
from llimba.models.encoding import chat_marks, chat_prompt, chat_text, written_around
from llimba.models.template import TemplateRefused
from llimba.records import Conversation, Document

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

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
    documents: Iterable[Document], tokenizer: "PreTrainedTokenizerBase", separator_id: int, sequence_length: int
) -> Iterator[Example]:
    """Tokenise documents, end each with the separator, split at `sequence_length` inputs with every token kept.

    Control tokens that occur as text ("<|im_end|>" in a page about chat models) are encoded as the characters they
    are: only we write control tokens.
    """
    begin = written_around(tokenizer)[0]
    for document in documents:
        ids = tokenizer(document.text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
        yield from split([*ids, separator_id], sequence_length, document.id, document.language, begin)


def split(
    ids: Sequence[int], sequence_length: int, document: str, language: str, begin: tuple[int, ...] = ()
) -> Iterator[Example]:
    """Cut one document's ids into examples of at most `sequence_length` inputs, each after the ids `begin`.

    n ids give n - 1 predictions; n where there is something to begin with, which is not predicted itself.
    """
    array = np.asarray([*begin[-1:], *ids], dtype=np.int32)
    room = max(1, sequence_length - len(begin))
    for start in range(0, len(array) - 1, room):
        piece = array[start : start + room + 1]
        before = np.asarray(begin if start else begin[:-1], dtype=np.int32)
        unpredicted = np.full(len(before), IGNORED, dtype=np.int32)
        yield Example(
            document,
            language,
            np.concatenate([before, piece[:-1]]),
            np.concatenate([unpredicted, piece[1:]]),
        )


def check_beginnings(examples: Iterable[Example], tokenizer: "PreTrainedTokenizerBase") -> None:
    """Raise `StageError` where a document does not begin as the tokenizer begins a text: BOS lost."""
    begin = list(written_around(tokenizer)[0])
    for example in examples:
        if example.input_ids[: len(begin)].tolist() != begin:
            raise StageError(
                f"BOS lost: the tokenizer begins a text with {tokenizer.decode(begin)!r}, and the document "
                f"{example.document} does not. Nothing was trained; this is a fault of llimba, please report it."
            )


def without_control_tokens(
    conversations: Iterable[Conversation], tokenizer: "PreTrainedTokenizerBase"
) -> Iterator[Conversation]:
    """Those in which nobody wrote a control token as text: it would end or forge a turn."""
    added = {token.content for token in tokenizer.added_tokens_decoder.values() if token.special}
    control = [token for token in added.union(tokenizer.all_special_tokens) if token]
    for conversation in conversations:
        if not any(token in text for text in conversation.contents for token in control):
            yield conversation


def conversation_length(conversation: Conversation, tokenizer: "PreTrainedTokenizerBase") -> int:
    """Tokens of a whole conversation as the chat template writes it."""
    with _named(conversation):
        text = chat_text(conversation.messages, tokenizer)
    return len(tokenizer(text, add_special_tokens=False)["input_ids"])


@contextmanager
def _named(conversation: Conversation) -> Iterator[None]:
    """What a chat template refuses becomes a `StageError` with the conversation's id."""
    try:
        yield
    except TemplateRefused as error:
        raise StageError(f"conversation {conversation.id}: {error}. Fix the row or remove it.") from error


def conversation_example(
    conversation: Conversation,
    tokenizer: "PreTrainedTokenizerBase",
    eos: str,
    sequence_length: int,
    last_answer_only: bool = False,
) -> Example:
    """The last of `conversation_examples`, which is the only one with most templates."""
    return conversation_examples(conversation, tokenizer, eos, sequence_length, last_answer_only)[-1]


def conversation_examples(
    conversation: Conversation,
    tokenizer: "PreTrainedTokenizerBase",
    eos: str,
    sequence_length: int,
    last_answer_only: bool = False,
) -> list[Example]:
    """Tokenise one conversation by its chat template; only the assistant's tokens and the EOS after each count.

    A template with `{% generation %}` marks says itself what the assistant writes. For the others it is found by prefix
    difference: the template rendered up to the message with the generation prompt, against the template rendered with
    the message. Every answer must end with `eos`. One example, where the rendered whole holds every prompt as it is
    asked at inference; where the template rewrites earlier turns, or a token reaches over the border between prompt and
    answer, one example an answer, prompt and answer encoded as they are at inference. Raises `StageError` with the
    conversation's id for a template that cannot say, and for a row in which nothing would be learned.
    """
    with _named(conversation):
        whole = _in_one(conversation, tokenizer, eos, last_answer_only)
        parts = [whole] if whole is not None else _by_answer(conversation, tokenizer, eos)
    examples = []
    for ids, supervised in parts[-1:] if last_answer_only else parts:
        labels = np.where(supervised, ids, IGNORED)[1 : sequence_length + 1].astype(np.int32)
        if (labels != IGNORED).any():
            examples.append(Example(conversation.id, conversation.task, ids[: len(labels)], labels))
    if not examples:
        raise StageError(
            f"conversation {conversation.id}: no token would be supervised (no assistant message, or it starts beyond "
            f"the sequence_length of {sequence_length} tokens). Raise sequence_length or drop the conversation."
        )
    return examples


_Part = tuple[npt.NDArray[np.int32], npt.NDArray[np.bool_]]  # ids, and which of them are the assistant's


def _in_one(
    conversation: Conversation, tokenizer: "PreTrainedTokenizerBase", eos: str, last_answer_only: bool
) -> _Part | None:
    """The conversation as it is rendered whole; None where its prompts are not those of inference."""
    text = chat_text(conversation.messages, tokenizer)
    says_itself = "{% generation" in tokenizer.get_chat_template().replace("{%-", "{%")
    answers = list((_marked if says_itself else _answers)(conversation, tokenizer, eos, text))
    if None in answers:
        return None
    spans = [span for span in answers[-1:] if span] if last_answer_only else [span for span in answers if span]
    return _encoded(text, spans, tokenizer)


def _encoded(text: str, spans: Iterable[tuple[int, int]], tokenizer: "PreTrainedTokenizerBase") -> _Part | None:
    """A rendered text whose `spans` are supervised; None where a token reaches over the beginning of one."""
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    starts, ends = np.asarray(encoded["offset_mapping"]).reshape(-1, 2).T
    supervised = np.zeros(len(starts), dtype=bool)
    for start, end in spans:
        if ((starts < start) & (ends > start)).any():
            return None
        supervised |= (starts >= start) & (starts < end)
    return np.asarray(encoded["input_ids"], dtype=np.int32), supervised


def _by_answer(conversation: Conversation, tokenizer: "PreTrainedTokenizerBase", eos: str) -> list[_Part]:
    """Every answer after the prompt that asks for it at inference."""
    parts = []
    for index, message in enumerate(conversation.messages):
        if message["role"] != "assistant":
            continue
        prompt, whole = _as_asked(conversation, index, tokenizer)
        kept = whole.startswith(prompt)
        start = len(prompt) if kept else whole.rfind(message["content"].strip())
        end = whole.find(eos, start) + len(eos)
        if start < 0 or end < len(eos):
            raise _unclear(conversation, eos)
        part = _encoded(whole[:end], [(start, end)], tokenizer) if kept else None
        if part is None:
            asked, said = (
                tokenizer(text, add_special_tokens=False)["input_ids"] for text in (prompt, whole[start:end])
            )
            part = np.asarray([*asked, *said], dtype=np.int32), np.arange(len(asked) + len(said)) >= len(asked)
        parts.append(part)
    return parts


def _answers(
    conversation: Conversation, tokenizer: "PreTrainedTokenizerBase", eos: str, text: str
) -> Iterator[tuple[int, int] | None]:
    """Start and end, in the rendered text, of every answer with its EOS, by prefix difference; None where it fails."""
    for index, message in enumerate(conversation.messages):
        if message["role"] != "assistant":
            continue
        before, after = _as_asked(conversation, index, tokenizer)
        end = after.find(eos, len(before))
        if not (after.startswith(before) and text.startswith(after.rstrip())):
            yield None
        elif end < 0:
            raise _unclear(conversation, eos)
        else:
            yield len(before), end + len(eos)


def _as_asked(conversation: Conversation, index: int, tokenizer: "PreTrainedTokenizerBase") -> tuple[str, str]:
    """The prompt that asks for the answer at `index`, and the conversation up to that answer."""
    messages = conversation.messages
    return chat_prompt(messages[:index], tokenizer), chat_text(messages[: index + 1], tokenizer)


def _unclear(conversation: Conversation, eos: str) -> StageError:
    return StageError(
        f"conversation {conversation.id}: the chat template does not write the answer as it is, or does not end it "
        f"with {eos!r}, so the assistant's tokens cannot be told from the rest. Set base_model.tokens.eos to the token "
        "that ends an answer, or use another base model."
    )


def _marked(
    conversation: Conversation, tokenizer: "PreTrainedTokenizerBase", eos: str, text: str
) -> Iterator[tuple[int, int] | None]:
    """Start and end, in the rendered text, of what the template itself marks as an answer, and its EOS.

    None where the text is not the one that is seen when the answer is asked for.
    By characters: the token mask of `apply_chat_template` cuts an answer short that ends in a letter of several tokens.
    """
    marked, marks = chat_marks(conversation.messages, tokenizer)
    places = [index for index, message in enumerate(conversation.messages) if message["role"] == "assistant"]
    if marked != text or len(marks) != len(places):
        raise StageError(
            f"conversation {conversation.id}: the chat template marks {len(marks)} answers, and there are "
            f"{len(places)}. Its generation marks are wrong; remove them from the template, and the answers are found "
            "without."
        )
    for index, (start, end) in zip(places, marks, strict=True):
        before, after = _as_asked(conversation, index, tokenizer)
        if not (after.startswith(before) and text.startswith(after.rstrip())):
            yield None
            continue
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
