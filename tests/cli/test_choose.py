"""`llimba choose`: a table with a recommendation for people, JSON for programs."""

import json
from pathlib import Path

from typer.testing import CliRunner

from llimba import cli
from tests.fakes import recipe, save_tiny_model, write_text


def test_a_table_and_json(tmp_path: Path) -> None:
    write_text(tmp_path)
    save_tiny_model(tmp_path / "base", 1)
    save_tiny_model(tmp_path / "other", 2)
    asked = ["choose", str(recipe(tmp_path).path), str(tmp_path / "other"), "--runs", str(tmp_path / "runs")]
    done = CliRunner().invoke(cli.app, [*asked, "--card", "rtx4090"])
    assert done.exit_code == 0, done.exception
    assert "Base models for Sardinian" in done.stdout
    assert "training, GiB of RTX 4090" in done.stdout
    assert "other: what the model may be used for is restricted" in done.stdout
    assert "recommended: tests/tiny has the lowest bits per byte of Sardinian" in done.stdout
    assert "vocabulary: extending its vocabulary is not worth it" in done.stdout
    picture = Path(done.stdout.split("picture ")[1].strip())
    assert picture.exists()
    found = json.loads(CliRunner().invoke(cli.app, [*asked, "--json"]).stdout)
    assert found["recommended"] == "tests/tiny"
    assert found["picture"] == str(picture)
    assert set(found["candidates"][0]["languages"]) == {"sc", "it"}
    nobody = CliRunner().invoke(cli.app, [*asked, "--no-base"])
    assert "none recommended: no candidate can be trained" in nobody.stdout
