"""Which levers of continued pretraining are worth it: experiments D1, D2, D4 and D5, a few seeds an arm.

    python benchmarks/levers.py d1 --model FOLDER --rows rows.jsonl --dev dev.jsonl --out FOLDER --seeds 3

`rows.jsonl` and `dev.jsonl` hold one column of text per language code, consecutive rows from one article. `--text` adds
Sardinian lines that have no translation; every twentieth block of a hundred of them is set aside and scored. An arm is
a recipe: the stages sources, corpus and cpt run under OUT/runs as `llimba run` runs them, so an arm that is killed
goes on from its checkpoint; the recipe file stays in OUT/recipes, the model goes when it is scored (`--keep-models`).

Scores are bits per byte on the dev rows: of a translation given its original, asked with the completion prompt
("en>sc"), and of texts alone ("sc"). Finished arms are kept in OUT/<experiment>.jsonl; their table is
OUT/<experiment>.md, their picture OUT/<experiment>.png.
"""

import argparse
import json
import logging
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import arms
import yaml

from llimba.files import fingerprint, sha256, write_jsonl

LANGUAGES = ["sc", "en", "it", "es"]
DIRECTIONS = ["en-sc", "it-sc", "es-sc", "sc-en", "sc-it", "sc-es"]
ALONE = {"sc": 0.7, "it": 0.1, "es": 0.1, "en": 0.1}
AS_IN_PAIRS = {"sc": 1 / 2, "en": 1 / 6, "it": 1 / 6, "es": 1 / 6}  # what the six directions hold of each language
PAIRS = {"pairs": 1.0}
TAIL = 0.25
TOKENS_PER_STEP = 2048


def blended(share: float, mixture: dict[str, float], other: dict[str, float]) -> dict[str, float]:
    """`share` of the tokens from `other`, the rest from `mixture`."""
    keys = dict.fromkeys([*mixture, *other])
    return {key: (1 - share) * mixture.get(key, 0) + share * other.get(key, 0) for key in keys}


def tail(share: float, first: dict[str, float], last: dict[str, float]) -> list[dict[str, Any]]:
    """Two phases, the last of them with `share` of the tokens."""
    return [{"share": 1 - share, "mixture": first}, {"share": share, "mixture": last}]


MEAN_OF_LAST_4 = {"lr_scheduler_type": "cosine_with_min_lr", "min_lr_ratio": 1 / 3, "average_last": 4}
ALL_WAYS = {"pairs": {"directions": DIRECTIONS, "rows_per_document": arms.ROWS_PER_DOCUMENT}}
ONE_WAY = {"pairs": {"directions": ["en-sc"], "rows_per_document": arms.ROWS_PER_DOCUMENT}, "mixture": PAIRS}
FOUR_EPOCHS = {"mixture": {"sc": 1.0}, "num_train_epochs": 4}
ROMANCE = {"sc": 0.8, "it": 0.1, "es": 0.1}
ARMS: dict[str, dict[str, dict[str, Any]]] = {
    "base": {"u: untrained": {}},  # one seed is enough
    "d1": {
        "a: all monolingual": {"mixture": blended(TAIL, ALONE, AS_IN_PAIRS)},
        "b: pairs spread evenly": {**ALL_WAYS, "mixture": blended(TAIL, ALONE, PAIRS)},
        "c: pairs last": {**ALL_WAYS, "phases": tail(TAIL, ALONE, PAIRS)},
        "d: pairs last, mild decay, mean of 4": {**ALL_WAYS, "phases": tail(TAIL, ALONE, PAIRS), **MEAN_OF_LAST_4},
        "e: evenly, mild decay, mean of 4": {**ALL_WAYS, "mixture": blended(TAIL, ALONE, PAIRS), **MEAN_OF_LAST_4},
    },
    "d2": {  # `rows` says which rows: human ones, or with one column made by Apertium
        "n: the rows, monolingual": {"rows": "human"},
        "h: human to human": {"rows": "human", **ONE_WAY},
        "b: machine English to human": {"rows": "back", **ONE_WAY},
        "f: human to machine Sardinian": {"rows": "forward", **ONE_WAY},
    },
    "d4": {
        "a: Romance replay": {"mixture": ROMANCE},
        "b: English throughout": {"mixture": blended(0.1, ROMANCE, {"en": 1})},
        "c: English first": {"phases": tail(0.9, blended(0.2, ROMANCE, {"en": 1}), ROMANCE)},
        "d: own answers first": {
            "chat": {"sources": ["prompts"], "max_new_tokens": 160},
            "phases": tail(0.5, blended(0.2, ROMANCE, {"chat": 1}), ROMANCE),
            "repeat": True,
        },
        "e: EMA": {"mixture": ROMANCE, "ema_decay": 0.92},  # every step: a short run has no hundreds of them
        "f: EMA, fed back": {"mixture": ROMANCE, "ema_decay": 0.92, "ema_feedback": True},
    },
    "d5": {  # little text, read often: use --tokens 120000
        "a: 2 epochs": {"mixture": {"sc": 1.0}, "num_train_epochs": 2},
        "b: 4 epochs": FOUR_EPOCHS,
        "c: 8 epochs": {"mixture": {"sc": 1.0}, "num_train_epochs": 8},
        "d: 4 epochs, weight decay": {**FOUR_EPOCHS, "weight_decay": 1.0},
        "e: 4 epochs, L2-SP": {**FOUR_EPOCHS, "l2_sp": 1.0},
        "f: 4 epochs, strong L2-SP": {**FOUR_EPOCHS, "l2_sp": 10.0},
        "g: 4 epochs, masked inputs": {**FOUR_EPOCHS, "input_masking": 0.15},
    },
}
# What Apertium makes of D2's rows: column made, column it is made of, mode, Debian packages
MACHINE = {
    "back": ("en", "es", "spa-eng", "apertium-eng-spa"),
    "forward": ("sc", "it", "ita-srd", "apertium-srd-ita"),
}
PROGRAMS = [
    "apertium", "lttoolbox", "liblttoolbox3", "libapertium3", "cg3", "libcg3-1", "apertium-lex-tools",
    "libapertium-lex-tools1", "libirstlm1", "apertium-anaphora", "apertium-separable",
]  # fmt: skip


