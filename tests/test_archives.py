"""Archives that climb, link out, hold devices or explode: refused or left out, and nothing is written elsewhere."""

import io
import os
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from llimba import archives
from llimba.archives import unpack
from llimba.errors import StageError


def member(name: str, kind: bytes = tarfile.REGTYPE, to: str = "", mode: int = 0o644) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, to, mode
    return info


def tar(path: Path, *members: tarfile.TarInfo, content: bytes = b"salude", mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for info in members:
            info.size = len(content) if info.type == tarfile.REGTYPE else 0
            archive.addfile(info, io.BytesIO(content) if info.size else None)
    return path


def deb(path: Path, *members: tarfile.TarInfo) -> Path:
    """A Debian package with any members: dpkg-deb would not make these."""
    parts = [("debian-binary", b"2.0\n")]
    for name, inside in (("control.tar.gz", [member("./control")]), ("data.tar.gz", list(members))):
        about = b"Package: thing\nVersion: 1\nArchitecture: all\nMaintainer: n <n@n>\nDescription: t\n"
        parts.append((name, tar(path.with_name(name), *inside, content=about).read_bytes()))
        path.with_name(name).unlink()
    with path.open("wb") as handle:
        handle.write(b"!<arch>\n")
        for name, data in parts:
            handle.write(f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode())
            handle.write(data + b"\n" * (len(data) % 2))
    return path


def zipped(path: Path, names: list[str], content: bytes = b"salude") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, content)
    return path


TARS: list[tuple[str, Callable[..., Path]]] = [("t.tgz", tar)]
if shutil.which("dpkg-deb"):
    TARS.append(("t.deb", deb))


@pytest.fixture(params=TARS, ids=lambda kind: kind[0])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Path]:
    """Makes an archive of these members, as an npm package and as a Debian package."""
    name, make = request.param
    return lambda *members: make(tmp_path / name, *members)


def files(folder: Path) -> dict[str, str]:
    return {p.relative_to(folder).as_posix(): p.read_text() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_files_and_links_inside(made: Callable[..., Path], tmp_path: Path) -> None:
    archive = made(
        member("./usr", tarfile.DIRTYPE), member("./usr/lib/a.so.1", mode=0o755), member("./usr/b"),
        member("./usr/lib/a.so", tarfile.SYMTYPE, "a.so.1"), member("./lib", tarfile.SYMTYPE, "usr/lib"),
        member("./copy", tarfile.LNKTYPE, "./usr/b"),
    )  # fmt: skip
    unpack(archive, tmp_path / "out")
    assert files(tmp_path / "out") == dict.fromkeys(
        ("copy", "usr/b", "usr/lib/a.so", "usr/lib/a.so.1"), (tmp_path / "out/usr/b").read_text()
    )
    assert (tmp_path / "out/lib/a.so").read_text()
    assert os.access(tmp_path / "out/usr/lib/a.so.1", os.X_OK)
    assert not (tmp_path / "out/usr/b").stat().st_mode & 0o111


@pytest.mark.parametrize("name", ["../climbed", "a/../../climbed", "/climbed", "a\\..\\..\\climbed", "./../climbed"])
def test_a_member_that_climbs_condemns_the_archive(made: Callable[..., Path], name: str, tmp_path: Path) -> None:
    with pytest.raises(StageError, match="climbed' would be written outside of the folder"):
        unpack(made(member("fine"), member(name)), tmp_path / "out")
    with pytest.raises(StageError, match="climbed' would be written outside of the folder"):
        unpack(zipped(tmp_path / "t.whl", ["fine", name]), tmp_path / "out2")
    assert not list(tmp_path.rglob("climbed")) and not Path("/climbed").exists()


def test_links_that_lead_out_are_left_out_whatever_their_order(
    made: Callable[..., Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "secret").write_text("planted")
    (tmp_path / "target").mkdir()
    caplog.set_level("INFO")
    unpack(
        made(
            member("a", tarfile.SYMTYPE, "/etc/passwd"), member("b", tarfile.SYMTYPE, "../secret"),
            member("c", tarfile.LNKTYPE, "../secret"), member("d", tarfile.SYMTYPE, "../target"), member("d/through"),
            member("e", tarfile.SYMTYPE, "."), member("f", tarfile.SYMTYPE, "e/e/../../secret"),
            member("dir", tarfile.DIRTYPE), member("g", tarfile.SYMTYPE, "dir/up"),
            member("dir/up", tarfile.SYMTYPE, ".."),
            member("h", tarfile.SYMTYPE, "g/../secret"), member("i", tarfile.LNKTYPE, "h"), member("fine"),
        ),
        tmp_path / "out",
    )  # fmt: skip
    assert set(files(tmp_path / "out")) == {"fine", "d/through"}
    assert not list((tmp_path / "target").iterdir())
    for path in (tmp_path / "out").rglob("*"):
        assert path.resolve().is_relative_to(tmp_path / "out")
    assert "links are left out" in caplog.text


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE], ids=["char", "block", "fifo"])
def test_devices_and_pipes_condemn_the_archive(made: Callable[..., Path], kind: bytes, tmp_path: Path) -> None:
    with pytest.raises(StageError, match="'dev' is a device or a pipe"):
        unpack(made(member("dev", kind)), tmp_path / "out")
    assert not (tmp_path / "out/dev").exists()


