"""The runner: skip what is done, see what changed, mend what is damaged, refuse a second run in one place."""

import errno
import hashlib
import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from filelock import FileLock

import llimba
from llimba.errors import RecipeError, StageError
from llimba.manifest import read_manifest, write_manifest
from llimba.pipeline import runner
from llimba.pipeline.stage_table import STAGES, Stage
from llimba.pipeline.step import Step
from llimba.recipe import CptSection
from llimba.recipe.file import load_recipe
from tests.fakes import recipe, recipe_content, write_text

CALLS: list[str] = []


def fake_stage(name: str) -> Any:
    def run(_recipe: Any, inputs: dict[str, Path], out: Path) -> dict[str, Any]:
        CALLS.append(name)
        (out / "result.txt").write_text(name + "".join(sorted(inputs)))
        return {"number": len(CALLS)}

    return run


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    CALLS.clear()
    write_text(tmp_path)
    monkeypatch.setattr(runner, "STAGES", tuple(s._replace(run=fake_stage(s.name), requires=None) for s in STAGES))
    return tmp_path / "runs"


def states(plan: list[Step]) -> dict[str, str]:
    return {step.stage.name: step.state for step in plan}


def test_the_second_run_skips_all(tmp_path: Path, runs: Path) -> None:
    assert set(states(runner.plan(recipe(tmp_path), runs)).values()) == {"missing"}
    done = runner.run(recipe(tmp_path), runs)
    assert set(states(done).values()) == {"done"}
    assert [stage.name for stage in STAGES] == CALLS
    runner.run(recipe(tmp_path), runs)
    assert len(CALLS) == len(STAGES)


def test_manifest_holds_what_the_card_needs(tmp_path: Path, runs: Path) -> None:
    sources, step = runner.run(recipe(tmp_path), runs, until="corpus")[:2]
    manifest = read_manifest(step.folder)
    assert manifest is not None
    assert (manifest.stage, manifest.fingerprint, manifest.recipe) == ("corpus", step.fingerprint, "small")
    assert manifest.facts == {"number": 2}
    (file,) = manifest.files
    assert (file.name, file.bytes, file.sha256) == ("result.txt", 13, hashlib.sha256(b"corpussources").hexdigest())
    assert manifest.ingredients == step.ingredients
    assert manifest.ingredients.needs == {"sources": sources.fingerprint}
    assert datetime.fromisoformat(manifest.started) <= datetime.fromisoformat(manifest.finished)
    assert manifest.peak_memory_bytes > 10**6
    assert manifest.versions["llimba"] == llimba.__version__
    assert "base_model" not in manifest.ingredients.to_json(), "the corpus does not use it"


def test_an_option_that_a_later_version_adds_makes_nothing_stale(tmp_path: Path, runs: Path) -> None:
    runner.run(recipe(tmp_path), runs)
    explicit = recipe(tmp_path, cpt={**recipe_content(tmp_path)["cpt"], "weight_decay": 0.0})  # its default, said
    assert set(states(runner.plan(explicit, runs)).values()) == {"done"}

    class Later(CptSection):
        brand_new: int = 3

    loaded = recipe(tmp_path)
    later = Later.model_validate(loaded.cpt.model_dump(exclude_defaults=True))
    known = states(runner.plan(loaded.model_copy(update={"cpt": later}), runs))
    assert set(known.values()) == {"done"}
    changed = Later.model_validate({**loaded.cpt.model_dump(exclude_defaults=True), "brand_new": 4})
    known = states(runner.plan(loaded.model_copy(update={"cpt": changed}), runs))
    assert (known["corpus"], known["cpt"], known["sft"]) == ("done", "stale", "stale")


