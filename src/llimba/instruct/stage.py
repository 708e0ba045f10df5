"""Stage 3, `instruct`: conversations from pairs and from the sources. Leaves `conversations.jsonl`."""

from collections import Counter
from pathlib import Path
from typing import Any

from llimba.errors import StageError
from llimba.files import stable_fraction
from llimba.instruct.translation import conversations as translations
from llimba.recipe import Recipe
from llimba.records import Conversation, Pair, read_records, write_records
from llimba.text import fold


def run(recipe: Recipe, inputs: dict[str, Path], out: Path) -> dict[str, Any]:
    """Build, deduplicate, cut to the number asked for; returns counts by task, origin and system prompt."""
    settings = recipe.instruct
    pairs = read_records(inputs["corpus"] / "pairs.jsonl", Pair)
    built = list(translations(pairs, settings, recipe.profile, recipe.seed))
    given = list(read_records(inputs["corpus"] / "conversations.jsonl", Conversation))
    unique = _without_duplicates([*given, *built])
    chosen = sorted(unique, key=lambda c: stable_fraction(str(recipe.seed), "order", c.id))[
        : settings.max_conversations
    ]
    if not chosen:
        raise StageError(
            "instruct: there is no conversation. Name directions under instruct.directions and a source with pairs in "
            "them, or a source that yields conversations."
        )
    write_records(out / "conversations.jsonl", chosen)
    return {
        "conversations": len(chosen),
        "built_from_pairs": len(built),
        "given_by_sources": len(given),
        "duplicates_removed": len(given) + len(built) - len(unique),
        "tasks": dict(Counter(c.task for c in chosen)),
        "origins": dict(Counter(c.origin for c in chosen)),
        "with_system_prompt": sum(c.messages[0]["role"] == "system" for c in chosen),
    }


def _without_duplicates(conversations: list[Conversation]) -> list[Conversation]:
    """The first of all conversations whose user turns are the same but for case, accents and punctuation."""
    kept: dict[str, Conversation] = {}
    for conversation in conversations:
        turns = [fold(message["content"]) for message in conversation.messages if message["role"] == "user"]
        kept.setdefault("\n".join(turns), conversation)
    return list(kept.values())