# What D4 asks the model itself: every task with every topic
TASKS = [
    "What is {} and why does it matter?", "Explain {} to a child.", "Write a short paragraph about {}.",
    "List three facts about {}.", "Give some advice to somebody who wants to learn about {}.",
    "Write a polite e-mail that asks a colleague about {}.", "Summarise the history of {} in a few sentences.",
    "What do people often get wrong about {}?",
]  # fmt: skip
TOPICS = [
    "the weather", "bread", "computers", "the human heart", "chess", "trains", "gardening", "the moon", "money",
    "music", "bees", "elections", "swimming", "maps", "sleep",
]  # fmt: skip


def recipe(arguments: argparse.Namespace, settings: dict[str, Any], seed: int) -> dict[str, Any]:
    """The whole recipe of an arm."""
    given, licence, rows = dict(settings), {"license": arguments.license}, Path(arguments.rows).resolve()
    languages = LANGUAGES
    made = given.pop("rows", None)
    if made:
        rows, languages = machine_rows(arguments, made), ["sc", "en"]
    aligned = {"kind": "parallel", "pairs": languages, **licence}
    sources: dict[str, Any] = {
        "rows": {**aligned, "path": str(rows), "documents": languages, "rows_per_document": arms.ROWS_PER_DOCUMENT},
        "dev": {**aligned, "path": str(Path(arguments.dev).resolve()), "pairs": LANGUAGES, "role": "evaluate"},
    }
    for name, path in zip(("text", "text-dev"), set_aside(arguments), strict=False):
        lines = {"kind": "local", "path": str(path), "language": "sc", "lines_per_document": 8, **licence}
        if name == "text-dev":
            sources[name] = {**lines, "role": "evaluate"}
        elif not made:
            sources[name] = lines
    if "chat" in given:
        sources["prompts"] = {"kind": "local", "yields": "conversations", "path": str(prompts(arguments)), **licence}
    return {
        "language": "srd",
        "seed": seed,
        "base_model": {"name": arguments.name, "license": "apache-2.0", "folder": str(Path(arguments.model).resolve())},
        "sources": sources,
        "corpus": {"near_duplicates": None, "max_rejected": 0.9},  # the rows were chosen by people
        "cpt": {
            "max_tokens": arguments.tokens,
            "sequence_length": 512,
            "row_length": 1024,
            "tokens_per_step": arguments.tokens_per_step,
            "learning_rate": arguments.learning_rate,
            "warmup_steps": 10,
            "save_minutes": 5,
            "eval_max_bytes": 0,
            "num_samples": 0,
            "report_to": [],
            **given,
        },
    }


