"""The whole way, for real: a tiny random model goes through all seven stages, twice; the second time skips all."""

import json
import re
import subprocess
import sys
from pathlib import Path

from tests.fakes import recipe, save_tiny_model, write_text


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
