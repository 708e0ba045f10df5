"""A record passes through datatrove's steps and comes back the same."""

from pathlib import Path

from llimba.records import Document, read_records, write_records
from llimba.stages.corpus.shards import RecordReader, ShardWriter, carried, record
from llimba.stages.corpus.tables import shard

DOCUMENTS = [
    Document(id=f"d{i}", text=f"testu {i}\nriga", language="sc", source="s", license="x", provenance="p", norm="is")
    for i in range(9)
]


def test_a_record_is_carried_whole() -> None:
    assert record(carried(DOCUMENTS[0])) == DOCUMENTS[0]
    assert carried(DOCUMENTS[0]).metadata["norm"] == "is"


def test_what_a_task_reads_and_writes_is_its_share(tmp_path: Path) -> None:
    write_records(tmp_path / "in.jsonl", DOCUMENTS)
    found = []
    for rank in range(3):
        passed = list(ShardWriter(tmp_path / "out")(RecordReader(tmp_path / "in.jsonl")(None, rank, 3), rank, 3))
        assert list(read_records(shard(tmp_path / "out", rank), Document)) == [record(c) for c in passed]
        found += [record(carrier) for carrier in RecordReader(tmp_path / "out")(None, rank, 3)]
    assert found == DOCUMENTS
