"""What would go to the hub is listed, a card that is not fit is refused, and the token stays with the hub's library."""

from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
from typer.testing import CliRunner

from llimba import cli
from llimba.errors import LlimbaError
from llimba.stages.publish.card import card
from llimba.use.export.hub import Listed, check_card, listing, upload
from tests.fakes import recipe, save_tiny_model
from tests.stages.publish.released import released


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = save_tiny_model(tmp_path / "model")
    (folder / "README.md").write_text(card(released(recipe(tmp_path))), encoding="utf-8")
    return folder


def test_a_dry_run_lists_files_sizes_and_the_card_and_sends_nothing(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub, "HfApi", None)
    (model / ".cache").mkdir()
    (model / ".cache" / "secret").write_text("x")
    shown = CliRunner().invoke(cli.app, ["push", str(model), "me/tiny"])
    assert shown.exit_code == 0, shown.exception
    assert f"{(model / 'model.safetensors').stat().st_size:,}  model.safetensors" in shown.stdout
    assert "license: mit" in shown.stdout
    assert "dry run: nothing was sent" in shown.stdout
    assert "secret" not in shown.stdout


def test_an_upload_sends_what_was_listed(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: dict[str, Any] = {}

    class Api:
        def create_repo(self, repository: str, **options: Any) -> str:
            sent["repository"] = (repository, options)
            return f"https://hub.example/{repository}"

        def upload_folder(self, **options: Any) -> None:
            sent.update(options)

    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: "hf_secret")
    shown = CliRunner().invoke(cli.app, ["push", str(model), "me/tiny", "--yes"])
    assert "https://hub.example/me/tiny" in shown.stdout
    assert sent["repository"] == ("me/tiny", {"private": True, "exist_ok": True})
    assert sorted(sent["allow_patterns"]) == [file.name for file in listing(model)]
    assert "hf_secret" not in shown.stdout + str(sent)


def test_the_repository_is_the_one_that_the_card_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub, "HfApi", None)
    folder = save_tiny_model(tmp_path / "named")
    (folder / "README.md").write_text(card(released(recipe(tmp_path, publish={"repository": "me/tiny"}))))
    shown = CliRunner().invoke(cli.app, ["push", str(folder)], catch_exceptions=False).stdout
    assert "Add --yes to upload to me/tiny." in shown
    assert shown == CliRunner().invoke(cli.app, ["push", str(folder), "me/tiny"]).stdout
    assert "names no repository" not in shown
    with pytest.raises(LlimbaError, match=r"names me/tiny: .* Set publish\.repository .* to me/other"):
        CliRunner().invoke(cli.app, ["push", str(folder), "me/other"], catch_exceptions=False)


def test_a_card_that_names_none_asks_for_one(model: Path) -> None:
    with pytest.raises(LlimbaError, match="its card names no repository. Say where it goes"):
        CliRunner().invoke(cli.app, ["push", str(model)], catch_exceptions=False)
    shown = CliRunner().invoke(cli.app, ["push", str(model), "me/tiny"], catch_exceptions=False).stdout
    assert "Set publish.repository: me/tiny and run the recipe again" in shown


def test_the_hubs_result_files_are_the_only_hidden_ones_that_go(model: Path) -> None:
    for name in (
        ".eval_results/a.yaml",
        ".eval_results/.a.yaml",
        ".eval_results/b.txt",
        "x/.eval_results/c.yaml",
        ".e",
    ):
        (model / name).parent.mkdir(parents=True, exist_ok=True)
        (model / name).write_text("x")
    assert [file.name for file in listing(model) if "/" in file.name or file.name.startswith(".")] == [
        ".eval_results/a.yaml"
    ]


def test_no_token_and_a_refusal_are_explained(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: None)
    with pytest.raises(LlimbaError, match="hf auth login"):
        upload(model, "me/tiny", [Listed("a", 1)], private=True)
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: "hf_secret")
    with pytest.raises(LlimbaError, match="the hub refused"):
        upload(model, "not/a/name", [Listed("a", 1)], private=True)


def test_a_card_that_is_not_fit_is_refused(model: Path) -> None:
    assert "model-index" in check_card(model)
    readme = model / "README.md"
    whole = readme.read_text()
    readme.write_text(whole.replace("license: mit", "license: other\nlicense_name: unknown"))
    with pytest.raises(LlimbaError, match="that it is unknown"):
        check_card(model)
    readme.write_text(whole.replace("task:", "tusk:", 1))
    with pytest.raises(LlimbaError, match="is not what the hub takes"):
        check_card(model)
    readme.unlink()
    with pytest.raises(LlimbaError, match=r"has no README\.md"):
        check_card(model)


def test_a_link_is_not_followed(model: Path) -> None:
    (model / "more.txt").symlink_to("/etc/hostname")
    with pytest.raises(LlimbaError, match="is a link"):
        listing(model)