def run_arm(arguments: argparse.Namespace, settings: dict[str, Any], arm: str, seed: int) -> dict[str, Any]:
    """Train one arm with one seed by its recipe, score it, and let its model go."""
    from llimba.manifest import read_manifest
    from llimba.pipeline.runner import run
    from llimba.recipe.file import load_recipe

    if not settings:
        return {"bits_per_byte": score(arguments, Path(arguments.model)), "tokens": 0, "steps": 0}
    out = Path(arguments.out)
    path = out / "recipes" / f"{arguments.experiment}-{arm[0]}-{seed}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"# {arm}, seed {seed}\n" + yaml.safe_dump(recipe(arguments, settings, seed), sort_keys=False))
    loaded = load_recipe(path)
    folder = next(step.folder for step in run(loaded, out / "runs", "cpt") if step.stage.name == "cpt")
    facts = read_manifest(folder)["facts"]
    found = score(arguments, folder / "model")
    if not arguments.keep_models:
        shutil.rmtree(folder)
    keys = ("steps", "tokens_per_epoch", "phases", "first_loss", "last_loss", "tokens_per_second", "averaged")
    return {
        "bits_per_byte": found,
        "tokens": facts["loss_tokens"],
        **{key: facts[key] for key in keys if key in facts},
    }


def score(arguments: argparse.Namespace, folder: Path) -> dict[str, float]:
    """Bits per byte of the dev rows, in every direction and alone, and of the text set aside."""
    from llimba.languages.profile import load_language
    from llimba.languages.prompts import completion_prompt, split_direction
    from llimba.recipe import CptSection, Tokens
    from llimba.training.model import open_for_training

    opened = open_for_training(folder, CptSection(), Tokens())
    scorer = arms.Scorer(opened.model, opened.tokenizer, opened.contract.separator_id)
    dev, profile = arms.read_rows(Path(arguments.dev), arguments.dev_rows), load_language("srd")
    found = {}
    for direction in DIRECTIONS:
        source, target = split_direction(direction)
        asked = ((completion_prompt(profile, direction, row[source]), row[target]) for row in dev)
        found[f"{source}>{target}"] = scorer.given(asked)
    found |= {language: scorer.alone(arms.texts(dev, language)) for language in LANGUAGES}
    if arguments.text:
        lines = set_aside(arguments)[1].read_text(encoding="utf-8").splitlines()
        found["other sc"] = scorer.alone(arms.texts([{"sc": line} for line in lines[: 2 * arguments.dev_rows]], "sc"))
    return {name: round(value, 4) for name, value in found.items()}


