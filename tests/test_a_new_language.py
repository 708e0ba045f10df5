"""The tutorial, run as it is written: every command of `docs/a-new-language.md`, on a tiny model and little text."""

import re
import shlex
from pathlib import Path

import pytest
import yaml
from click.testing import Result
from typer.testing import CliRunner

from llimba import cli
from llimba.languages.next_language.facts import facts
from tests import ROOT
from tests.fakes import save_tiny_model

PAGE = ROOT / "docs" / "a-new-language.md"
COMMANDS = [
    line
    for block in re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    for line in block.splitlines()
]
SMALL = {  # what makes it a matter of seconds
    "corpus": {"exempt": ["mine", "venetian"]},  # put together from few words, it repeats itself
    "cpt": {"max_tokens": 1500, "sequence_length": 128, "row_length": 256, "precision": "fp32"},
    "sft": {"sequence_length": 512, "row_length": 512, "precision": "fp32"},
    "instruct": {"max_conversations": 12},
    "evaluate": {"max_sentences": 2, "max_new_tokens": 4, "precision": "fp32"},
}
# Friulian, Italian and Venetian words as a beginner knows them, put together by us: no text of anybody's
WORDS = {
    "fur": "Il {} al mangje {} te cjase. | fantat gjat cjan mestri vecjo contadin | pan formadi lat pes ûs",
    "it": "Il {} mangia {} in casa. | ragazzo gatto cane maestro vecchio contadino | pane formaggio latte pesce uova",
    "vec": "El {} el magna {} in caxa. | toxo gato can maestro vecio contadin | pan formajo late pese ovi",
}


def lines(code: str) -> list[str]:
    """Ninety lines, the n-th of each language a translation of the others'."""
    sentence, who, what = WORDS[code].split(" | ")
    return [f"{n}. {sentence.format(a, b)}" for n in (1, 2, 3) for a in who.split() for b in what.split()]


def written(home: Path) -> None:
    """What the page asks the reader to do by hand: text into its files, and the page's own lines into the recipe."""
    texts = home / "friulian" / "texts"
    texts.mkdir()
    for code in WORDS:
        (texts / f"{code}.txt").write_text("\n".join(lines(code)) + "\n", encoding="utf-8")
    recipe = home / "friulian" / "fur.yaml"
    content = yaml.safe_load(recipe.read_text(encoding="utf-8"))
    asked = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)]
    for change in [*asked, SMALL]:
        for section, values in change.items():
            for key, value in values.items():
                there = content[section].get(key)
                content[section][key] = {**there, **value} if isinstance(there, dict) else value
    del content["publish"]
    content["base_model"] = {"name": "tests/tiny", "license": "mit", "folder": str(home / "base")}
    recipe.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")


def typed(command: str) -> Result:
    """A line of the page, run here: `llimba ...`, with what is piped into it."""
    given, _, piped = command.rpartition(" | ")
    words = shlex.split(piped.removesuffix("< /dev/null"))
    assert words[0] == "llimba", command
    result = CliRunner().invoke(cli.app, words[1:], input=f"{shlex.split(given)[1]}\n" if given else "")
    assert result.exit_code == 0, f"{command}: {result.exception!r}\n{result.output}"
    return result


def test_every_command_of_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    save_tiny_model(tmp_path / "base")
    assert len(COMMANDS) >= 7
    shown = {}
    for command in COMMANDS:
        shown[command] = typed(command).stdout
        if command.startswith("llimba new"):
            assert "licence: unknown (declared unknown)" in typed("llimba plan friulian/fur.yaml").stdout
            written(tmp_path)
    table = shown["llimba compare friulian/fur.yaml"]
    assert "tests/tiny learns Friulian" in table
    assert "IT → FUR" in table
    assert "licence: CC-BY-SA-4.0" in shown["llimba plan friulian/fur.yaml"]
    published = next((tmp_path / "runs" / "publish").glob("*/model"))
    assert {"language.yaml", "identifier.safetensors"} <= {path.name for path in published.iterdir()}


def test_what_the_page_shows_is_what_the_command_says() -> None:
    assert f"letters {facts('fur').letters}" in PAGE.read_text(encoding="utf-8")
