"""The account of the corpus as tables: by source for the model card, by every label for the report."""

import json
from collections import Counter
from collections.abc import Iterable

from llimba.recipe import Recipe
from llimba.stages.corpus.account import Account
from llimba.stages.corpus_facts import LabelledDocuments, SourceShare

LABELS = ("source", "license", "language", "variety", "norm", "origin")


def described_rows(documents: Account) -> list[LabelledDocuments]:
    """One row for every combination of labels that occurs: documents, words and bytes."""
    counts = documents.counts
    return [
        LabelledDocuments(
            **dict(zip(LABELS, json.loads(key), strict=True)),
            documents=number,
            words=counts["words"][key],
            bytes=counts["bytes"][key],
        )
        for key, number in documents.of("documents").items()
    ]


def by_language(documents: Account) -> dict[str, int]:
    """Words to train on in each language, the largest first."""
    return dict(_words(described_rows(documents)).most_common())


def by_source(recipe: Recipe, accounts: dict[str, Account]) -> dict[str, SourceShare]:
    """For the card: what each source gave to train on, under which licence."""
    table: dict[str, SourceShare] = {}
    for name, source in recipe.sources.items():
        pairs, conversations = (accounts[kind].of("sources").get(name, 0) for kind in ("pairs", "conversations"))
        rows = [row for row in described_rows(accounts["documents"]) if row.source == name]
        table[name] = SourceShare(
            license=source.license,
            role=source.role,
            documents=sum(row.documents for row in rows),
            pairs=pairs,
            conversations=conversations,
            words=dict(_words(rows)),
        )
    return table


def _words(rows: Iterable[LabelledDocuments]) -> Counter[str]:
    """Words by language."""
    words = Counter[str]()
    for row in rows:
        words[row.language] += row.words
    return words
