"""Stage 3, `instruct`: conversations from pairs, from the sources, and by translation.

Leaves `conversations.jsonl`, `back_translated.jsonl` (pairs; empty where none are asked for), and `rejected.jsonl`,
every row that was rejected, with its reason.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

from llimba.errors import StageError, set_at
from llimba.files import stable_fraction, write_jsonl
from llimba.languages.identify.identifier import OTHER
from llimba.languages.text import fold
from llimba.manifest import Json
from llimba.models.translators.engines import open_engine
from llimba.recipe import ModelTranslation, Recipe, TranslationSection
from llimba.records import Conversation, Pair, write_records
from llimba.stages.decontamination import EvaluationIndex
from llimba.stages.folders import CorpusFolder, InstructFolder
from llimba.stages.instruct.back_translation import BackTranslated, BackTranslator
from llimba.stages.instruct.from_pairs import conversations as translations
from llimba.stages.instruct.machine_translation import Identify, Rejection, Row, by_rule, translate_rows
from llimba.stages.running_text import variants
from llimba.stages.second_look import SecondLook

logger = logging.getLogger(__name__)


def run(recipe: Recipe, inputs: dict[str, Path], out: Path) -> Json:
    """Translate, build, decontaminate, deduplicate, cut, upsample; returns counts by source, task, origin and more."""
    settings, corpus, left = recipe.instruct_section, CorpusFolder(inputs["corpus"]), InstructFolder(out)
    pairs, given = list(corpus.pairs()), list(corpus.conversations())
    _check_names(recipe, [*pairs, *given])
    alike = variants(recipe.profile.spelled_alike)
    cpt, identify, index = inputs.get("cpt"), _identify(corpus), EvaluationIndex(corpus.scored_texts(), alike)
    pairs, given, rejected, translated = _translated(recipe, cpt, identify, pairs, given)
    built = list(translations(pairs, settings, recipe.profile, recipe.seed))
    turned = BackTranslated()
    if (back := settings.back_translate) is not None:
        translator = BackTranslator(back, recipe.profile, index, identify, cpt)
        turned = translator.translate(corpus.documents(), pairs, recipe.seed)
        rejected += turned.rejected
        directions = [f"{code}-{recipe.profile.code}" for code in back.into]
        only_these = settings.model_copy(update={"directions": directions})
        built += translations(turned.pairs, only_these, recipe.profile, recipe.seed)
    write_records(left.back_translated_file, turned.pairs)
    wanted = (c for c in (*given, *built) if settings.upsample.get(c.source, 1))
    clean = list(_decontaminated(wanted, index, rejected))
    unique = _without_duplicates(clean)
    duplicates = len(clean) - len(unique)
    if duplicates:
        done = "removed" if settings.deduplicate else "kept (instruct.deduplicate: false)"
        logger.info("  %d of %d conversations are copies of another: %s", duplicates, len(clean), done)
    if not settings.deduplicate:
        unique = clean
    unique.sort(key=lambda c: stable_fraction(str(recipe.seed), "order", c.id))
    chosen = unique[: settings.max_conversations]
    if not chosen:
        raise StageError(
            "instruct: there is no conversation. Name directions under instruct.directions and a source with pairs in "
            f"them, or a source that yields conversations. Rejected: {by_rule(rejected) or 'none'}."
        )
    final = [copy for c in chosen for copy in _copies(c, settings.upsample.get(c.source, 1))]
    write_records(left.conversations_file, final)
    write_jsonl(left.rejected_file, map(asdict, rejected))
    proof = SecondLook(corpus.scored_texts(), alike)
    surviving = sum(any(map(proof.found, c.contents)) for c in final)
    if surviving:
        raise StageError(f"instruct: evaluation sentences survive in {surviving} conversations: a bug of llimba's.")
    return {
        "conversations": len(final),
        "built_from_pairs": len(built),
        "given_by_sources": len(given),
        "rejected": by_rule(rejected),
        "duplicates": duplicates,
        "duplicates_removed": len(clean) - len(unique),
        "upsampled_copies": len(final) - len(chosen),
        "translated": translated,
        "back_translated": turned.facts or None,
        "contamination": {"evaluation_sentences": len(index), "surviving": surviving},
        "sources": _by(c.source for c in final),
        "tasks": _by(c.task for c in final),
        "origins": _by(c.origin for c in final),
        "engines": _by(c.engine for c in final if c.engine),
        "by_back_translation": _by(c.back_translated for c in final if c.back_translated),
        "preferences": sum(bool(c.rejected) for c in final),
        "with_system_prompt": sum(c.messages[0]["role"] == "system" for c in final),
    }


def needs(recipe: Recipe) -> tuple[str, ...]:
    """The stages read besides `corpus`: the CPT model where it is the one that translates."""
    engines: list[TranslationSection | None] = [*recipe.instruct_section.translate.values()]
    if (back := recipe.instruct_section.back_translate) is not None:
        engines += [back.engine, *back.engines.values(), *back.way_back.values()]
    own = any(isinstance(s, ModelTranslation) and s.folder is None for s in engines)
    return ("cpt",) if own else ()


def _check_names(recipe: Recipe, records: Iterable[Row]) -> None:
    there = {record.source for record in records}
    for key in ("translate", "upsample"):
        for name in getattr(recipe.instruct_section, key):
            if name not in there:
                raise StageError(
                    f"instruct.{key}.{name}: no pair or conversation comes from a source of that name (from: "
                    f"{', '.join(sorted(there)) or 'none'}). Correct the name, or look into the corpus stage's "
                    "rejected.jsonl."
                )


def _translated(
    recipe: Recipe, cpt: Path | None, identify: Identify | None, pairs: list[Pair], given: list[Conversation]
) -> tuple[list[Pair], list[Conversation], list[Rejection], dict[str, object]]:
    """Pairs and conversations with the sources under `translate` replaced by their translations."""
    rejected: list[Rejection] = []
    facts: dict[str, object] = {}
    for name, settings in recipe.instruct_section.translate.items():
        rows: list[Row] = [*(p for p in pairs if p.source == name), *(c for c in given if c.source == name)]
        with set_at(f"instruct.translate.{name}"):
            engine = open_engine(settings, recipe.profile, cpt)
            result = translate_rows(rows, settings, recipe.profile, engine, identify)
        pairs = [p for p in pairs if p.source != name] + [row for row in result.kept if isinstance(row, Pair)]
        given = [c for c in given if c.source != name] + [row for row in result.kept if isinstance(row, Conversation)]
        rejected += result.rejected
        facts[name] = result.facts | {"language_checked": identify is not None}
    return pairs, given, rejected, facts


def _identify(corpus: CorpusFolder) -> Identify | None:
    """The language of a text by the corpus stage's identifier, None for a text it is not sure of; None without one."""
    identifier = corpus.identifier()
    if identifier is None:
        return None

    def language(text: str) -> str | None:
        found = identifier.label(text).language
        return None if found == OTHER else found

    return language


