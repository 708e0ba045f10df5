"""Documents and conversations become examples: nothing lost, nothing invented, only answers supervised."""

from dataclasses import replace

import numpy as np
import pytest
from tokenizers.processors import TemplateProcessing

from llimba.errors import StageError
from llimba.records import Conversation, Document
from llimba.training.examples import (
    IGNORED,
    conversation_example,
    conversation_length,
    document_examples,
    split,
    without_control_tokens,
)
from tests.chat_templates import FAMILIES, MARKED, tokenizer_of
from tests.fakes import tiny_tokenizer


def document(text: str) -> Document:
    return Document(id="d", text=text, language="sc", source="s", license="x", provenance="p")


def conversation(*turns: tuple[str, str]) -> Conversation:
    messages = [{"role": role, "content": content} for role, content in turns]
    return Conversation(id="c", source="s", license="x", provenance="p", messages=messages)


@pytest.mark.parametrize("length", [2, 3, 8, 9, 10, 16, 17, 25])
def test_split_predicts_every_token_but_the_first_once(length: int) -> None:
    ids = list(range(100, 100 + length))
    pieces = list(split(ids, 8, "d", "sc"))
    assert [int(i) for p in pieces for i in p.labels] == ids[1:]
    assert [int(i) for p in pieces for i in p.input_ids] == ids[:-1]
    assert all(1 <= len(p.input_ids) <= 8 for p in pieces)


def test_document_ends_once_with_the_separator_however_long() -> None:
    tokenizer = tiny_tokenizer()
    separator = tokenizer.convert_tokens_to_ids("<|endoftext|>")
    pieces = list(document_examples([document("sa limba sarda " * 20)], tokenizer, separator, 64))
    labels = np.concatenate([piece.labels for piece in pieces])
    assert len(pieces) > 1
    assert labels[-1] == separator
    assert (labels == separator).sum() == 1


def test_control_tokens_in_text_stay_text() -> None:
    tokenizer = tiny_tokenizer()
    separator = tokenizer.convert_tokens_to_ids("<|endoftext|>")
    (example,) = document_examples([document("a<|im_end|>b<|endoftext|>c")], tokenizer, separator, 128)
    assert example.input_ids.max() < 256
    assert (example.labels == separator).sum() == 1


def test_only_answers_and_their_eos_are_supervised() -> None:
    tokenizer = tiny_tokenizer()
    eos_id = tokenizer.convert_tokens_to_ids("<|im_end|>")
    chat = conversation(
        ("system", "s"), ("user", "ite ses?"), ("assistant", "una limba"), ("user", "e?"), ("assistant", "eja")
    )
    example = conversation_example(chat, tokenizer, "<|im_end|>", 512)
    supervised = example.labels[example.labels != IGNORED]
    assert tokenizer.decode(supervised) == "una limba<|im_end|>eja<|im_end|>"
    assert (supervised == eos_id).sum() == 2


def test_an_example_knows_what_it_was_and_what_a_mixture_counts_it_under() -> None:
    tokenizer = tiny_tokenizer()
    (piece,) = document_examples([document("eja")], tokenizer, 256, 8)
    assert (piece.document, piece.language, piece.phase) == ("d", "sc", 0)
    assert (piece.input_ids.dtype, piece.labels.dtype) == (np.int32, np.int32)
    assert piece.num_loss_tokens == 3
    chat = replace(conversation(("user", "a"), ("assistant", "b")), task="translation:it-sc")
    example = conversation_example(chat, tokenizer, "<|im_end|>", 512)
    assert (example.document, example.language) == ("c", "translation:it-sc")
    assert example.num_loss_tokens == 2, "the answer and its EOS"
    assert len(example.input_ids) == len(example.labels) == conversation_length(chat, tokenizer) - 1


def test_a_tokenizer_that_would_add_a_token_adds_none() -> None:
    """Control tokens come from the template and from us, whatever the tokenizer puts around a text by itself."""
    plain, adding = tiny_tokenizer(), tiny_tokenizer()
    adding.backend_tokenizer.post_processor = TemplateProcessing(
        single="<|im_start|> $A", special_tokens=[("<|im_start|>", 257)]
    )
    assert adding("a")["input_ids"] == [257, *plain("a")["input_ids"]]
    chat = conversation(("user", "a"), ("assistant", "b"))
    for tokens in ("input_ids", "labels"):
        ours, theirs = (conversation_example(chat, t, "<|im_end|>", 512) for t in (adding, plain))
        assert getattr(ours, tokens).tolist() == getattr(theirs, tokens).tolist()
        ours, theirs = (next(document_examples([document("eja")], t, 256, 8)) for t in (adding, plain))
        assert getattr(ours, tokens).tolist() == getattr(theirs, tokens).tolist()
    assert conversation_length(chat, adding) == conversation_length(chat, plain)


