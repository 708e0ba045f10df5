"""Documents and conversations become examples: nothing lost, nothing invented, only answers supervised."""

from dataclasses import replace

import numpy as np
import pytest

from llimba.errors import StageError
from llimba.models.base_model import end_of_answer
from llimba.models.encoding import chat_prompt, written_around
from llimba.records import Conversation, Document
from llimba.training.examples import (
    IGNORED,
    check_beginnings,
    conversation_example,
    conversation_examples,
    conversation_length,
    document_examples,
    split,
    without_control_tokens,
)
from tests.chat_templates import FAMILIES, MARKED, tokenizer_of
from tests.fakes import tiny_tokenizer
from tests.tokenizer_kinds import QWEN3, kind_tokenizer


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


@pytest.mark.parametrize("length", [4, 5, 16])
def test_every_piece_of_a_document_begins_as_the_tokenizer_begins_a_text(length: int) -> None:
    """BOS is never predicted, and all that follows is, once."""
    tokenizer = kind_tokenizer("Gemma")
    bos, eos = tokenizer.bos_token_id, tokenizer.eos_token_id
    text = "Su sole essit dae su mare"
    ids = tokenizer(text)["input_ids"]
    assert ids[0] == bos
    pieces = list(document_examples([document(text)], tokenizer, eos, length))
    assert all(piece.input_ids[0] == bos and len(piece.input_ids) <= length for piece in pieces)
    assert [int(label) for piece in pieces for label in piece.labels if label != IGNORED] == [*ids[1:], eos]
    check_beginnings(pieces, tokenizer)


def test_documents_without_bos_are_refused_by_name() -> None:
    tokenizer = kind_tokenizer("Gemma")
    planted = list(split(tokenizer("Su sole", add_special_tokens=False)["input_ids"], 8, "prose:3", "sc"))
    with pytest.raises(StageError, match=r"BOS lost: .*'<bos>', and the document prose:3 does not"):
        check_beginnings(planted, tokenizer)


def test_a_tokenizer_without_bos_reads_the_same_ids_as_ever() -> None:
    tokenizer = tiny_tokenizer()
    (piece,) = document_examples([document("eja")], tokenizer, 256, 8)
    assert (piece.input_ids.tolist(), piece.labels.tolist()) == ([68, 73, 64], [73, 64, 256])
    assert written_around(tokenizer) == ((), ())
    example = conversation_example(conversation(("user", "a"), ("assistant", "b")), tokenizer, "<|im_end|>", 512)
    assert example.input_ids.tolist() == [
        257, 84, 82, 68, 81, tokenizer("\n")["input_ids"][0], 64, 258,
        tokenizer("\n")["input_ids"][0], 257, *tokenizer("assistant\nb")["input_ids"], 258,
    ]  # fmt: skip


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
    turn = conversation(
        ("user", "a<start_of_turn>model"), ("assistant", "b")
    )  # special, and in no map of the tokenizer
    assert list(without_control_tokens([turn, good], kind_tokenizer("Gemma"))) == [good]


@pytest.mark.parametrize("turns", [[("user", "salude")], [("user", "x" * 200), ("assistant", "y")]])
def test_a_row_with_nothing_to_learn_is_refused(turns: list[tuple[str, str]]) -> None:
    with pytest.raises(StageError, match="conversation c: no token would be supervised"):
        conversation_example(conversation(*turns), tiny_tokenizer(), "<|im_end|>", 64)


def test_a_template_that_rewrites_the_past_gives_an_example_an_answer() -> None:
    """Each is what is seen when that answer is asked for."""
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = "{{ messages | length }}" + tokenizer.chat_template
    chat = conversation(("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d"))
    with pytest.raises(StageError, match="conversation c: the chat template does not write the answer"):
        conversation_examples(replace(chat, messages=chat.messages[:2]), tokenizer, "<|endoftext|>", 512)
    tokenizer.chat_template = QWEN3
    tokenizer.add_tokens(["<think>", "</think>"])
    first, second = conversation_examples(chat, tokenizer, "<|im_end|>", 512)
    assert tokenizer.decode(first.labels[first.labels != IGNORED]) == "b<|im_end|>"
    assert tokenizer.decode(second.labels[second.labels != IGNORED]) == "d<|im_end|>"
    asked = chat_prompt(chat.messages[:3], tokenizer)
    assert asked.endswith("<|im_start|>assistant\n<think>\n\n</think>\n\n")
    assert tokenizer.decode(second.input_ids) == asked + "d"


@pytest.mark.parametrize("answer", ["mangianu", "sole essit"])
def test_the_first_word_is_learned_after_an_opening_that_ends_in_a_space(answer: str) -> None:
    tokenizer = kind_tokenizer("Mistral")
    chat = conversation(("user", "Salude"), ("assistant", answer))
    (example,) = conversation_examples(chat, tokenizer, "</s>", 64)
    asked = tokenizer(chat_prompt("Salude", tokenizer), add_special_tokens=False)["input_ids"]
    assert example.input_ids[: len(asked)].tolist() == asked, "the prompt's ids are those of inference"
    assert tokenizer.decode(example.labels[example.labels != IGNORED]) == f"{answer}</s>"
    assert (example.labels == IGNORED).sum() == len(asked) - 1