def _decontaminated(
    conversations: Iterable[Conversation], index: EvaluationIndex, rejected: list[Rejection]
) -> Iterator[Conversation]:
    """Those that hold no evaluation sentence; a translation may hold one that its original did not."""
    for conversation in conversations:
        hit = next((hit for text in conversation.contents if (hit := index.hit(text)) is not None), None)
        if hit is None:
            yield conversation
        else:
            rejected.append(Rejection("contaminated", str(hit), conversation))


def _without_duplicates(conversations: list[Conversation]) -> list[Conversation]:
    """The first of all conversations with the same questions (but for case, accents and punctuation) and answers.

    One question with two answers is no copy: preference data ranks them, and two translations of a sentence are two
    things to learn. Answers that differ in a letter or an accent are learned as they are, so they differ here too.
    """
    kept: dict[tuple[str, ...], Conversation] = {}
    for conversation in conversations:
        turns = [
            fold(message["content"]) if message["role"] == "user" else " ".join(message["content"].split())
            for message in conversation.messages
            if message["role"] != "system"
        ]
        kept.setdefault((*turns, " ".join(conversation.rejected.split())), conversation)
    return list(kept.values())


def _copies(conversation: Conversation, times: int) -> Iterator[Conversation]:
    """The conversation and `times` - 1 copies, each with an id of its own."""
    yield conversation
    for number in range(2, times + 1):
        yield replace(conversation, id=f"{conversation.id}#{number}")


def _by(values: Iterable[str]) -> dict[str, int]:
    return dict(Counter(values))
