"""The whole way, for real: a tiny random model goes through all seven stages, twice; the second time skips all."""

import json
import re
import subprocess
import sys
from pathlib import Path

import yaml

from llimba.pipeline import runner
from llimba.recipe.file import load_recipe
from tests.fakes import recipe, recipe_content, save_tiny_model, write_text


def llimba(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-m", "llimba", *arguments], capture_output=True, text=True)


def test_from_text_to_a_scored_model_that_answers(tmp_path: Path) -> None:
    write_text(tmp_path)
    save_tiny_model(tmp_path / "base")
    path, runs = str(recipe(tmp_path).path), str(tmp_path / "runs")
    first = llimba("run", path, "--runs", runs)
    assert first.returncode == 0, first.stderr
    assert "tests/tiny learns Sardinian" in first.stdout
    assert "answers that stop" in first.stdout
    second = llimba("run", path, "--runs", runs)
    assert second.stderr.count("already done, skipped") == 7
    assert "runs ..." not in second.stderr

    plan = json.loads(llimba("plan", path, "--runs", runs, "--json").stdout)
    assert {stage["state"] for stage in plan["stages"]} == {"done"}
    found = re.search(r"^model +(\S+)$", second.stdout.replace("\n/", "/"), re.MULTILINE)
    model = Path(found[1]) if found else Path(plan["stages"][-1]["folder"]) / "model"
    assert (model / "README.md").exists()

    from transformers import pipeline

    answer = pipeline("text-generation", model=str(model))([{"role": "user", "content": "Salude"}], max_new_tokens=4)
    assert answer[0]["generated_text"][-1]["role"] == "assistant"


def test_somebodys_checkpoint_is_tuned_without_a_cpt_section_and_compared(tmp_path: Path) -> None:
    write_text(tmp_path)
    save_tiny_model(tmp_path / "base")
    whole, runs = str(recipe(tmp_path).path), str(tmp_path / "runs")
    small = {"evaluate": {"directions": ["it-sc"], "languages": ["sc"], "max_new_tokens": 4, "precision": "fp32"}}
    for name, change in {
        "full": {"cpt": None, "sft": {"held_out_share": 0.2}},
        "lora": {"cpt": None, "sft": {"held_out_share": 0.2, "method": "lora", "lora_r": 4, "lora_alpha": 8}},
    }.items():
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump({"extends": Path(whole).name, **small, **change}))
        runner.run(load_recipe(tmp_path / f"{name}.yaml"), Path(runs))
    recipes = [str(tmp_path / f"{name}.yaml") for name in ("full", "lora")]
    steps = {step.stage.name: step for step in runner.plan(load_recipe(tmp_path / "lora.yaml"), Path(runs))}
    assert list(steps) == [
        "sources", "corpus", "instruct", "sft", "evaluate", "publish",
    ]  # fmt: skip
    manifest = json.loads((steps["sft"].folder / "manifest.json").read_text())
    assert manifest["facts"]["merge_proof"]["answers"] > 0
    assert (steps["publish"].folder / "model" / "README.md").exists()
    shown = llimba("compare", *recipes, "--runs", runs).stdout
    assert "matched: one corpus, one set of conversations, one base" in shown
    assert "they differ in sft: method, lora_r, lora_alpha" in shown
    assert "trained parameters" in shown and "gap" in shown and "after CPT" not in shown


def test_what_the_three_cards_say_to_run_runs(tmp_path: Path) -> None:
    """The finished model, the CPT checkpoint, and the adapter on that checkpoint: with transformers and peft alone."""
    write_text(tmp_path)
    save_tiny_model(tmp_path / "base")
    content = recipe_content(tmp_path)
    sft = content["sft"] | {"method": "lora", "lora_r": 4, "lora_alpha": 8, "max_steps": 1}
    scored = {"directions": ["it-sc"], "max_sentences": 1, "max_new_tokens": 2, "precision": "fp32"}
    loaded = recipe(tmp_path, cpt=content["cpt"] | {"max_steps": 1}, sft=sft, evaluate=scored)
    folder = runner.run(loaded, tmp_path / "runs")[-1].folder
    for name in ("model", "cpt", "adapter"):
        card = (folder / name / "README.md").read_text()
        code = re.findall(r"```python\n(.*?)```", card, re.DOTALL)[0]
        only = "import sys; sys.modules['llimba'] = None\n" + code
        done = subprocess.run([sys.executable, "-c", only], cwd=folder / name, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    listed = llimba("push", str(folder / "adapter"), "me/adapter")
    assert "adapter_model.safetensors" in listed.stdout and "dry run" in listed.stdout, listed.stderr
