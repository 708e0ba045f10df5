"""`llimba sweep` as a person sees it: the plan of a dry run, a table with a column an arm, how to finish the best."""

import re
from pathlib import Path

from typer.testing import CliRunner

from llimba import cli
from llimba.files import read_json
from tests.fakes import recipe, save_tiny_model, write_text


def test_a_sweep_over_the_learning_rate(tmp_path: Path) -> None:
    write_text(tmp_path)
    save_tiny_model(tmp_path / "base")
    small = {"directions": ["it-sc"], "languages": ["sc", "it"], "max_new_tokens": 4, "precision": "fp32"}
    path, runs = str(recipe(tmp_path, cpt=None, evaluate=small).path), str(tmp_path / "runs")
    asked = ["sweep", path, "--set", "sft.learning_rate=1e-4,3e-3", "--set", "seed=1", "--runs", runs]
    dry = CliRunner().invoke(cli.app, [*asked, "--dry-run"])
    assert dry.exit_code == 0, dry.exception
    assert "not done small[sft.learning_rate=3e-3]" in dry.stdout
    assert re.search(r"^ *corpus +1 +0 +shared by all arms", dry.stdout, re.M)
    assert re.search(r"^ *sft +2 +0 .*2 arms", dry.stdout, re.M)
    assert not Path(runs).exists()
    done = CliRunner().invoke(cli.app, asked)
    assert done.exit_code == 0, done.exception
    assert "2 arms of" in done.stdout
    assert "ranked by bits_per_byte:sc@sft ↓ (the default: " in done.stdout
    assert re.search(r" learning_rate=1e-4\s+learning_rate=3e-3", done.stdout), "a column an arm"
    assert "best: small[sft.learning_rate=3e-3]" in done.stdout
    assert f"llimba run {path} --set sft.learning_rate=3e-3 --set seed=1" in done.stdout
    assert len(list((tmp_path / "runs" / "sweeps").glob("*.json"))) == 1


def test_a_sweep_over_seeds_shows_the_mean_and_its_spread(tmp_path: Path) -> None:
    write_text(tmp_path)
    save_tiny_model(tmp_path / "base")
    small = {"directions": ["it-sc"], "languages": ["sc", "it"], "max_new_tokens": 4, "precision": "fp32"}
    path = str(recipe(tmp_path, cpt=None, evaluate=small).path)
    asked = [
        "sweep",
        path,
        "--set",
        "sft.learning_rate=1e-4,3e-3",
        "--set",
        "sft.seed=1,2",
        "--runs",
        str(tmp_path / "runs"),
    ]
    done = CliRunner().invoke(cli.app, asked)
    assert done.exit_code == 0, done.exception
    assert "bits_per_byte:sc@sft ↓ over seeds" in done.stdout
    assert "SD over seeds, pooled over the arms: " in done.stdout
    assert "best: small[sft.learning_rate=3e-3]\n" in done.stdout
    assert f"llimba run {path} --set sft.learning_rate=3e-3\n" in done.stdout
    (report,) = (tmp_path / "runs" / "sweeps").glob("*.json")
    best, other = read_json(report)["over_seeds"]["groups"]
    assert best["scores"][0] != best["scores"][1]
    assert best["mean"] < other["mean"]


def test_help_shows_an_example() -> None:
    assert "Example: llimba sweep" in CliRunner().invoke(cli.app, ["sweep", "--help"]).stdout
