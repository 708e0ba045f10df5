"""Everything that is measured on one model: bits per byte, translations, how the answers behave, and the probes."""

import logging
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llimba import progress
from llimba.files import write_jsonl
from llimba.languages.prompts import split_direction
from llimba.models.answers import ask
from llimba.recipe import EvaluateSection, Recipe
from llimba.records import Document, Pair
from llimba.stages.evaluate import harness
from llimba.stages.evaluate.baselines import HYPOTHESES, saved_scores
from llimba.stages.evaluate.behaviour import behaviour, summed
from llimba.stages.evaluate.facts import Fact, answered, knowledge, task_rows
from llimba.stages.evaluate.instructions import MAX_NEW_TOKENS, Instruction, followed, following
from llimba.stages.evaluate.metrics import bits_by_label, bits_per_byte
from llimba.stages.evaluate.mode_switch import probe, shares
from llimba.stages.evaluate.tasks import reference_task, text_task, translation_task

if TYPE_CHECKING:
    from llimba.languages.identify.identifier import Identifier

logger = logging.getLogger(__name__)

QUESTIONS, CLOZE = "llimba_facts", "llimba_cloze"


@dataclass(frozen=True, slots=True)
class Asked:
    """What every model is asked: the same for all columns of the table."""

    rows: dict[str, list[Pair]]  # sentences by direction
    held_out: dict[str, list[Document]]  # texts by language
    facts: list[Fact]
    instructions: list[Instruction]
    examples: dict[str, list[Pair]]  # few-shot pairs by direction
    identifier: "Identifier | None"
    identifier_digest: str = ""  # of the file that it was read from
    references: dict[str, list[Pair]] = field(default_factory=dict)  # scored after their sources, by direction

    def amount(self, settings: EvaluateSection) -> str:
        """How much there is to do for one model, for people, before it begins."""
        sampled = settings.mode_switch
        parts = {
            "texts": sum(map(len, self.held_out.values())),
            "references": sum(map(len, self.references.values())),
            f"translations of at most {settings.max_new_tokens} tokens": sum(map(len, self.rows.values())),
            "questions": len(self.facts),
            "instructions": len(self.instructions),
            "temperatures": len(sampled.temperatures) if sampled and self.identifier is not None else 0,
        }
        return ", ".join(f"{count:,} {what}" for what, count in parts.items() if count)


def score(recipe: Recipe, system: str, folder: Path, asked: Asked, tasks: Path, out: Path) -> dict[str, Any]:
    """Measure the model in `folder`, which people know as `system`; every answer is saved under `out/hypotheses`.

    `tasks` holds the harness's task files.
    """
    settings = recipe.evaluate
    model = harness.load(folder, recipe.base_model.tokens, settings)
    result: dict[str, Any] = {"bits_per_byte": {}, "translation": {}, "behaviour": {}, "stopping": _stopping([])}
    if asked.held_out:
        result["bits_per_byte"] = _texts(model, system, asked.held_out, tasks)
    if asked.references:
        result["translation_bits_per_byte"] = _references(model, system, asked.references, tasks)
    if asked.rows:
        result |= _translations(recipe, model, system, asked, tasks, out)
    if settings.mode_switch is not None and asked.identifier is not None:
        profile = recipe.profile
        told = probe(
            model.model,
            model.tokenizer,
            profile.probe_prompts,
            profile.code,
            asked.identifier,
            settings.mode_switch,
            system,
        )
        write_jsonl(out / HYPOTHESES / "mode_switch.jsonl", told)
        result["mode_switch"] = shares(told)
    if asked.instructions:
        result["instructions"] = _instructions(model, system, asked, out)
    if asked.facts:
        result["facts"] = _facts(model, system, asked.facts, settings.prompt == "chat", tasks, out)
    return result


def _texts(model: Any, system: str, held_out: dict[str, list[Document]], tasks: Path) -> dict[str, Any]:
    """Bits per byte of every language, and within it by source, variety and norm."""
    names = [text_task(language) for language in held_out]
    samples = harness.run_tasks(
        model, tasks, names, chat=False, batch_size=harness.TEXT_BATCH, title=f"{system}: texts"
    )
    found = {}
    for language, documents in held_out.items():
        by_id = {sample["doc"]["id"]: float(sample["filtered_resps"][0]) for sample in samples[text_task(language)]}
        likelihoods = [by_id[document.id] for document in documents]
        sizes = [len(document.text.encode()) for document in documents]
        tokens = [len(model.tok_encode(document.text)) for document in documents]
        found[language] = bits_per_byte(likelihoods, sizes, tokens) | {
            "by": bits_by_label(documents, likelihoods, sizes, tokens)
        }
    return found