def test_several_answers_after_such_an_opening_are_several_examples() -> None:
    tokenizer = kind_tokenizer("Mistral")
    chat = conversation(("user", "a"), ("assistant", "sole"), ("user", "b"), ("assistant", "mare"))
    taught = [
        tokenizer.decode(example.labels[example.labels != IGNORED])
        for example in conversation_examples(chat, tokenizer, "</s>", 64)
    ]
    assert taught == ["sole</s>", "mare</s>"]
    last = conversation_example(chat, tokenizer, "</s>", 64, last_answer_only=True)
    assert tokenizer.decode(last.labels[last.labels != IGNORED]) == "mare</s>"


TURNS = "{% for m in messages %}"
ODD = {  # how other families write a conversation, and how many examples two answers are
    "Llama 2": (
        "{% set s = messages[0]['content'] if messages[0]['role'] == 'system' else '' %}"
        "{% for m in (messages[1:] if s else messages) %}{% if m['role'] == 'user' %}{{ bos_token + '[INST] ' + "
        "('<<SYS>>\\n' + s + '\\n<</SYS>>\\n\\n' if loop.first and s else '') + m['content'] + ' [/INST]' }}"
        "{% else %}{{ ' ' + m['content'] + ' ' + eos_token }}{% endif %}{% endfor %}", 1),
    "the system message goes to the last question": (
        "{{ bos_token }}{% set s = messages[0]['content'] if messages[0]['role'] == 'system' else '' %}"
        "{% for m in (messages[1:] if s else messages) %}{% if m['role'] == 'user' %}{{ '[INST] ' + "
        "(s + '\\n\\n' if loop.last and s else '') + m['content'] + '[/INST]' }}"
        "{% else %}{{ ' ' + m['content'] + eos_token }}{% endif %}{% endfor %}", 2),
    "the end of the text is marked": (
        TURNS + "{{ '<|' + m['role'] + '|>' + m['content'] + eos_token }}{% endfor %}"
        "{{ '<|assistant|>' if add_generation_prompt else '\\n(end)' }}", 2),
    "the opening of an answer holds a thought": (
        TURNS + "{{ '<' + m['role'] + '>' + m['content'] + eos_token }}{% endfor %}"
        "{{ '<assistant><think>\\n' if add_generation_prompt else '' }}", 2),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_however_a_template_writes_what_is_trained_is_what_is_asked(name: str) -> None:
    template, count = ODD[name]
    tokenizer = kind_tokenizer("Mistral", template)
    assert end_of_answer(tokenizer) == "</s>"
    chat = conversation(
        ("system", "Agiuda."), ("user", "Su sole"), ("assistant", "Bene"), ("user", "mare"), ("assistant", "essit dae")
    )
    examples = conversation_examples(chat, tokenizer, "</s>", 500)
    taught = "".join(tokenizer.decode(example.labels[example.labels != IGNORED]) for example in examples)
    assert (len(examples), taught.replace(" ", "")) == (count, "Bene</s>essitdae</s>")
    asked = tokenizer(chat_prompt(chat.messages[:-1], tokenizer), add_special_tokens=False)["input_ids"]
    assert examples[-1].input_ids[: len(asked)].tolist() == asked


def test_a_conversation_that_the_template_refuses_is_named() -> None:
    chat = conversation(("user", "a"), ("user", "b"), ("assistant", "c"))
    with pytest.raises(StageError, match=r"conversation c: the chat template refuses .*must alternate"):
        conversation_examples(chat, kind_tokenizer("Gemma"), "<end_of_turn>", 64)
    with pytest.raises(StageError, match="conversation c: "):
        conversation_examples(conversation(("assistant", "c")), tiny_tokenizer(), "<|im_end|>", 64)


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


def test_generation_marks_of_a_template_that_rewrites_its_past_serve_answer_by_answer() -> None:
    forgets = MARKED.replace(
        "{{ message['content'] }}{% endgeneration %}",
        "{{ message['content'] if loop.last else '…' }}{% endgeneration %}",
    )
    tokenizer = tokenizer_of("SmolLM2", forgets)
    taught = [
        tokenizer.decode(example.labels[example.labels != IGNORED])
        for example in conversation_examples(TALK, tokenizer, "<|im_end|>", 1000)
    ]
    assert taught == ["Casteddu est sa capitale.<|im_end|>", "Non l'isco.<|im_end|>"]


def test_marks_that_leave_an_answer_out_are_refused() -> None:
    half = MARKED.replace("message['role'] == 'assistant' %}", "message['role'] == 'assistant' and loop.last %}")
    with pytest.raises(StageError, match="marks 1 answers, and there are 2"):
        conversation_example(TALK, tokenizer_of("SmolLM2", half), "<|im_end|>", 1000)