def set_aside(arguments: argparse.Namespace) -> list[Path]:
    """`--text` in two files, to train on and to score on; nothing where there is none."""
    if not arguments.text:
        return []
    paths = [Path(arguments.out).resolve() / f"text-{part}.txt" for part in ("train", "dev")]
    if not all(path.exists() for path in paths):
        lines = [line for line in Path(arguments.text).read_text(encoding="utf-8").splitlines() if line.strip()]
        for last, path in enumerate(paths):
            kept = (line for number, line in enumerate(lines) if (number // 100 % 20 == 19) == bool(last))
            path.write_text("\n".join(kept) + "\n", encoding="utf-8")
    return paths


def prompts(arguments: argparse.Namespace) -> Path:
    """D4's requests in plain English; what answers them in the end is the model itself (`cpt.chat`)."""
    path = Path(arguments.out).resolve() / "d4-prompts.jsonl"
    asked = (task.format(topic) for topic in TOPICS for task in TASKS)
    write_jsonl(path, ({"id": i, "prompt": prompt, "completion": "-"} for i, prompt in enumerate(asked)))
    return path


def machine_rows(arguments: argparse.Namespace, made: str) -> Path:
    """D2's rows, English and Sardinian: as people wrote them, or one column of them translated by Apertium, once."""
    path = Path(arguments.out).resolve() / f"d2-{made}.jsonl"
    if not path.exists():
        rows = arms.read_rows(Path(arguments.rows), arguments.d2_rows)
        if made != "human":
            from llimba.models.translators.apertium import Apertium
            from llimba.recipe import ApertiumTranslation

            column, source, mode, data = MACHINE[made]
            asked = {"engine": "apertium", "source_language": source, "route": [mode], "packages": [*PROGRAMS, data]}
            engine = Apertium(ApertiumTranslation.model_validate(asked))
            translated = engine.translate([row[source] for row in rows])
            rows = [{**row, column: one.text} for row, one in zip(rows, translated, strict=True)]
        write_jsonl(path, ({"id": row["id"], "en": row["en"], "sc": row["sc"]} for row in rows))
    return path


def table(found: dict[str, Any]) -> str:
    """Markdown: an arm a row, mean and standard deviation over the seeds; an arrow where the difference counts.

    A difference to the first arm counts beyond two of that arm's standard deviations and beyond 0.01.
    """
    first = next(iter(found.values()))["bits_per_byte"]
    lines = [f"| arm | seeds | {' | '.join(first)} |", "|---|---:|" + "---:|" * len(first)]
    for arm, scored in found.items():
        cells = []
        for name, baseline in first.items():
            value = scored["bits_per_byte"][name]
            difference, sd = value["mean"] - baseline["mean"], baseline["sd"]
            counts = sd is not None and abs(difference) > max(0.01, 2 * sd)
            spread = f" ±{value['sd']:.3f}" if value["sd"] is not None else ""
            cells.append(f"{value['mean']:.3f}{spread}" + ((" ↓" if difference < 0 else " ↑") if counts else ""))
        lines.append(f"| {arm} | {len(scored['seeds'])} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def draw(found: dict[str, Any], path: Path) -> None:
    """Translation into and out of Sardinian, and texts alone: each seed of each arm."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(2, 4, figsize=(13, 6))
    for axes, score in zip(panels.flat, ("en>sc", "it>sc", "sc>en", "sc>it", *LANGUAGES), strict=True):
        arms.dots(axes, found, score)
        axes.set(title=score)
    panels[0, 0].set(ylabel="bits per byte, given the original")
    panels[1, 0].set(ylabel="bits per byte, alone")
    arms.save(figure, path)


def main() -> None:
    """Run what is missing, then sum up."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("experiment", choices=sorted(ARMS))
    parser.add_argument("--model", required=True, help="a transformers folder")
    parser.add_argument("--name", default="HuggingFaceTB/SmolLM2-135M-Instruct", help="of the model, for the recipes")
    parser.add_argument("--rows", required=True)
    parser.add_argument("--dev", required=True)
    parser.add_argument("--text", help="Sardinian lines without a translation")
    parser.add_argument("--license", default="CC-BY-SA-4.0", help="of the texts, for the recipes")
    parser.add_argument("--out", required=True)
    parser.add_argument("--arms", default="", help="their letters, e.g. a,b; default: all")
    parser.add_argument("--tokens", type=int, default=250_000, help="of every arm")
    parser.add_argument("--tokens-per-step", type=int, default=TOKENS_PER_STEP)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--learning-rate", type=float, default=3e-4)
    parser.add_argument("--dev-rows", type=int, default=120, help="dev rows scored")
    parser.add_argument("--d2-rows", type=int, default=1300)
    parser.add_argument("--keep-models", action="store_true")
    parser.add_argument("--sum-up", action="store_true", help="run nothing: table and picture of what is finished")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    letters = arguments.arms.split(",") if arguments.arms else [arm[0] for arm in ARMS[arguments.experiment]]
    chosen = {arm: settings for arm, settings in ARMS[arguments.experiment].items() if arm[0] in letters}
    if len(chosen) < len(letters):
        parser.error(f"--arms: {arguments.experiment} has {', '.join(arm[0] for arm in ARMS[arguments.experiment])}")
    out = Path(arguments.out)
    out.mkdir(parents=True, exist_ok=True)
    files = [sha256(Path(path)) for path in (arguments.rows, arguments.dev, arguments.text) if path]
    common = [files, arguments.tokens, arguments.learning_rate, arguments.dev_rows, arguments.d2_rows]
    if arguments.tokens_per_step != TOKENS_PER_STEP:
        common.append(arguments.tokens_per_step)
    settings = {arm: fingerprint([given, common]) for arm, given in chosen.items()}
    run = partial(run_arm, arguments)
    record, seeds = out / f"{arguments.experiment}.jsonl", range(1, arguments.seeds + 1)
    if arguments.sum_up:
        done = arms.read_rows(record)
        rows = [row for arm in chosen for row in done if (row["arm"], row["settings"]) == (arm, settings[arm])]
        if not rows:
            parser.error(f"{record} has no arm with these settings (files, tokens, rates, rows)")
    else:
        rows = arms.finish_missing(record, settings, seeds, lambda arm, seed: run(chosen[arm], arm, seed))
    found = arms.by_arm(rows)
    (out / f"{arguments.experiment}.json").write_text(json.dumps(found, indent=2) + "\n")
    (out / f"{arguments.experiment}.md").write_text(table(found))
    draw(found, out / f"{arguments.experiment}.png")
    print(table(found))


if __name__ == "__main__":
    main()
