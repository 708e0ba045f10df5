"""The account of the corpus as tables: by source for the model card, by every label for the report."""

import json
from typing import Any

from llimba.recipe import Recipe
from llimba.stages.corpus.account import Account
from llimba.stages.folders import SourceFacts

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


def by_source(recipe: Recipe, accounts: dict[str, Account]) -> dict[str, SourceFacts]:
    """For the card: what each source gave to train on, under which licence."""
    table = {}
    for name, source in recipe.sources.items():
        pairs, spoken = (accounts[kind].of("sources").get(name, 0) for kind in ("pairs", "conversations"))
        rows = [row for row in described_rows(accounts["documents"]) if row["source"] == name]
        words: dict[str, int] = {}
        for row in rows:
            words[row["language"]] = words.get(row["language"], 0) + row["words"]
        documents = sum(row["documents"] for row in rows)
        table[name] = SourceFacts(source.license, source.role, documents, pairs, spoken, words)
    return table
