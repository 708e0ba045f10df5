"""Zip archives: what is in them is read as if it lay in the folder; bombs and climbing names are set apart."""

import io
import zipfile
from pathlib import Path

from llimba.recipe import LocalSource
from llimba.records import Conversation, Document
from llimba.stages.sources.local import load
from llimba.stages.sources.taken import Files
from tests.fakes import intake
from tests.stages.sources.test_extract import PAGE, PROSE


def archive(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in members.items():
            packed.writestr(name, data)
    return out.getvalue()


def test_members_are_read_within_bounds(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("g.txt")
    link.external_attr = 0o120777 << 16
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in {
            "b/a.html": PAGE, "a.txt": b"unu", "c.csv": b"text,n\nduos,1\ntres\n", "../d.txt": b"x", "/e.txt": b"x",
            "f.txt": b"\0" * 30_000_000, "__MACOSX/._a.txt": b"x", "h.exe": b"x", "i.zip": archive({"a.txt": b"x"}),
            "j.jsonl.gz": b"no gzip",
        }.items():  # fmt: skip
            packed.writestr(name, data)
        packed.writestr(link, "/etc/hostname")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "p.zip").write_bytes(out.getvalue())
    (tmp_path / "in" / "q.zip").write_bytes(b"PK nothing")
    (tmp_path / "in" / "z.txt").write_text("bator")
    source = LocalSource(kind="local", path=tmp_path / "in", language="sc", license="x")
    reading = intake(source)
    reading.quarantine_file = entries = io.StringIO()
    texts = {d.provenance: d.text for d in load(source, reading) if isinstance(d, Document)}
    assert PROSE[0] in texts.pop("p.zip/b/a.html:1")
    assert texts == {"p.zip/a.txt:1": "unu", "p.zip/c.csv:2": "duos", "z.txt:1": "bator"}
    assert reading.quarantined == {
        "another number of fields than the header": 1, "path that climbs": 2, "decompression bomb": 1, "broken file": 2,
    }  # fmt: skip
    assert reading.skipped == {
        "hidden files and folders": 1, "links in archives": 1, "files of other kinds: .exe": 1,
        "files of other kinds: .zip (unpack it)": 1,
    }  # fmt: skip
    assert f'"file": "{tmp_path}/in/p.zip/c.csv"' in entries.getvalue()
    assert not reading.unpacked


def test_an_archive_of_conversations(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(archive({"x.json": b'[{"prompt": "a", "completion": "b"}]', "y.txt": b"unu"}))
    source = LocalSource(kind="local", path=tmp_path / "a.zip", yields="conversations", license="x")
    reading = intake(source)
    reading.files = Files("s")
    (talk,) = load(source, reading)
    assert isinstance(talk, Conversation)
    assert talk.provenance == "a.zip/x.json:1"
    assert (reading.files.count, reading.files.shares()) == (1, {"rows": 1.0})
