"""Everything that is measured on one model: bits per byte, translations, how the answers behave, and the probes."""

import logging
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from llimba import progress
from llimba.files import write_jsonl
from llimba.languages.prompts import split_direction
from llimba.models.encoding import chat_prompt
from llimba.models.generate import generate
from llimba.recipe import EvaluateSection, Recipe
from llimba.recipe.resolved import Resolved
from llimba.records import Document, Pair
from llimba.reports.evaluated import SavedAnswer
from llimba.reports.scores import BitsPerByte, Facts, Instructions, SystemScores
from llimba.stages.evaluate import harness
from llimba.stages.evaluate.behaviour import behaviour, faults
from llimba.stages.evaluate.facts import Fact, answered, knowledge, task_rows
from llimba.stages.evaluate.harness import RecordingModel
from llimba.stages.evaluate.instructions import MAX_NEW_TOKENS, Instruction, InstructionAnswer, followed, following
from llimba.stages.evaluate.metrics import Likelihood, bits_by_label, bits_per_byte, save_and_score
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


def measure_model(
    recipe: Recipe, system: str, model_folder: Path, asked: Asked, tasks: Path, answers: Path
) -> SystemScores:
    """Measure the model in `model_folder`, which people know as `system`.

    `tasks` holds the harness's task files; every answer is saved in the folder `answers`.
    """
    started = time.monotonic()
    settings = recipe.evaluate
    model = harness.load(model_folder, recipe.base_model.tokens, settings)
    texts = _texts(model, system, asked.held_out, tasks) if asked.held_out else {}
    references = _references(model, system, asked.references, tasks) if asked.references else {}
    translated = _translations(recipe, model, system, asked, tasks, answers) if asked.rows else SystemScores()
    switches = {}
    if settings.mode_switch is not None and asked.identifier is not None:
        profile = recipe.profile
        rows = probe(
            model.model,
            model.tokenizer,
            profile.probe_prompts,
            profile.code,
            asked.identifier,
            settings.mode_switch,
            system,
        )
        write_jsonl(answers / "mode_switch.jsonl", map(asdict, rows))
        switches = shares(rows)
    return SystemScores(
        bits_per_byte=texts,
        translation_bits_per_byte=references,
        translation=translated.translation,
        behaviour=translated.behaviour,
        batch_size=translated.batch_size,
        mode_switch=switches,
        instructions=_instructions(model, system, asked, answers) if asked.instructions else None,
        facts=_facts(model, system, asked.facts, settings.prompt == "chat", tasks, answers) if asked.facts else None,
        seconds=round(time.monotonic() - started, 1),
    )


def _texts(
    model: RecordingModel, system: str, held_out: dict[str, list[Document]], tasks: Path
) -> dict[str, BitsPerByte]:
    """Bits per byte of every language, and within it by source, variety and norm."""
    names = [text_task(language) for language in held_out]
    samples = harness.run_tasks(
        model, tasks, names, chat=False, batch_size=harness.TEXT_BATCH, title=f"{system}: texts"
    )
    found = {}
    for language, documents in held_out.items():
        by_id = {sample["doc"]["id"]: float(sample["filtered_resps"][0]) for sample in samples[text_task(language)]}
        measured = [_likelihood(model, by_id[document.id], document.text) for document in documents]
        found[language] = bits_per_byte(measured).model_copy(update={"by": bits_by_label(documents, measured)})
    return found


def _references(model: RecordingModel, system: str, rows: dict[str, list[Pair]], tasks: Path) -> dict[str, BitsPerByte]:
    """Bits per byte of the references given their sources, by direction: moves long before BLEU does."""
    names = [reference_task(direction) for direction in rows]
    samples = harness.run_tasks(
        model, tasks, names, chat=False, batch_size=harness.TEXT_BATCH, title=f"{system}: references"
    )
    found = {}
    for direction, pairs in rows.items():
        _, target = split_direction(direction)
        by_id = {s["doc"]["id"]: float(s["filtered_resps"][0][0]) for s in samples[reference_task(direction)]}
        found[direction] = bits_per_byte([_likelihood(model, by_id[pair.id], pair.texts[target]) for pair in pairs])
    return found


def _likelihood(model: RecordingModel, nats: float, text: str) -> Likelihood:
    return Likelihood(nats, len(text.encode()), len(model.tok_encode(text, add_special_tokens=False)))


def _translations(
    recipe: Recipe, model: RecordingModel, system: str, asked: Asked, tasks: Path, folder: Path
) -> SystemScores:
    """Answers to every sentence of every direction: scored, and checked for what BLEU does not see."""
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
    translation, found = {}, {}
    for direction, pairs in asked.rows.items():
        by_id = {pair.id: pair for pair in pairs}
        answers = [
            SavedAnswer.of(
                by_id[sample["doc"]["id"]],
                direction,
                sample["filtered_resps"][0].strip(),
                raw=sample["resps"][0][0],
                stopped=model.stopped(sample["arguments"][0][0]),
            )
            for sample in samples[translation_task(direction)]
        ]
        translation[direction] = save_and_score(folder / f"{direction}.jsonl", answers)
        found[direction] = faults(answers, split_direction(direction)[1], asked.identifier)
    return SystemScores(
        translation=translation, behaviour=behaviour(found), batch_size=Resolved(value=size, reason=reason)
    )


def _instructions(model: RecordingModel, system: str, asked: Asked, folder: Path) -> Instructions:
    """Greedy answers to the instructions, and the share that does as it was told."""
    prompts = [chat_prompt(instruction.prompt, model.tokenizer) for instruction in asked.instructions]
    with progress.bar(f"{system}: instructions", len(prompts), "answers") as bar:
        said = [answer.text for answer in generate(model.model, model.tokenizer, prompts, MAX_NEW_TOKENS, bar=bar)]
    answers = [
        InstructionAnswer(**asdict(instruction), answer=text, followed=followed(instruction, text, asked.identifier))
        for instruction, text in zip(asked.instructions, said, strict=True)
    ]
    write_jsonl(folder / "instructions.jsonl", map(asdict, answers))
    return following(answers)


def _facts(model: RecordingModel, system: str, facts: list[Fact], chat: bool, tasks: Path, folder: Path) -> Facts:
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
    write_jsonl(folder / "facts.jsonl", map(asdict, answers))
    return knowledge(answers, facts)
