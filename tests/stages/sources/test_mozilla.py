"""What of a language pack is text to be read."""

import zipfile
from pathlib import Path

import pytest

from llimba.errors import StageError
from llimba.stages.sources.mozilla import read_pack
from tests.fakes import intake

FTL = """
-brand-short-name = Firefox
greeting = Salude dae { -brand-short-name }!
    .accesskey = S
    .tooltiptext = Inoghe   agatas
        agiudu
choice = { PLATFORM() ->
    [windows] Sèberos
   *[other] Preferèntzias
}
variable = Tenes { $count } messàgios
link = Leghe <a data-l10n-name="x">sas notas</a>.
size = 30em
    .style = width: 30em
"""
PROPERTIES = "# note\ntitle = Pàgina noa\ncounted = %S archìvios\ntitle.accesskey = P\nunicode=E\\u0300ja\n"


def pack(folder: Path, locale: str = "sc") -> Path:
    path = folder / f"langpack-{locale}@x.xpi"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"browser/localization/{locale}/a/main.ftl", FTL)
        archive.writestr(f"chrome/{locale}/locale/{locale}/b.properties", PROPERTIES)
    return path


def test_prose_is_kept_and_the_rest_is_counted(tmp_path: Path) -> None:
    reading = intake()
    strings = read_pack(pack(tmp_path), reading)
    assert strings == {
        "browser/localization/a/main.ftl": {
            "greeting": "Salude dae Firefox!",
            "greeting.tooltiptext": "Inoghe agatas agiudu",
            "choice": "Preferèntzias",
            "link": "Leghe sas notas.",
            "size": "30em",
        },
        "chrome/locale/b.properties": {"title": "Pàgina noa", "unicode": "E\u0300ja"},
    }
    assert reading.skipped == {"holds a variable": 2, "not prose": 3}


def test_keys_are_the_same_in_every_language(tmp_path: Path) -> None:
    one, other = (read_pack(pack(tmp_path, locale), intake()) for locale in ("sc", "es-ES"))
    assert one.keys() == other.keys()


def test_a_broken_pack_is_named(tmp_path: Path) -> None:
    (tmp_path / "langpack-sc@x.xpi").write_bytes(b"nothing")
    with pytest.raises(StageError, match="langpack-sc@x.xpi is not a language pack"):
        read_pack(tmp_path / "langpack-sc@x.xpi", intake())
