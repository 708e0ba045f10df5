"""What a corpus holds and what was lost on the way: one JSON, one self-contained HTML page."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from llimba.errors import StageError
from llimba.files import read_jsonl, replacing, write_json
from llimba.languages.text import words
from llimba.manifest import Json, read_manifest
from llimba.stages.corpus.reading import reading
from llimba.stages.corpus.summary import LABELS
from llimba.stages.corpus_facts import CorpusFacts
from llimba.stages.folders import CorpusFolder, SourcesFolder

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

MEASURED = 200  # documents of each language that fertility is measured on
COUNTED = ("documents", "words", "tokens", "bytes")  # tokens: words times the fertility measured
SHOWN = 3  # examples of each language, and of each reason
SHOWN_CHARACTERS = 400


def rejected_rows(corpus: CorpusFolder, rule: str | None, sample: int) -> list[Json]:
    """Rows of `rejected.jsonl` under `rule` (None: all), spread evenly over the file; at most `sample` of them.

    Raises `StageError` where no record was rejected under that rule, naming the rules that there are.
    """
    rules = Counter[str]()
    for row in read_jsonl(corpus.rejected_file):
        rules[row["rule"]] += 1
    total = rules.total() if rule is None else rules[rule]
    if rule is not None and not total:
        known = ", ".join(f"'{name}' ({number})" for name, number in rules.most_common()) or "none"
        raise StageError(f"nothing was rejected under '{rule}'. Rules with rejected records: {known}.")
    chosen = (row for row in read_jsonl(corpus.rejected_file) if rule in (None, row["rule"]))
    return list(islice(islice(chosen, 0, None, max(1, total // max(sample, 1))), sample))


def report(
    corpus: CorpusFolder,
    tokenizer: "PreTrainedTokenizerBase | None" = None,
    sources: SourcesFolder | None = None,
) -> Json:
    """Everything that the page shows, from the finished corpus folder and that of the sources it was made from.

    `tokenizer` is the base model's, for fertility (tokens a word, bytes a token); None leaves it out.
    """
    manifest = read_manifest(corpus.path)
    if manifest is None:
        raise StageError(f"{corpus.path} holds no finished corpus. Run first: llimba run RECIPE --until corpus")
    facts = manifest.facts_as(CorpusFacts)
    examples, fertility = _documents(corpus, tokenizer)
    rows = [
        {**asdict(row), "tokens": round(row.words * fertility.get(row.language, {}).get("tokens_per_word", 0))}
        for row in facts.documents
    ]
    return {
        "recipe": manifest.recipe,
        "fingerprint": manifest.fingerprint,
        "finished": manifest.finished,
        "seconds": manifest.seconds,
        "peak_memory_bytes": manifest.peak_memory_bytes,
        "totals": {key: sum(row[key] for row in rows) for key in COUNTED},
        "reading": reading(sources, corpus) if sources is not None else None,
        "tables": {label: grouped(rows, label) for label in LABELS},
        "fertility": fertility,
        "counts": asdict(facts.counts),
        "thresholds": [asdict(row) for row in facts.thresholds],
        "contamination": asdict(facts.contamination),
        "lengths": {code: sorted((int(size), n) for size, n in bins.items()) for code, bins in facts.lengths.items()},
        "examples": examples,
        "rejected": _rejected_examples(corpus),
    }


def grouped(rows: Iterable[Json], label: str) -> list[Json]:
    """Documents, words, tokens and bytes by one label, the largest first; an empty label is `not stated`."""
    table: dict[str, Json] = {}
    for row in rows:
        name = row[label] or "not stated"
        into = table.setdefault(name, {"name": name, **dict.fromkeys(COUNTED, 0)})
        for key in COUNTED:
            into[key] += row[key]
    return sorted(table.values(), key=lambda entry: (-entry["words"], entry["name"]))


def _documents(
    corpus: CorpusFolder, tokenizer: "PreTrainedTokenizerBase"
) -> tuple[dict[str, list[str]], dict[str, dict[str, float]]]:
    """Examples, and fertility on the first `MEASURED` documents, of each language."""
    examples: dict[str, list[str]] = {}
    sums: dict[str, Counter[str]] = {}
    for document in corpus.documents():
        shown = examples.setdefault(document.language, [])
        if len(shown) < SHOWN:
            shown.append(document.text[:SHOWN_CHARACTERS])
        counted = sums.setdefault(document.language, Counter())
        if tokenizer is not None and counted["documents"] < MEASURED:
            tokens = len(tokenizer(document.text, add_special_tokens=False)["input_ids"])
            size = len(document.text.encode())
            counted.update(documents=1, tokens=tokens, words=len(words(document.text)), bytes=size)
    measured = {language: counted for language, counted in sums.items() if counted["tokens"] and counted["words"]}
    return examples, {
        language: {
            "documents": counted["documents"],
            "tokens_per_word": round(counted["tokens"] / counted["words"], 3),
            "bytes_per_token": round(counted["bytes"] / counted["tokens"], 3),
        }
        for language, counted in measured.items()
    }


def _rejected_examples(corpus: CorpusFolder) -> dict[str, list[Json]]:
    """The first few records of each rule, as a person reads them."""
    found: dict[str, list[Json]] = {}
    for row in read_jsonl(corpus.rejected_file):
        shown = found.setdefault(row["rule"], [])
        if len(shown) < SHOWN:
            shown.append({"value": row["value"], "threshold": row["threshold"], "text": shown_text(row["record"])})
    return found


def shown_text(record: Json, characters: int = SHOWN_CHARACTERS) -> str:
    """The text of a record of any type, cut."""
    if "text" in record:
        text = str(record["text"])
    elif "texts" in record:
        text = " | ".join(f"{code}: {side}" for code, side in record["texts"].items())
    else:
        text = "\n".join(f"{message['role']}: {message['content']}" for message in record["messages"])
    return text if len(text) <= characters else text[:characters] + " ..."


def write_report(found: Json, page: Path) -> None:
    """Write the page, and the JSON beside it."""
    from jinja2 import Environment

    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string((Path(__file__).parent / "report.html").read_text(encoding="utf-8"))
    with replacing(page) as handle:
        handle.write(template.render(**found))
    write_json(page.with_suffix(".json"), found)
