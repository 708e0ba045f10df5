"""What a person sees: plans, errors as one paragraph, exit codes, help with an example."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from llimba import cli
from llimba.errors import LlimbaError, Unavailable
from llimba.languages.profile import PROFILES, load_language
from llimba.languages.prompts import evaluation_prompt
from llimba.pipeline import runner
from llimba.recipe.file import load_recipe
from tests import ROOT
from tests.fakes import recipe, recipe_content, save_tiny_model, write_text


@pytest.mark.parametrize(
    "command", ["run", "plan", "compare", "new", "chat", "translate", "serve", "web", "export", "push", "choose"]
)
def test_help_shows_an_example(command: str) -> None:
    result = CliRunner().invoke(cli.app, [command, "--help"])
    assert result.exit_code == 0
    assert f"Example: llimba {command} " in result.stdout


def test_new_writes_two_files_and_overwrites_none(tmp_path: Path) -> None:
    folder = str(tmp_path / "friulian")
    shown = CliRunner().invoke(cli.app, ["new", "furlan", "--folder", folder])
    assert "Did you mean" in str(shown.exception)
    shown = CliRunner().invoke(cli.app, ["new", "Corsican", "--folder", folder])
    assert shown.exit_code == 0, shown.exception
    assert re.search(r"^ +replay +French: spoken beside it in FR", shown.stdout, re.M)
    assert "[ ] alphabet" in shown.stdout
    recipe_file = tmp_path / "friulian" / "co.yaml"
    planned = CliRunner().invoke(cli.app, ["plan", str(recipe_file), "--runs", str(tmp_path / "runs")])
    assert "learns Corsican" in planned.stdout
    again = CliRunner().invoke(cli.app, ["new", "co", "--folder", folder])
    assert "already exists" in str(again.exception)
    shipped = CliRunner().invoke(cli.app, ["new", "srd", "--folder", folder])
    assert "a copy of the profile that llimba ships" in shipped.stdout
    assert (tmp_path / "friulian" / "sc-profile.yaml").read_text() == (PROFILES / "srd.yaml").read_text()


@pytest.mark.parametrize("code", sorted(path.stem for path in PROFILES.glob("*.yaml")))
def test_every_shipped_language_gets_a_profile_and_a_recipe_that_fit(code: str, tmp_path: Path) -> None:
    folder = tmp_path / code
    shown = CliRunner().invoke(cli.app, ["new", code, "--folder", str(folder)])
    assert shown.exit_code == 0, shown.exception
    assert f"a copy of the profile that llimba ships ({code}.yaml)" in shown.stdout
    (profile,) = folder.glob("*-profile.yaml")
    language = load_language(str(profile))
    loaded = load_recipe(folder / f"{language.code}.yaml")
    assert loaded.profile == language
    assert language.iso639_3 == code
    assert language.translation_prompts["en"]
    assert set(language.replay) <= set(language.names), "every language that is replayed has a name"
    for direction in loaded.evaluate.directions:
        assert evaluation_prompt(language, direction, "x").endswith("x")
    planned = CliRunner().invoke(cli.app, ["plan", str(loaded.path), "--runs", str(tmp_path / "runs")])
    assert f"learns {language.name(language.code, 'en')}" in planned.stdout


def test_plan_for_people_and_for_programs(tmp_path: Path) -> None:
    write_text(tmp_path)
    path = str(recipe(tmp_path).path)
    result = CliRunner().invoke(cli.app, ["plan", path, "--runs", str(tmp_path / "runs"), "--json"])
    stages = json.loads(result.stdout)["stages"]
    assert [stage["stage"] for stage in stages][:3] == ["sources", "corpus", "instruct"]
    assert stages[3]["state"] == "missing"
    assert stages[3]["settings"]["learning_rate"] == 3e-3
    assert not (tmp_path / "runs").exists()
    shown = CliRunner().invoke(cli.app, ["plan", path, "--runs", str(tmp_path / "runs")]).stdout
    assert "tests/tiny learns Sardinian" in shown
    assert "aligned (parallel)" in shown
    assert "memory and time: tests/tiny is not on this disk yet" in shown


def test_plan_for_a_card_that_is_not_here(tmp_path: Path) -> None:
    published = str(ROOT / "recipes" / "llimba-3b.yaml")
    result = CliRunner().invoke(cli.app, ["plan", published, "--card", "rtx4090", "--runs", str(tmp_path), "--json"])
    cpt = json.loads(result.stdout)["stages"][3]["estimate"]
    assert cpt["fits"]
    assert 17 < cpt["needed_gib"] < 23.5
    assert cpt["hours_per_million_tokens"] > 0
    unknown = CliRunner().invoke(cli.app, ["plan", published, "--card", "rtx1", "--runs", str(tmp_path)])
    assert "rtx1: not a card that llimba knows" in str(unknown.exception)


def test_the_apache_twin_fits_a_24_gb_card_with_everything_trained(tmp_path: Path) -> None:
    twin = str(ROOT / "recipes" / "sardinian-apache.yaml")
    done = CliRunner().invoke(cli.app, ["plan", twin, "--card", "rtx4090", "--runs", str(tmp_path), "--json"])
    estimates = {stage["stage"]: stage["estimate"] for stage in json.loads(done.stdout)["stages"]}
    assert estimates["cpt"]["fits"]
    assert estimates["sft"]["fits"]
    assert 1.6e9 < estimates["cpt"]["trained_parameters"] < 1.8e9


def test_plan_names_a_declared_licence_beside_the_published_one(tmp_path: Path) -> None:
    base = {**recipe_content(tmp_path)["base_model"], "name": "google/gemma-4-E2B-it", "license": "gemma"}
    path = str(recipe(tmp_path, base_model=base).path)
    shown = CliRunner().invoke(cli.app, ["plan", path, "--runs", str(tmp_path / "runs")]).stdout
    assert "licence of google/gemma-4-E2B-it: declared gemma, published as Apache-2.0" in shown
    assert "declared gemma" not in CliRunner().invoke(cli.app, ["plan", str(ROOT / "recipes/llimba-3b.yaml")]).stdout


def test_plan_says_what_is_settled_about_tokens_and_template_or_what_a_run_would_refuse(tmp_path: Path) -> None:
    write_text(tmp_path)
    asked = ["plan", str(recipe(tmp_path).path), "--runs", str(tmp_path / "runs")]
    base = save_tiny_model(tmp_path / "base")
    assert "tokens and template: separator '<|endoftext|>'" in CliRunner().invoke(cli.app, asked).stdout
    (base / "chat_template.jinja").write_text("{{ raise_exception('no such thing') }}")
    assert "a run will be refused before it trains" in CliRunner().invoke(cli.app, asked).stdout
    (said,) = json.loads(CliRunner().invoke(cli.app, [*asked, "--json"]).stdout)["examined"]
    assert "the chat template refuses the conversation: no such thing" in said


@pytest.mark.parametrize(("changed", "said"), [([], "removed, 0 kept"), (["instruct.deduplicate=false"], "0 removed")])
def test_plan_says_how_many_conversations_were_copies(tmp_path: Path, changed: list[str], said: str) -> None:
    write_text(tmp_path)
    made = recipe(tmp_path, sft={})
    given = [option for one in changed for option in ("--set", one)]
    runner.run(load_recipe(made.path, changed), tmp_path / "runs", until="instruct")
    shown = CliRunner().invoke(cli.app, ["plan", str(made.path), "--runs", str(tmp_path / "runs"), *given])
    assert "copies of another: " in shown.stdout
    assert said in " ".join(shown.stdout.split())


def test_a_fault_is_one_paragraph_and_exit_code_2(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("languag: srd\n")
    done = subprocess.run(
        [sys.executable, "-m", "llimba", "plan", str(tmp_path / "bad.yaml")], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "bad.yaml:1: languag: there is no such key. Did you mean 'language'?" in done.stderr
    assert "Traceback" not in done.stderr


def test_compare_needs_scores(tmp_path: Path) -> None:
    write_text(tmp_path)
    result = CliRunner().invoke(cli.app, ["compare", str(recipe(tmp_path).path), "--runs", str(tmp_path / "runs")])
    assert "has no scores yet (missing: never run)" in str(result.exception)


def test_the_fallback_runs_where_a_package_is_not_to_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_text(tmp_path)
    path = recipe(tmp_path).path
    other = path.with_name("other.yaml")
    other.write_text(path.read_text())
    ran: list[str] = []

    def run(loaded: object, *_: object) -> list[object]:
        ran.append(loaded.name)  # type: ignore[attr-defined]
        if len(ran) == 1:
            raise Unavailable("needs apt-get")
        return []

    monkeypatch.setattr(runner, "run", run)
    result = CliRunner().invoke(cli.app, ["run", str(path), "--fallback", str(other)])
    assert result.exit_code == 0
    assert ran == ["small", "other"]
    with pytest.raises(Unavailable):
        ran.clear()
        CliRunner().invoke(cli.app, ["run", str(path)], catch_exceptions=False)


def test_the_corpus_is_looked_at_after_its_run(tmp_path: Path) -> None:
    write_text(tmp_path)
    path, runs = str(recipe(tmp_path).path), str(tmp_path / "runs")
    asked = ["corpus", "report", path, "--runs", runs]
    early = CliRunner().invoke(cli.app, asked)
    assert isinstance(early.exception, LlimbaError)
    assert str(early.exception) == (
        f"{path} has no corpus yet (missing: never run). Run: llimba run {path} --until corpus; if it was run with "
        "--set, give the same --set here"
    )
    assert CliRunner().invoke(cli.app, ["run", path, "--runs", runs, "--until", "corpus"]).exit_code == 0
    assert CliRunner().invoke(cli.app, asked).exit_code == 0
    (page,) = (tmp_path / "runs" / "reports").glob("*-corpus.html")
    assert "<h1>Corpus of" in page.read_text()
    shown = CliRunner().invoke(cli.app, ["corpus", "show", path, "--runs", runs, "--sample", "2"])
    assert shown.exit_code == 0
    assert "nothing was rejected" in shown.stdout


@pytest.mark.parametrize("command", ["show", "report"])
def test_help_of_corpus_shows_an_example(command: str) -> None:
    assert "Example: llimba corpus" in CliRunner().invoke(cli.app, ["corpus", command, "--help"]).stdout


def test_what_a_failed_corpus_rejected_can_be_looked_at(tmp_path: Path) -> None:
    write_text(tmp_path)
    path, runs = str(recipe(tmp_path, corpus={"min_words": 500}).path), str(tmp_path / "runs")
    failed = CliRunner().invoke(cli.app, ["run", path, "--runs", runs, "--until", "corpus"])
    assert "max_rejected" in str(failed.exception)
    shown = CliRunner().invoke(cli.app, ["corpus", "show", path, "--runs", runs, "--rejected", "too short"])
    assert "too short" in shown.stdout
    assert "allowed 500" in shown.stdout
