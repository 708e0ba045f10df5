"""What the scores rest on, in words: data sets of the hub by name and id, and how published scores compare."""

from collections.abc import Iterable

from llimba.recipe.published_scores.table import Published, read_published, shipped
from llimba.reports.scores import ScoredSet, Scores

OWN = "held-out text of the recipe"


def sets_of(scores: Scores, direction: str) -> list[ScoredSet]:
    """Where the sentences of a direction come from."""
    return [found for found in scores.sets.values() if direction in found.sentences]


def set_name(found: ScoredSet, scores: Scores) -> str:
    """What people call a set: as a published table calls it, else its hub id, else the recipe's own text."""
    for table in (*scores.published, *map(read_published, shipped())):
        if table.evaluated_on and _is(found, table):
            return table.evaluated_on.name
    return found.dataset or OWN


def in_words(sets: Iterable[ScoredSet], scores: Scores) -> str:
    """Sets for a sentence: FLORES-200 dev (`owner/name`, split test)."""
    names = dict.fromkeys(_in_words(found, set_name(found, scores)) for found in sets)
    return " and ".join(names) or OWN


def _in_words(found: ScoredSet, name: str) -> str:
    if not found.dataset:
        return OWN
    if name == found.dataset:
        return f"`{found.dataset}` (split {found.split})"
    return f"{name} (`{found.dataset}`, split {found.split})"


def scored_on(scores: Scores) -> str:
    """What all translation scores rest on, in words."""
    return in_words((found for found in scores.sets.values() if found.sentences), scores)


def published_notes(scores: Scores) -> list[str]:
    """For every published table: where it comes from, and what is the same here and what is not."""
    return [_note(scores, table) for table in scores.published]


def _note(scores: Scores, table: Published) -> str:
    how, same = scores.conditions, _same_sentences(scores, table)
    shots = f" after {how.num_fewshot} examples" if how.num_fewshot else ""
    return (
        f"{table.title}: published by others ({table.source}). {table.conditions}. {same} Here: prompt `{how.prompt}`"
        f"{shots}, the answer is {how.answer}; {how.harness}. The prompts may differ, so a difference is no test."
    )


def _same_sentences(scores: Scores, table: Published) -> str:
    directions = {way for system in table.systems.values() for way in system}
    found = [(way, sets) for way in sorted(directions) if (sets := sets_of(scores, way))]
    on = table.evaluated_on
    if on is None or not found or not all(_is(one, table) for _, sets in found for one in sets):
        return "Other sentences than here."
    counts = {sum(one.sentences[way] for one in sets) for way, sets in found}
    where = f"{on.name}, `{on.dataset}`, split {on.split}"
    if counts == {table.sentences}:
        return f"Scored here on the same {table.sentences} sentences ({where})."
    return f"Scored here on {min(counts)} sentences of the same set ({where})."


def _is(found: ScoredSet, table: Published) -> bool:
    on = table.evaluated_on
    return on is not None and not found.held_out and on.holds(found.dataset, found.split)