def test_a_long_conversation_is_cut_at_the_end() -> None:
    tokenizer = tiny_tokenizer()
    chat = conversation(("user", "a"), ("assistant", "b" * 100))
    whole, cut = (conversation_example(chat, tokenizer, "<|im_end|>", length) for length in (512, 40))
    assert len(cut.input_ids) == 40
    assert cut.input_ids.tolist() == whole.input_ids[:40].tolist()
    assert cut.labels.tolist() == whole.labels[:40].tolist()


def test_conversations_with_control_tokens_as_text_are_left_out() -> None:
    good = conversation(("user", "a"), ("assistant", "b"))
    forged = conversation(("user", "a<|im_end|>"), ("assistant", "b"))
    worse = replace(good, rejected="<|im_start|>")
    assert list(without_control_tokens([forged, good], tiny_tokenizer())) == [good]
    assert list(without_control_tokens([worse, good], tiny_tokenizer())) == [good]


@pytest.mark.parametrize("turns", [[("user", "salude")], [("user", "x" * 200), ("assistant", "y")]])
def test_a_row_with_nothing_to_learn_is_refused(turns: list[tuple[str, str]]) -> None:
    with pytest.raises(StageError, match="conversation c: no token would be supervised"):
        conversation_example(conversation(*turns), tiny_tokenizer(), "<|im_end|>", 64)


def test_a_template_that_rewrites_the_past_is_refused() -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = "{{ messages | length }}" + tokenizer.chat_template
    chat = conversation(("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d"))
    with pytest.raises(StageError, match="does not keep earlier messages"):
        conversation_example(chat, tokenizer, "<|im_end|>", 512)


TALK = Conversation(
    id="t", source="s", license="x", provenance="p",
    messages=[
        {"role": "user", "content": "Cale est sa capitale?"},
        {"role": "assistant", "content": "Casteddu est sa capitale."},
        {"role": "user", "content": "E in antis?"},
        {"role": "assistant", "content": "Non l'isco."},
    ],
)  # fmt: skip
WITH_SYSTEM = replace(TALK, messages=[{"role": "system", "content": "Agiuda."}, *TALK.messages])


@pytest.mark.parametrize("conversation", [TALK, WITH_SYSTEM], ids=["plain", "system"])
@pytest.mark.parametrize("family", FAMILIES)
def test_the_answers_and_their_eos_are_supervised_and_nothing_else(family: str, conversation: Conversation) -> None:
    tokenizer = tokenizer_of(family)
    eos = FAMILIES[family].eos
    example = conversation_example(conversation, tokenizer, eos, 1000)
    taught = tokenizer.decode([label for label in example.labels if label != IGNORED])
    assert taught == f"Casteddu est sa capitale.{eos}Non l'isco.{eos}"
    # what predicts the first token of an answer is the last token of the generation prompt, as when it is asked
    asked = tokenizer.apply_chat_template(conversation.messages[:-1], tokenize=False, add_generation_prompt=True)
    whole = tokenizer.decode(example.input_ids)
    assert whole.startswith(asked)


def test_generation_marks_are_used_and_the_eos_added() -> None:
    marked, plain = (
        tokenizer_of("SmolLM2", MARKED),
        tokenizer_of("SmolLM2", MARKED.replace("{% generation %}", "").replace("{% endgeneration %}", "")),
    )
    ours, theirs = (conversation_example(TALK, tokenizer, "<|im_end|>", 1000) for tokenizer in (marked, plain))
    assert ours.labels.tolist() == theirs.labels.tolist()
    with pytest.raises(StageError, match="would never learn to stop"):
        conversation_example(TALK, marked, "<|endoftext|>", 1000)


def test_generation_marks_serve_a_template_that_rewrites_its_past() -> None:
    forgets = MARKED.replace(
        "{{ message['content'] }}{% endgeneration %}",
        "{{ message['content'] if loop.last else '…' }}{% endgeneration %}",
    )
    example = conversation_example(TALK, tokenizer_of("SmolLM2", forgets), "<|im_end|>", 1000)
    taught = tokenizer_of("SmolLM2").decode([label for label in example.labels if label != IGNORED])
    assert taught == "…<|im_end|>Non l'isco.<|im_end|>"


def test_marks_that_leave_an_answer_out_are_refused() -> None:
    half = MARKED.replace("message['role'] == 'assistant' %}", "message['role'] == 'assistant' and loop.last %}")
    with pytest.raises(StageError, match="marks 1 answers, and there are 2"):
        conversation_example(TALK, tokenizer_of("SmolLM2", half), "<|im_end|>", 1000)
