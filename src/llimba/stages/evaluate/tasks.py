"""Task files for lm-evaluation-harness: per direction for answers and for references, per language for texts.

They are plain YAML on plain JSONL (`id`, and `texts` by language code), written from the recipe.
"""

import glob
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import yaml

from llimba.files import replacing, write_jsonl
from llimba.languages.profile import Language
from llimba.languages.prompts import completion_prompt, evaluation_prompt, split_direction
from llimba.manifest import Json
from llimba.recipe import EvaluateSection
from llimba.records import Document, Pair

FIRST_LINE = r"^\s*([^\n]*)"  # what counts of an answer: its first line that is not empty


def translation_task(direction: str) -> str:
    """The task's name, e.g. llimba_en_sc."""
    return "llimba_" + direction.replace("-", "_")


def text_task(language: str) -> str:
    """The task's name, e.g. llimba_text_sc."""
    return f"llimba_text_{language}"


def reference_task(direction: str) -> str:
    """The task's name, e.g. llimba_reference_en_sc."""
    return "llimba_reference_" + direction.replace("-", "_")


def point_tasks_to(folder: Path, place: Path) -> None:
    """Make the task files in `folder` name their data under `place`, the stage's folder once it is finished.

    The harness takes no path relative to the task's file, so whoever moves the folder again must call this again.
    """
    old, new = folder.resolve(), place.resolve()

    def moved(value: object) -> object:
        if isinstance(value, dict):
            return {key: moved(item) for key, item in value.items()}
        if isinstance(value, list):
            return [moved(item) for item in value]
        if isinstance(value, str):
            for written in (str, glob.escape):
                value = value.replace(f"{written(str(old))}/", f"{written(str(new))}/")
        return value

    for path in sorted(folder.glob("*.yaml")):
        _save(path, moved(yaml.safe_load(path.read_text(encoding="utf-8"))))


def wording(settings: EvaluateSection, language: Language) -> Callable[[str, str], str]:
    """The prompt of a direction and a text, in the form that the recipe asks with."""
    if settings.prompt == "completion":
        return partial(completion_prompt, language, tag=language.tags.get(settings.norm_tag, ""))
    return partial(evaluation_prompt, language)


def write_tasks(
    folder: Path,
    sentences: dict[str, list[Pair]],
    texts: dict[str, list[Document]],
    language: Language,
    settings: EvaluateSection,
    examples: dict[str, list[Pair]],
) -> None:
    """Write data and task files of every direction and language under `folder`.

    `examples` holds the few-shot pairs of each direction; the same ones, in the same order, are in every prompt.
    """
    word, until = wording(settings, language), ["\n"] if settings.prompt == "completion" else []
    for direction, pairs in sentences.items():
        source, target = split_direction(direction)
        task: Json = {
            "output_type": "generate_until",
            "doc_to_text": word(direction, _side(source)),
            "doc_to_target": _side(target),
            "generation_kwargs": {"until": until, "do_sample": False, "max_gen_toks": settings.max_new_tokens},
            "filter_list": [
                {
                    "name": "first_line",
                    "filter": [
                        {"function": "regex", "regex_pattern": FIRST_LINE, "fallback": ""},
                        {"function": "take_first"},
                    ],
                }
            ],
            "metric_list": [_metric("bleu"), _metric("chrf")],
        }
        if shown := examples.get(direction):
            samples = [_row(pair) for pair in shown]
            task |= {"num_fewshot": len(shown), "fewshot_config": {"sampler": "first_n", "samples": samples}}
        _write(folder, translation_task(direction), map(_row, pairs), task)
    for code, documents in texts.items():
        task = {
            "output_type": "loglikelihood_rolling",
            "doc_to_text": "",
            "doc_to_target": "{{text}}",
            "metric_list": [_metric("bits_per_byte", higher_is_better=False)],
        }
        _write(folder, text_task(code), ({"id": d.id, "text": d.text} for d in documents), task)


def write_references(folder: Path, references: dict[str, list[Pair]], language: Language) -> None:
    """Write a task for each direction that asks how likely a reference is after its source.

    It is the completion prompt for every model, trained to chat or not.
    """
    for direction, pairs in references.items():
        source, target = split_direction(direction)
        task = {
            "output_type": "loglikelihood",
            "doc_to_text": completion_prompt(language, direction, _side(source)),
            "doc_to_target": f" {_side(target)}",  # no delimiter is put before what is only scored
            "metric_list": [_metric("perplexity", higher_is_better=False)],
        }
        _write(folder, reference_task(direction), map(_row, pairs), task)


def write_questions(folder: Path, name: str, questions: list[Json]) -> None:
    """Write a task that ranks the choices of each question: rows of `id`, `prompt`, `choices` and `answer`."""
    task = {
        "output_type": "multiple_choice",
        "doc_to_text": "{{prompt}}",
        "doc_to_choice": "{{choices}}",
        "doc_to_target": "{{answer}}",
        "target_delimiter": "",
        "metric_list": [{**_metric("acc"), "aggregation": "mean"}],
    }
    _write(folder, name, questions, task)


def _row(pair: Pair) -> Json:
    return {"id": pair.id, "texts": pair.texts}


def _side(code: str) -> str:
    """A language's text as a task file names it; nested, as a language code may be `id`, as Indonesian's is."""
    return f"{{{{texts['{code}']}}}}"


def _metric(name: str, *, higher_is_better: bool = True) -> Json:
    return {"metric": name, "aggregation": name, "higher_is_better": higher_is_better}


def _write(folder: Path, name: str, rows: Iterable[Json], task: Json) -> None:
    """Write the rows and the task of one name."""
    data = (folder / f"{name}.jsonl").resolve()
    write_jsonl(data, rows)
    whole = {
        "task": name,
        "dataset_path": "json",
        # `datasets` takes a path for a pattern
        "dataset_kwargs": {
            "data_files": {"test": glob.escape(str(data))},
            "cache_dir": str(data.with_name(".cache")),
        },
        "test_split": "test",
        "num_fewshot": 0,
        "metadata": {"version": 1},
        **task,
    }
    _save(folder / f"{name}.yaml", whole)


def _save(path: Path, task: object) -> None:
    with replacing(path) as handle:
        yaml.safe_dump(task, handle, allow_unicode=True, sort_keys=False)
