"""`llimba interpolate`: weights side by side, one chosen with its reason, the scores on other text."""

from pathlib import Path

from typer.testing import CliRunner

from llimba import cli
from llimba.files import read_json, read_jsonl
from tests.fakes import SENTENCES, recipe, save_tiny_model, write_text


def test_two_folders_and_three_weights(tmp_path: Path) -> None:
    write_text(tmp_path)
    start, trained = save_tiny_model(tmp_path / "start", 1), save_tiny_model(tmp_path / "trained", 2)
    asked = ["interpolate", str(start), str(trained), "--recipe", str(recipe(tmp_path).path), "--weight", "0.4,0.8,1"]
    runs = tmp_path / "runs"
    done = CliRunner().invoke(
        cli.app, [*asked, "--runs", str(runs), "--tolerance", "9", "--out", str(tmp_path / "out")]
    )
    assert done.exit_code == 0, done.exception
    (place,) = (runs / "interpolations").iterdir()
    choice = read_json(place / "choice.json")
    assert [row["weight"] for row in choice["table"]] == [0, 0.4, 0.8, 1]
    best = min((row for row in choice["table"] if row["weight"]), key=lambda row: row["sc"])
    assert choice["weight"] == best["weight"]
    assert f"weight {best['weight']:g}: lowest bits per byte of sc" in done.stdout
    assert "the scores below are of the other half alone" in done.stdout
    scores = read_json(place / "scores.json")
    assert list(scores["systems"]) == ["copy", "base", "weight 0.4", "weight 0.8", "weight 1", "trained"]
    assert scores["systems"]["weight 1"]["bits_per_byte"] == scores["systems"]["trained"]["bits_per_byte"]
    scored = {row["source"] for row in read_jsonl(place / "hypotheses" / "base.sc-it.jsonl")}
    assert scored == set(SENTENCES["sc"][8:10])  # the first of three sentences chose
    assert (tmp_path / "out" / "model.safetensors").exists()
    assert not (place / "weights").exists()
    again = CliRunner().invoke(cli.app, [*asked, "--runs", str(runs), "--out", str(tmp_path / "out")])
    assert "already exists" in str(again.exception)


def test_faults_and_help(tmp_path: Path) -> None:
    path, base = str(recipe(tmp_path).path), str(save_tiny_model(tmp_path / "base"))
    asked = ["interpolate", base, base, "--recipe", path, "--runs", str(tmp_path / "runs"), "--weight"]
    assert "give numbers from 0" in str(CliRunner().invoke(cli.app, [*asked, "0.5,much"]).exception)
    assert "is no model folder" in str(
        CliRunner().invoke(cli.app, ["interpolate", str(tmp_path), *asked[2:], "1"]).exception
    )
    assert "Example: llimba interpolate" in CliRunner().invoke(cli.app, ["interpolate", "--help"]).stdout