def test_no_set_user_id_and_no_bits_for_others(made: Callable[..., Path], tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        unpack(made(member("x", mode=0o6777), member("y", mode=0o666)), tmp_path / "out")
    finally:
        os.umask(old)
    assert [(tmp_path / "out" / name).stat().st_mode & 0o7777 for name in "xy"] == [0o750, 0o640]


def test_bombs_end_at_their_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "FREE_BYTES", 100_000)
    zeros = bytes(4_000_000)
    for archive in (
        zipped(tmp_path / "z.whl", ["z"], zeros),
        zipped(tmp_path / "many.whl", [f"z{n}" for n in range(9)], zeros[:450_000]),
        tar(tmp_path / "z.tgz", member("z"), content=zeros),
    ):
        out = tmp_path / f"{archive.name}.out"
        with pytest.raises(StageError, match="unpacks to more than [0-9,]+ bytes. Do not trust"):
            unpack(archive, out)
        assert sum(p.stat().st_size for p in out.rglob("*") if p.is_file()) < 2_000_000
    monkeypatch.setattr(archives, "MEMBERS", 1000)
    for archive in (
        zipped(tmp_path / "n.whl", [str(n) for n in range(1001)]),
        tar(tmp_path / "n.tgz", *(member(f"d{n}", tarfile.DIRTYPE) for n in range(1001))),
        tar(tmp_path / "l.tgz", *(member(f"l{n}", tarfile.SYMTYPE, "x") for n in range(1001))),
    ):
        with pytest.raises(StageError, match="more than 1,000 members"):
            unpack(archive, tmp_path / f"{archive.name}.out")


def test_a_header_of_gigabytes_is_not_read_into_memory(tmp_path: Path) -> None:
    for kind in (tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.XGLTYPE):
        info = member("x", kind)
        info.size = 8 * 2**30
        (tmp_path / "h.tar").write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(10_000))
        with pytest.raises(StageError, match="headers is larger than a megabyte"):
            unpack(tmp_path / "h.tar", tmp_path / f"out{kind!r}")


def test_what_is_no_archive_or_half_of_one_is_a_sentence(tmp_path: Path) -> None:
    whole = tar(tmp_path / "w.tgz", member("a"), content=os.urandom(50_000)).read_bytes()
    wheel = zipped(tmp_path / "w.whl", ["a"], os.urandom(50_000)).read_bytes()
    cases = {
        "a.tgz": whole[:30_000], "b.tgz": b"nothing", "c.tgz": b"", "d.whl": wheel[:30_000], "e.whl": b"PK\3\4",
        "f.whl": wheel[:200] + b"\0" * 100 + wheel[300:],
    }  # fmt: skip
    if shutil.which("dpkg-deb"):
        cases |= {"g.deb": b"nothing", "h.deb": deb(tmp_path / "w.deb", member("a")).read_bytes()[:300], "i.deb": b""}
    for name, data in cases.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(StageError, match="is not (a whole archive|unpacked)"):
            unpack(tmp_path / name, tmp_path / f"out-{name}")


def test_names_that_no_disk_takes_and_files_in_the_place_of_folders(made: Callable[..., Path], tmp_path: Path) -> None:
    for number, members in enumerate(
        ([member("a/" * 50 + "x" * 300)], [member("a"), member("a/b")], [member("a/b"), member("a")], [member(".")])
    ):
        with pytest.raises(StageError, match="no such file can be made here"):
            unpack(made(*members), tmp_path / f"out{number}")


def test_an_encrypted_wheel_is_a_sentence(tmp_path: Path) -> None:
    data = bytearray(zipped(tmp_path / "e.whl", ["a"]).read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1  # the flag that says so
    (tmp_path / "e.whl").write_bytes(data)
    with pytest.raises(StageError, match="is not a whole archive"):
        unpack(tmp_path / "e.whl", tmp_path / "out")


@pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="needs dpkg-deb")
def test_scripts_of_a_debian_package_are_not_run(tmp_path: Path) -> None:
    folder = tmp_path / "thing"
    (folder / "DEBIAN").mkdir(parents=True)
    (folder / "DEBIAN/control").write_text(
        "Package: thing\nVersion: 1\nArchitecture: all\nMaintainer: n <n@n>\nDescription: t\n"
    )
    for script in ("preinst", "postinst", "config"):
        (folder / "DEBIAN" / script).write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
        (folder / "DEBIAN" / script).chmod(0o755)
    (folder / "text.txt").write_text("salude")
    subprocess.run(["dpkg-deb", "--build", folder, tmp_path / "t.deb"], check=True, capture_output=True)
    unpack(tmp_path / "t.deb", tmp_path / "out")
    assert files(tmp_path / "out") == {"text.txt": "salude"}
    assert not (tmp_path / "ran").exists()