def test_seconds_are_those_of_all_sessions(tmp_path: Path, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def went_on(*_: Any) -> dict[str, Any]:
        return {"training_seconds": 3600.5}

    monkeypatch.setattr(runner, "STAGES", (STAGES[0]._replace(run=went_on), *STAGES[1:]))
    step = runner.run(recipe(tmp_path), runs, until="sources")[0]
    assert json.loads((step.folder / "manifest.json").read_text())["seconds"] == 3600.5


def test_recipes_that_differ_in_sft_share_everything_before_it(tmp_path: Path, runs: Path) -> None:
    runner.run(recipe(tmp_path), runs)
    CALLS.clear()
    runner.run(recipe(tmp_path, sft={"learning_rate": 1e-5}), runs)
    assert CALLS == ["sft", "evaluate", "publish"]


def test_what_ends_an_answer_makes_no_cpt_stale_but_one_that_reads_conversations(tmp_path: Path, runs: Path) -> None:
    base = recipe_content(tmp_path)["base_model"]
    runner.run(recipe(tmp_path), runs)
    changed = recipe(tmp_path, base_model={**base, "tokens": {"eos": "<|endoftext|>"}})
    known = states(runner.plan(changed, runs))
    assert {name: known[name] for name in ("corpus", "instruct", "cpt", "sft", "evaluate")} == {
        "corpus": "done", "instruct": "done", "cpt": "done", "sft": "stale", "evaluate": "stale",
    }  # fmt: skip
    separated = recipe(tmp_path, base_model={**base, "tokens": {"separator": "<|endoftext|>"}})
    assert states(runner.plan(separated, runs))["cpt"] == "stale"
    chat = {**recipe_content(tmp_path)["cpt"], "chat": {}, "mixture": {"sc": 0.5, "it": 0.4, "chat": 0.1}}
    runner.run(recipe(tmp_path, cpt=chat), runs)
    with_chat = recipe(tmp_path, cpt=chat, base_model={**base, "tokens": {"eos": "<|endoftext|>"}})
    assert states(runner.plan(with_chat, runs))["cpt"] == "stale"


def test_a_stage_is_checked_before_anything_trains_and_only_where_it_will_run(
    tmp_path: Path, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: Any, fetch: bool) -> list[str]:
        raise StageError(f"row 3 is wrong ({fetch})")

    checked = tuple(s._replace(check=refuses) if s.name == "sft" else s for s in runner.STAGES)
    monkeypatch.setattr(runner, "STAGES", checked)
    with pytest.raises(StageError, match=r"row 3 is wrong \(True\)"):
        runner.run(recipe(tmp_path), runs)
    assert CALLS == ["sources", "corpus", "instruct"]
    with pytest.raises(StageError, match=r"row 3 is wrong \(False\)"):
        runner.examined(recipe(tmp_path), runs)
    runner.run(recipe(tmp_path), runs, until="cpt")
    assert CALLS[-1] == "cpt"


def test_stale_says_what_changed(tmp_path: Path, runs: Path) -> None:
    runner.run(recipe(tmp_path), runs)
    plan = runner.plan(
        recipe(tmp_path, cpt={**recipe_content(tmp_path)["cpt"], "learning_rate": 1e-5, "mixture": {"sc": 1.0}}), runs
    )
    assert states(plan)["corpus"] == "done"
    assert states(plan)["cpt"] == "stale"
    assert next(step.why for step in plan if step.stage.name == "cpt") == (
        "changed: learning_rate, mixture.it, mixture.sc"
    )
    (tmp_path / "sc.txt").write_text("àteru testu\n")
    plan = runner.plan(recipe(tmp_path), runs)
    assert states(plan)["sources"] == "stale"
    assert plan[0].why == "changed: files.sc.txt"


def test_stale_is_measured_from_the_latest_run(tmp_path: Path, runs: Path) -> None:
    for number, changed in enumerate(({"warmup_steps": 3}, {"learning_rate": 1e-5})):
        cpt = runner.run_stage(recipe(tmp_path, cpt={**recipe_content(tmp_path)["cpt"], **changed}), runs, "cpt")
        manifest = read_manifest(cpt.folder)
        assert manifest is not None
        write_manifest(cpt.folder, manifest.model_copy(update={"finished": f"2026-11-24T1{number}:00:00+00:00"}))
    plan = {step.stage.name: step for step in runner.plan(recipe(tmp_path), runs)}
    assert (plan["cpt"].state, plan["cpt"].why) == ("stale", "changed: learning_rate")


def test_a_killed_stage_is_run_again_and_a_resumable_one_keeps_its_files(
    tmp_path: Path, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(_recipe: Any, _inputs: Any, out: Path) -> dict[str, Any]:
        (out / "half.txt").write_text("x")
        raise KeyboardInterrupt

    good = runner.STAGES
    for name in ("instruct", "cpt"):
        monkeypatch.setattr(runner, "STAGES", tuple(s._replace(run=dies) if s.name == name else s for s in good))
        with pytest.raises(KeyboardInterrupt):
            runner.run(recipe(tmp_path), runs / name)
        stopped = next(step for step in runner.plan(recipe(tmp_path), runs / name) if step.stage.name == name)
        assert (stopped.state, stopped.why) == (
            "partial",
            f"interrupted; it will {'resume' if name == 'cpt' else 'start over'}",
        )
        monkeypatch.setattr(runner, "STAGES", good)
        done = {step.stage.name: step.folder for step in runner.run(recipe(tmp_path), runs / name)}
        assert (done[name] / "half.txt").exists() == (name == "cpt")
    assert CALLS.count("sources") == 2


@pytest.mark.parametrize("damage", ["manifest gone", "manifest torn", "file gone", "file short"])
def test_a_damaged_folder_is_kept_aside_and_made_again(tmp_path: Path, runs: Path, damage: str) -> None:
    folder = runner.run(recipe(tmp_path), runs)[1].folder
    target = folder / ("manifest.json" if "manifest" in damage else "result.txt")
    if "gone" in damage:
        target.unlink()
    else:
        target.write_bytes(target.read_bytes()[:-2])
    CALLS.clear()
    runner.run(recipe(tmp_path), runs)
    assert CALLS == ["corpus"]
    assert len(list(folder.parent.glob("*.damaged-*"))) == 1


def test_until_runs_a_stage_and_what_it_needs_and_nothing_else(tmp_path: Path, runs: Path) -> None:
    def names(until: str | None) -> list[str]:
        return [step.stage.name for step in runner.up_to(runner.plan(recipe(tmp_path), runs), until)]

    assert names("cpt") == ["sources", "corpus", "cpt"]  # no conversations are made for it
    assert names("sft") == ["sources", "corpus", "instruct", "cpt", "sft"]
    assert names(None) == names("publish")


def test_a_recipe_is_the_same_from_whichever_folder_it_is_named(
    tmp_path: Path, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = recipe_content(tmp_path)
    content["sources"]["prose"]["path"] = "sc.txt"
    content["sources"]["replay"]["path"] = f"../{tmp_path.name}/it.txt"
    (tmp_path / "here.yaml").write_text(yaml.safe_dump(content))
    whole = {step.stage.name: step.fingerprint for step in runner.plan(load_recipe(tmp_path / "here.yaml"), runs)}
    monkeypatch.chdir(tmp_path)
    for name in ("here.yaml", f"../{tmp_path.name}/here.yaml"):
        assert {s.stage.name: s.fingerprint for s in runner.plan(load_recipe(Path(name)), runs)} == whole
    (tmp_path / "train.jsonl").write_text("{}")
    changed = runner.plan(load_recipe(Path("here.yaml")), runs)
    assert changed[0].fingerprint != whole["sources"], "a file's content still counts"


def test_two_runs_in_one_place_are_refused(tmp_path: Path, runs: Path) -> None:
    step = runner.plan(recipe(tmp_path), runs)[0]
    step.folder.parent.mkdir(parents=True)
    with (
        FileLock(step.folder.with_name(f".{step.fingerprint}.lock")),
        pytest.raises(StageError, match="another llimba"),
    ):
        runner.run(recipe(tmp_path), runs)


def test_an_unknown_stage_and_a_full_disk_are_explained(
    tmp_path: Path, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RecipeError, match="--until training: there is no such stage; the stages are sources, corpus"):
        runner.run(recipe(tmp_path), runs, until="training")

    def full(*_: Any) -> dict[str, Any]:
        raise OSError(28, os.strerror(28))

    first: Stage = runner.STAGES[0]
    monkeypatch.setattr(runner, "STAGES", (first._replace(run=full), *runner.STAGES[1:]))
    with pytest.raises(StageError, match="sources: the disk refused .*Free space") as refused:
        runner.run(recipe(tmp_path), runs)
    assert refused.value.exit_code == 74


def test_a_folder_that_cannot_be_written_is_explained(tmp_path: Path, runs: Path) -> None:
    runs.write_text("a file where the folder should be")
    with pytest.raises(StageError, match="the disk refused .*Not a directory.*elsewhere with --runs"):
        runner.run(recipe(tmp_path), runs)


def test_a_read_only_folder_is_explained(tmp_path: Path, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = runner.run(recipe(tmp_path), runs, until="sources")
    mkdir = Path.mkdir

    def read_only(self: Path, *arguments: Any, **more: Any) -> None:
        if runs in self.parents:  # a test may run as root, whom no permission stops
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(self))
        mkdir(self, *arguments, **more)

    monkeypatch.setattr(Path, "mkdir", read_only)
    with pytest.raises(StageError, match="corpus: the disk refused .*Read-only file system.*Finished stages"):
        runner.run(recipe(tmp_path), runs)
    assert done[0].folder.exists()


def test_a_file_that_vanishes_is_named_and_a_bug_of_ours_is_not_hidden(
    tmp_path: Path, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first: Stage = runner.STAGES[0]

    def reads(path: Path) -> Any:
        monkeypatch.setattr(
            runner, "STAGES", (first._replace(run=lambda *_: {"text": path.read_text()}), *runner.STAGES[1:])
        )

    reads(tmp_path / "gone.txt")
    with pytest.raises(StageError, match="sources: .*gone.txt disappeared while it was needed. Put it back"):
        runner.run(recipe(tmp_path), runs)
    reads(runner.plan(recipe(tmp_path), runs)[0].partial / "never-written.txt")
    with pytest.raises(FileNotFoundError):
        runner.run(recipe(tmp_path), runs)


def test_what_a_kill_inside_a_write_left_is_in_no_finished_folder(runs: Path, tmp_path: Path) -> None:
    loaded = recipe(tmp_path)
    step = next(step for step in runner.plan(loaded, runs) if step.stage.name == "corpus")
    (step.partial / "work").mkdir(parents=True)
    for leftover in (".documents.jsonl.1234.tmp", "work/.00000.jsonl.99.tmp"):
        (step.partial / leftover).touch()
    (step.partial / "kept.txt").write_text("what a killed run had finished")
    done = runner.run_stage(loaded, runs, "corpus")
    manifest = read_manifest(done.folder)
    assert manifest is not None
    assert [file.name for file in manifest.files] == ["kept.txt", "result.txt"]


def test_a_changed_byte_in_what_a_stage_reads_is_found_and_that_stage_made_again(
    tmp_path: Path, runs: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """corpus is read by what is left to run, and was made from sources, whose output is then read too."""
    steps = {step.stage.name: step for step in runner.run(recipe(tmp_path), runs, "instruct")}
    for name in ("sources", "corpus"):
        (steps[name].folder / "result.txt").write_text((steps[name].folder / "result.txt").read_text().upper())
    CALLS.clear()
    done = runner.run(recipe(tmp_path), runs, "cpt")
    assert CALLS == ["sources", "corpus", "cpt"]
    assert f"corpus: {steps['corpus'].folder / 'result.txt'} has changed since it was written" in caplog.text
    assert states(done)["corpus"] == states(done)["instruct"] == "done"
    assert len(list((runs / "corpus").glob("*.damaged-*"))) == 1
    CALLS.clear()
    runner.run(recipe(tmp_path), runs, "cpt")
    assert CALLS == []


def test_checkpoints_go_once_the_stage_is_recorded(tmp_path: Path, runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def train(_recipe: Any, inputs: dict[str, Path], out: Path) -> dict[str, Any]:
        (out / "checkpoints" / "step-1").mkdir(parents=True)
        (out / "checkpoints" / "step-1" / "weights").write_text("w")
        return {}

    stages = (stage._replace(run=train) if stage.name == "cpt" else stage for stage in runner.STAGES)
    monkeypatch.setattr(runner, "STAGES", tuple(stages))
    (cpt,) = (step for step in runner.run(recipe(tmp_path), runs, "cpt") if step.stage.name == "cpt")
    manifest = read_manifest(cpt.folder)
    assert manifest is not None and not manifest.files
    assert not (cpt.folder / "checkpoints").exists()
