"""The account of the corpus as tables: by source for the model card, by every label for the report."""

import json
from typing import Any

from llimba.recipe import Recipe
from llimba.stages.corpus.account import Account

LABELS = ("source", "license", "language", "variety", "norm", "origin")


def described_rows(documents: Account) -> list[dict[str, Any]]:
    """One row for every combination of labels that occurs: documents, words and bytes."""
    rows = []
    for key, number in documents.of("documents").items():
        labels = dict(zip(LABELS, json.loads(key), strict=True))
        rows.append(
            {
                **labels,
                "documents": number,
                "words": documents.counts["words"][key],
                "bytes": documents.counts["bytes"][key],
            }
        )
    return rows


def by_language(documents: Account) -> dict[str, int]:
    """Words to train on in each language, the largest first."""
    words: dict[str, int] = {}
    for row in described_rows(documents):
        words[row["language"]] = words.get(row["language"], 0) + row["words"]
    return dict(sorted(words.items(), key=lambda item: -item[1]))


def by_source(recipe: Recipe, accounts: dict[str, Account]) -> dict[str, Any]:
    """For the card: what each source gave to train on, under which licence."""
    table: dict[str, Any] = {}
    for name, source in recipe.sources.items():
        pairs, spoken = (accounts[kind].of("sources").get(name, 0) for kind in ("pairs", "conversations"))
        rows = [row for row in described_rows(accounts["documents"]) if row["source"] == name]
        words: dict[str, int] = {}
        for row in rows:
            words[row["language"]] = words.get(row["language"], 0) + row["words"]
        table[name] = {
            "license": source.license,
            "role": source.role,
            "documents": sum(row["documents"] for row in rows),
            "pairs": pairs,
            "conversations": spoken,
            "words": words,
        }
    return table
