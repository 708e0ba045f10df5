"""The account as tables: by label, language and source."""

from pathlib import Path

from llimba.records import Document
from llimba.stages.corpus.account import Account
from llimba.stages.corpus.finish import described
from llimba.stages.corpus.summary import by_language, by_source, described_rows
from tests.fakes import recipe, write_text


def test_tables_add_up(tmp_path: Path) -> None:
    write_text(tmp_path)
    documents, pairs = Account(), Account()
    for source, language, words in (("prose", "sc", 5), ("prose", "sc", 7), ("replay", "it", 90), ("prose", "it", 1)):
        key = described(Document(id="x", text="", language=language, source=source, license="L", provenance="p"))
        documents.add("documents", key)
        documents.add("words", key, words)
        documents.add("bytes", key, 6 * words)
    pairs.add("sources", "aligned", 4)
    assert by_language(documents) == {"it": 91, "sc": 12}
    assert [(row.source, row.language, row.documents, row.bytes) for row in described_rows(documents)] == [
        ("prose", "it", 1, 6), ("prose", "sc", 2, 72), ("replay", "it", 1, 540)
    ]  # fmt: skip
    table = by_source(recipe(tmp_path), {"documents": documents, "pairs": pairs, "conversations": Account()})
    assert table["prose"].words == {"it": 1, "sc": 12}
    assert (table["aligned"].pairs, table["scored"].role) == (4, "evaluate")
