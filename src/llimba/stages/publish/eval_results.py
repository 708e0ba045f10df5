"""Scores as the hub's `.eval_results/*.yaml`, from which model pages and a benchmark's leaderboard take them.

The hub wants the id of the data set, and for each value the id of a task that the data set's own `eval.yaml` lists;
it shows the values once that file is there. So only scores whose sentences all come from one data set of the hub are
written, and a task is a direction and a metric: `en-sc_chrf`.
"""

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from llimba.files import replacing
from llimba.reports.scored_text import sets_of
from llimba.stages.publish.header import HEADLINE, revision
from llimba.stages.publish.release import HUB, Release

if TYPE_CHECKING:
    from huggingface_hub import EvalResultEntry


def write_eval_results(release: Release, folder: Path) -> list[str]:
    """Write a file for each data set into a model folder; returns their names, none where no data set is known."""
    from huggingface_hub import eval_result_entries_to_yaml
    from huggingface_hub.constants import EVAL_RESULTS_FOLDER

    written = []
    for dataset, entries in _entries(release).items():
        name = f"{EVAL_RESULTS_FOLDER}/{dataset.replace('/', '__')}.yaml"
        with replacing(folder / name) as handle:
            yaml.safe_dump(eval_result_entries_to_yaml(entries), handle, allow_unicode=True, sort_keys=False)
        written.append(name)
    return written


def _entries(release: Release) -> "dict[str, list[EvalResultEntry]]":
    from huggingface_hub import EvalResultEntry

    found: dict[str, list[EvalResultEntry]] = defaultdict(list)
    how, place = release.scores.conditions, release.repository
    for direction, entry in release.own.translation.items():
        sets = sets_of(release.scores, direction)
        if len(sets) != 1 or not sets[0].dataset or sets[0].held_out:
            continue
        part = ", a part of the set" if sets[0].partly else ""
        for metric in HEADLINE:
            if score := entry.score(metric):
                found[sets[0].dataset].append(
                    EvalResultEntry(
                        dataset_id=sets[0].dataset,
                        task_id=f"{direction}_{metric}",
                        value=score.value,
                        dataset_revision=revision(release, sets[0]),
                        date=release.manifests["evaluate"].finished[:10],
                        source_url=f"{HUB}/{place}" if place else None,
                        source_name="model card" if place else None,
                        notes=f"{entry.sentences} sentences{part}, {how.prompt_form} prompt, {how.num_fewshot} "
                        f"examples, answer: {how.answer}; {how.harness}; sacrebleu {how.signatures[metric]}",
                    )
                )
    return dict(found)