def _references(model: Any, system: str, rows: dict[str, list[Pair]], tasks: Path) -> dict[str, Any]:
    """Bits per byte of the references given their sources, by direction: moves long before BLEU does."""
    names = [reference_task(direction) for direction in rows]
    samples = harness.run_tasks(
        model, tasks, names, chat=False, batch_size=harness.TEXT_BATCH, title=f"{system}: references"
    )
    found = {}
    for direction, asked in rows.items():
        by_id = {s["doc"]["id"]: float(s["filtered_resps"][0][0]) for s in samples[reference_task(direction)]}
        texts = [pair.texts[split_direction(direction)[1]] for pair in asked]
        found[direction] = bits_per_byte(
            [by_id[pair.id] for pair in asked],
            [len(text.encode()) for text in texts],
            [len(model.tok_encode(text)) for text in texts],
        )
    return found


def _translations(recipe: Recipe, model: Any, system: str, asked: Asked, tasks: Path, out: Path) -> dict[str, Any]:
    """Answers to every sentence of every direction: scored, and looked at for what BLEU does not see."""
    settings = recipe.evaluate
    chat = settings.prompt == "chat"
    longest = max(
        len(model.tok_encode(pair.texts[code]))
        for direction, pairs in asked.rows.items()
        for pair in pairs
        for code in split_direction(direction)
    )
    room = (longest + 64) * (1 + 2 * settings.num_fewshot) + settings.max_new_tokens  # 64: what is said around it
    size, reason = harness.choose_batch_size(settings.batch_size, model.model.config, room, harness.card_memory())
    logger.info("  batch size: %d (%s)", size, reason)
    names = [translation_task(direction) for direction in asked.rows]
    samples = harness.run_tasks(model, tasks, names, chat=chat, batch_size=size, title=f"{system}: answers")
    ended: list[bool] = []
    behaved: dict[str, dict[str, list[bool]]] = {}
    translation = {}
    for direction in asked.rows:
        answers = [_answer(model, direction, sample) for sample in samples[translation_task(direction)]]
        ended += [answer["stopped"] for answer in answers]
        translation[direction] = saved_scores(out / HYPOTHESES / f"{direction}.jsonl", answers)
        behaved[direction] = behaviour(answers, split_direction(direction)[1], asked.identifier)
    return {
        "translation": translation,
        "behaviour": summed(behaved),
        "stopping": _stopping(ended),
        "batch_size": {"value": size, "reason": reason},
    }


def _stopping(ended: list[bool]) -> dict[str, Any]:
    return {"share": round(sum(ended) / len(ended), 4) if ended else 0.0, "answers": len(ended)}


def _answer(model: Any, direction: str, sample: dict[str, Any]) -> dict[str, Any]:
    source, target = split_direction(direction)
    document = sample["doc"]
    return {
        "id": document["id"],
        "source": document["texts"][source],
        "reference": document["texts"][target],
        "hypothesis": sample["filtered_resps"][0].strip(),
        "raw": sample["resps"][0][0],
        "stopped": model.stopped(sample["arguments"][0][0]),
    }


def _instructions(model: Any, system: str, asked: Asked, out: Path) -> dict[str, Any]:
    """Greedy answers to the instructions, and the share that does as it was told."""
    prompts = [instruction.prompt for instruction in asked.instructions]
    with progress.bar(f"{system}: instructions", len(prompts), "answers") as bar:
        answers = [a.text for a in ask(model.model, model.tokenizer, prompts, MAX_NEW_TOKENS, bar=bar)]
    rows = [
        asdict(instruction) | {"answer": answer, "followed": followed(instruction, answer, asked.identifier)}
        for instruction, answer in zip(asked.instructions, answers, strict=True)
    ]
    write_jsonl(out / HYPOTHESES / "instructions.jsonl", rows)
    return following(rows)


def _facts(model: Any, system: str, facts: list[Fact], chat: bool, tasks: Path, out: Path) -> dict[str, Any]:
    """The choices that the model finds likeliest, and how often it is right, or wrong though sure."""
    by_id = {fact.id: fact for fact in facts}
    answers = []
    for name, cloze in ((QUESTIONS, False), (CLOZE, True)):
        if task_rows(facts, cloze=cloze):
            samples = harness.run_tasks(
                model,
                tasks,
                [name],
                chat=chat and not cloze,
                batch_size=harness.TEXT_BATCH,
                title=f"{system}: facts",
            )
            for sample in samples[name]:
                likelihoods = [float(response[0]) for response in sample["filtered_resps"]]
                answers.append(answered(by_id[sample["doc"]["id"]], likelihoods))
    write_jsonl(out / HYPOTHESES / "facts.jsonl", answers)
    return knowledge(answers, facts)
