"""Conversations to read between the texts, in the base model's own chat template, so that it keeps answering.

Plain text alone undoes the chat: after a short run no answer comes to an end (docs/results.md, D4). What the untouched
model itself answers is nearest to what it would lose (arXiv 2605.26097), and nobody has to write it. The conversations
are the corpus stage's; an own answer that holds what is scored on, or that has no end, is left out.
"""

import logging
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from llimba import processes, progress
from llimba.errors import StageError
from llimba.files import into_place, read_jsonl, stable_fraction, write_jsonl
from llimba.models.encoding import chat_prompt
from llimba.models.generate import generate
from llimba.models.loading import open_model
from llimba.recipe import ChatDocuments, Recipe
from llimba.records import Conversation
from llimba.stages.decontamination import EvaluationIndex
from llimba.stages.folders import CorpusFolder
from llimba.stages.running_text import Variants

logger = logging.getLogger(__name__)

ANSWERS = "own_answers.jsonl"
AT_ONCE = 64  # answers; a killed run loses no more
LOOK_SECONDS = 2.0  # between looks of another process for the answers that the first one makes


def conversations(
    settings: ChatDocuments, corpus: CorpusFolder, answers: Path | None = None, alike: Variants = ()
) -> Iterator[Conversation]:
    """What may be read, in a fixed order: as it stands, or one request and the model's own answer from `answers`.

    Where own answers are asked for and not made yet, as for an estimate, each is taken to be half as long as it may be.
    `alike` are spellings that count as one where what is scored on is looked for.
    """
    if not settings.own_answers:
        yield from _chosen(settings, corpus)
        return
    said = _whole_answers(settings, corpus, answers, alike) if answers is not None else None
    foreseen = " ".join(["and"] * (settings.max_new_tokens // 2))
    for conversation in _chosen(settings, corpus):
        text = foreseen if said is None else said.get((conversation.source, conversation.id))
        if text is not None:
            messages = [_request(conversation), {"role": "assistant", "content": text}]
            yield replace(conversation, messages=messages, origin="generated")


def _whole_answers(
    settings: ChatDocuments, corpus: CorpusFolder, answers: Path, alike: Variants
) -> dict[tuple[str, str], str]:
    """By source and id, the answers that came to an end and hold nothing that is scored on."""
    index = EvaluationIndex(corpus.scored_texts(), alike)
    whole = (row for row in read_jsonl(answers) if row["stopped"] and row["answer"].strip())
    clean = (row for row in whole if index.hit(row["answer"]) is None)
    said = {(row["source"], row["id"]): row["answer"].strip() for row in clean}
    if not said:
        raise StageError(
            f"cpt.chat: none of the base model's own answers came to an end within {settings.max_new_tokens} "
            "tokens. Raise cpt.chat.max_new_tokens, add conversations, or set own_answers: false."
        )
    return said


def own_answers(recipe: Recipe, corpus: CorpusFolder, start: Path, out: Path) -> Path:
    """The base model's answer to the first request of every conversation, in `out`; what is there is not made again.

    A request that leaves no room for its answer within `sequence_length` is not asked. Of several processes the first
    answers and the others wait. Raises `StageError` for a model without a chat template.
    """
    done = out / ANSWERS
    while not processes.is_main() and not done.exists():
        time.sleep(LOOK_SECONDS)
    if not done.exists():
        partial = done.with_suffix(".partial.jsonl")
        _answer(recipe, corpus, start, partial)
        into_place(partial, done)
    return done


def counted(answers: Path) -> dict[str, int]:
    """How many own answers there are, and how many of them came to an end."""
    ends = [row["stopped"] for row in read_jsonl(answers)]
    return {"made": len(ends), "came_to_an_end": sum(ends)}


def _answer(recipe: Recipe, corpus: CorpusFolder, start: Path, partial: Path) -> None:
    from llimba.training.examples import conversation_length

    section = recipe.cpt_section
    assert section.chat is not None
    settings, room = section.chat, section.sequence_length - section.chat.max_new_tokens
    opened = open_model(start, tokens=recipe.base_model.tokens)
    alone = ((c, replace(c, messages=[_request(c)])) for c in _chosen(settings, corpus))
    asked = [c for c, request in alone if conversation_length(request, opened.tokenizer) <= room]
    rows = list(read_jsonl(partial)) if partial.exists() else []
    write_jsonl(partial, rows)
    with progress.bar("cpt: the base model's own answers", len(asked), "answers") as bar:
        bar.resume_at(len(rows))
        for first in range(len(rows), len(asked), AT_ONCE):
            batch = asked[first : first + AT_ONCE]
            prompts = [_request(conversation)["content"] for conversation in batch]
            found = generate(
                opened.model,
                opened.tokenizer,
                [chat_prompt(prompt, opened.tokenizer) for prompt in prompts],
                settings.max_new_tokens,
                temperature=settings.temperature,
                seed=recipe.seed_of(section) + first,
                bar=bar,
            )
            rows += [
                {"source": c.source, "id": c.id, "prompt": prompt, "answer": answer.text, "stopped": answer.stopped}
                for c, prompt, answer in zip(batch, prompts, found, strict=True)
            ]
            write_jsonl(partial, rows)
    logger.info("cpt: %d of %d own answers came to an end", sum(row["stopped"] for row in rows), len(rows))


def _chosen(settings: ChatDocuments, corpus: CorpusFolder) -> Iterator[Conversation]:
    """The conversations of the sources that are named, at most so many, in an order fixed by their ids."""
    wanted = (
        conversation
        for conversation in corpus.conversations()
        if not settings.sources or conversation.source in settings.sources
    )
    ranked = sorted(wanted, key=lambda conversation: stable_fraction("chat", conversation.id))
    if not ranked:
        raise StageError(
            "cpt.chat: the corpus has no conversation of these sources. Name a source with yields: conversations."
        )
    yield from ranked[: settings.max_conversations]


def _request(conversation: Conversation) -> dict[str, str]:
    return next(message for message in conversation.messages if message["role"] == "user")
