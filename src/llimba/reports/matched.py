"""Whether recipes that are compared are matched, and what their training cost: read from manifests alone.

Matched means one corpus, one set of conversations, one start, the same documents in the same order in the same number
of steps. What they may differ in is the method and its own settings, and those are named.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from llimba.manifest import Json, read_manifest
from llimba.reports.training_facts import Gap, SftFacts

SHARED = {"corpus": "corpus", "instruct": "set of conversations", "cpt": "CPT"}  # stage -> what people call it
ORDER = {"steps": "steps", "data_order": "order of documents", "loss_tokens": "supervised tokens"}  # fact -> the same
UNIT = 2**30


def training(folders: Mapping[str, Path]) -> dict[str, str]:
    """Figures of a recipe's sft stage for the table, from its stages' folders; none where it has no finished one."""
    manifest = read_manifest(folders["sft"]) if "sft" in folders else None
    if manifest is None:
        return {}
    facts = manifest.facts_as(SftFacts)
    loss = facts.loss or Gap(train=None, held_out=None, gap=None, conversations=(0, 0))
    return {
        "trained parameters": f"{facts.trainable.trained / 1e6:,.1f} M",
        "peak memory": f"{manifest.peak_memory_bytes / UNIT:.1f} GiB",
        "seconds": f"{manifest.seconds:,.0f}",
        "loss, trained on": three_digits(loss.train),
        "loss, held out": three_digits(loss.held_out),
        "gap": three_digits(loss.gap),
    }


def proof(finished: Mapping[str, Mapping[str, Path]]) -> list[str]:
    """What the manifests of several recipes (name -> folder by stage) prove: one line a finding, for the terminal."""
    tuned = {name: folders["sft"] for name, folders in finished.items() if "sft" in folders}
    manifests = {name: manifest for name, folder in tuned.items() if (manifest := read_manifest(folder))}
    if len(manifests) < 2:
        return []
    needs = {name: manifest.ingredients.needs for name, manifest in manifests.items()}
    facts = {name: manifest.facts_as(SftFacts) for name, manifest in manifests.items()}
    same: list[str] = []
    differing: list[str] = []
    for stage, called in SHARED.items():
        found: dict[str, object] = {name: of.get(stage) for name, of in needs.items()}
        _compare(found, f"one {called}", f"the {called}", same, differing)
    _compare({n: m.ingredients.base_model for n, m in manifests.items()}, "one base", "the base", same, differing)
    for fact, called in ORDER.items():
        found = {name: getattr(of, fact) for name, of in facts.items()}
        some = next(iter(found.values()))
        shown = f"{some:,} " if isinstance(some, int) else "the same "
        _compare(found, f"{shown}{called}", f"the {called}", same, differing)
    sections = {name: manifest.ingredients.section for name, manifest in manifests.items()}
    lines = [("not matched: " + "; ".join(differing)) if differing else f"matched: {', '.join(same)}"]
    if settings := _differing_settings(list(sections.values())):
        lines.append(f"they differ in sft: {', '.join(settings)}")
    return lines


def _compare(found: Mapping[str, object], equal: str, other: str, same: list[str], differing: list[str]) -> None:
    values = list(found.values())
    if all(value == values[0] for value in values):
        if values[0] is not None:
            same.append(equal)
        return
    odd = [name for name, value in found.items() if value != values[0]]
    differing.append(f"{other} of {', '.join(odd)} is another than that of {next(iter(found))}")


def _differing_settings(sections: Sequence[Json]) -> list[str]:
    keys = dict.fromkeys(key for section in sections for key in section)
    return [key for key in keys if any(section.get(key) != sections[0].get(key) for section in sections)]


def three_digits(value: float | None) -> str:
    """A figure for a table; a dash where there is none."""
    return "–" if value is None else f"{value:.3f}"
