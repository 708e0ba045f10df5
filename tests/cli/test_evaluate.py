"""`llimba evaluate` scores a folder that no recipe made, and says where the answers are."""

from pathlib import Path

from typer.testing import CliRunner

from llimba import cli
from llimba.files import read_json
from tests.fakes import recipe, save_tiny_model, write_text


def test_any_folder_is_scored_without_training(tmp_path: Path) -> None:
    write_text(tmp_path)
    save_tiny_model(tmp_path / "theirs", seed=5)
    asked = ["evaluate", str(tmp_path / "theirs"), "--recipe", str(recipe(tmp_path).path)]
    done = CliRunner().invoke(cli.app, [*asked, "--runs", str(tmp_path / "runs"), "--out", str(tmp_path / "scored")])
    assert done.exit_code == 0, done.exception
    scores = read_json(tmp_path / "scored" / "scores.json")
    assert list(scores["systems"]) == ["copy", "model"]
    assert "bits per byte" in done.stdout
    assert (tmp_path / "scored" / "hypotheses" / "model.it-sc.jsonl").exists()
    assert not (tmp_path / "runs" / "cpt").exists()


def test_help_shows_an_example() -> None:
    assert "Example: llimba evaluate" in CliRunner().invoke(cli.app, ["evaluate", "--help"]).stdout
