"""What stands between the page and the model: questions in, what the page shall show out, faults as sentences.

No Gradio here. The work is done by `use.chat` and `use.translate`, as for the terminal.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import NamedTuple

from llimba.errors import LlimbaError
from llimba.models.encoding import Message, PromptTooLong
from llimba.models.loading import LoadedModel
from llimba.use.chat import Chat
from llimba.use.glossary import parse_glossary
from llimba.use.translate import Translator
from llimba.use.web.wording import Wording, wordings

MOST_LINES = 200  # of one translation: longer texts are `llimba translate`'s


@dataclass
class Conversation:
    """What one visitor has said and been told: `turns` is what the model reads, `shown` what the page shows."""

    turns: list[Message] = field(default_factory=list)
    shown: list[Message] = field(default_factory=list)


class Shown(NamedTuple):
    """The page after a piece of an answer: the conversation, a line under it, and whether the question was taken."""

    conversation: list[Message]
    line: str
    taken: bool = True


class Part(NamedTuple):
    """The page after some lines of a translation."""

    text: str
    line: str


def chat(
    opened: LoadedModel,
    conversation: Conversation,
    question: str,
    *,
    system: str,
    temperature: float,
    max_new_tokens: int,
    interface: str,
) -> Iterator[Shown]:
    """An answer as it grows; the conversation keeps what was said, also where the reader stops early."""
    words = wordings()[interface]
    before, question = list(conversation.shown), question.strip()
    if not question:
        yield Shown(before, "", taken=False)
        return
    asked = [*before, {"role": "user", "content": question}]
    yield Shown(asked, "")
    talk = Chat(opened, system=system.strip() or None, temperature=temperature, max_new_tokens=max_new_tokens)
    talk.turns = list(conversation.turns)
    answer = ""
    try:
        with closing(talk.answer(question)) as pieces:
            for piece in pieces:
                answer += piece
                yield Shown([*asked, {"role": "assistant", "content": answer}] if answer else asked, "")
    except LlimbaError as error:
        yield Shown(before, said(error, words), taken=False)
        return
    finally:
        conversation.turns = talk.turns
        if answer:
            conversation.shown = [*asked, {"role": "assistant", "content": answer}]
    if not answer.strip():
        yield Shown(asked, words["empty"])
    elif code := opened.language_of(answer):
        language = words["other"] if code == "other" else opened.name_of(code, interface)
        yield Shown(conversation.shown, words["answer_in"].format(language=language))


def translate(
    opened: LoadedModel,
    text: str,
    *,
    source: str,
    target: str,
    glossary: str,
    force: bool,
    max_new_tokens: int,
    interface: str,
) -> Iterator[Part]:
    """A translation as it grows, line for line, and what must be said of it."""
    words = wordings()[interface]
    lines = text.strip("\n").split("\n") if text.strip() else []
    try:
        if len(lines) > MOST_LINES:
            raise PromptTooLong(f"{len(lines):,} lines; {MOST_LINES} at once are the limit of this page.")
        terms = parse_glossary(glossary, words["glossary"])
        options = {"max_new_tokens": max_new_tokens, "batch_size": 1}  # a stop waits for one line
        translator = Translator(opened, source, target, glossary=terms, forced=force, **options)
        translator.check(lines)
        done: list[str] = []
        cut: list[str] = []
        lacking: dict[str, None] = {}
        for one in translator.translate(lines):
            done.append(one.text)
            if not one.stopped:
                cut.append(str(len(done)))
            lacking |= dict.fromkeys(f"{term.source} = {term.target}" for term in one.missing)
            yield Part("\n".join(done), words["done"].format(done=len(done), all=len(lines)))
    except LlimbaError as error:
        yield Part("", said(error, words))
        return
    notes = [words["cut"].format(lines=", ".join(cut))] if cut else []
    notes += [words["missing"].format(terms="; ".join(lacking))] if lacking else []
    yield Part("\n".join(done), "\n".join(notes))


def said(error: LlimbaError, words: Wording) -> str:
    """A fault for the visitor: in the page's language, with the exact words behind it."""
    if isinstance(error, PromptTooLong) or isinstance(error.__cause__, PromptTooLong):
        return f"{words['too_long']} ({error})"
    return words["failed"].format(why=error)
