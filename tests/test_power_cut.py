"""A power cut at any moment: nothing that was finished is lost, nothing torn is taken for whole."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
import torch

from llimba.files import flush, into_place, read_json, write_json
from llimba.pipeline import runner
from llimba.training import checkpoint
from tests.fakes import recipe, recipe_content, save_tiny_model, write_text
from tests.power_cut import Tree, cuts, write

MEMORY = Path("/dev/shm")
pytestmark = pytest.mark.skipif(not MEMORY.is_dir(), reason="needs a tmpfs: inode numbers that are not given out twice")


@pytest.fixture
def root() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        yield Path(folder)


def damaged(tree: Tree) -> list[str]:
    """Files of finished stages and checkpoints that are gone or not what their manifest says."""
    found = []
    for name, content in tree.items():
        folder, _, manifest = name.rpartition("/")
        if manifest == "checkpoint.json" and "/.tmp-" not in name and content:
            files = json.loads(content)["files"]
        elif manifest == "manifest.json" and ".partial" not in name:
            files = {file["name"]: file["sha256"] for file in json.loads(content)["files"]}
        else:
            continue
        found += [f"{folder}/{n}" for n, d in files.items() if sha256(tree.get(f"{folder}/{n}", b"")).hexdigest() != d]
    return found


def whole_checkpoints(tree: Tree) -> list[int]:
    manifests = [name for name in tree if name.endswith("/checkpoint.json") and "/.tmp-" not in name and tree[name]]
    return [
        json.loads(tree[name])["step"]
        for name in manifests
        if not damaged({k: v for k, v in tree.items() if k.startswith(name.rpartition("/")[0])})
    ]


def test_a_file_and_a_folder_are_there_whole_or_not_at_all(root: Path) -> None:
    (root / "old.json").write_text('{"value": 1}')

    def look(tree: Tree) -> None:
        assert json.loads(tree["old.json"])["value"] in (1, 2)
        assert {name: tree[name] for name in tree if name.startswith("final/")} in ({}, {"final/a/b": b"whole"})

    with cuts(root, look) as found:
        write_json(root / "old.json", {"value": 2})
        (root / "partial" / "a").mkdir(parents=True)
        (root / "partial" / "a" / "b").write_bytes(b"whole")
        into_place(root / "partial", root / "final")
    assert found.moments > 8
    assert read_json(root / "old.json") == {"value": 2}


def test_without_a_flush_the_simulator_sees_it(root: Path) -> None:
    """It must be able to fail: a rename of what was not flushed, and a removal before the rename is."""
    lost: list[Tree] = []
    with cuts(root, lambda tree: lost.append(tree) if tree.get("final") == b"" else None):
        (root / "partial").write_bytes(b"whole")
        (root / "partial").rename(root / "final")
    assert lost
    none: list[Tree] = []
    (root / "other").mkdir()
    (root / "other" / "old").write_bytes(b"old")
    with cuts(root, lambda tree: none.append(tree) if not {"new", "other/old"} & tree.keys() else None):
        (root / "partial").write_bytes(b"new")
        flush(root / "partial")
        (root / "partial").rename(root / "new")
        (root / "other" / "old").unlink()
    assert none


def test_the_newest_checkpoint_but_one_is_never_lost(root: Path) -> None:
    saved = [0]

    def look(tree: Tree) -> None:
        steps = whole_checkpoints(tree)
        assert not saved[0] or max(steps) >= saved[0]

    with cuts(root, look) as found:
        for step in range(1, 6):
            weights = {"w": torch.full((50,), float(step))}
            checkpoint.save(root / "c", step, {"weights": weights, "optimizer": weights}, {"step": step})
            saved[0] = step
    assert found.trees > 100


def test_a_whole_run_loses_nothing_that_it_said_was_done(
    root: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Every stage, in one process; a few of the trees are put on a disk and continued to the same models."""
    write_text(tmp_path)
    save_tiny_model(tmp_path / "base")
    content = recipe_content(tmp_path)
    quick = {"save_minutes": 1e-6, "eval_steps": 1000, "max_steps": 3, "report_to": []}
    small = {"directions": ["it-sc"], "max_sentences": 1, "max_new_tokens": 2, "precision": "fp32"}
    loaded = recipe(tmp_path, cpt=content["cpt"] | quick, sft=content["sft"] | quick, evaluate=small)
    done: list[str] = []
    kept: list[Tree] = []

    def look(tree: Tree) -> None:
        assert not damaged(tree), damaged(tree)
        for stage in done:
            assert any(name.startswith(f"{stage}/") and name.endswith("/manifest.json") for name in tree), (
                f"{stage} is lost"
            )
        training = next((stage for stage in ("cpt", "sft") if (root / stage).exists() and stage not in done), None)
        if training and trained[0]:
            finished = any(
                n.startswith(f"{training}/") and ".partial" not in n and n.endswith("manifest.json") for n in tree
            )
            of_it = {name: content for name, content in tree.items() if name.startswith(f"{training}/")}
            assert finished or whole_checkpoints(of_it), "hours of training are lost"
        if len(tree) > 20 and found.moments % 60 == 0:
            kept.append(tree)

    trained = [False]
    save = checkpoint.save

    def saving(*given: object, **more: object) -> Path:
        path = save(*given, **more)  # type: ignore[arg-type]
        trained[0] = True
        return path

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint, "save", saving)
        with cuts(root, look) as found:
            for stage in ("sources", "corpus", "instruct", "cpt", "sft", "evaluate", "publish"):
                runner.run(loaded, root, stage)
                done.append(stage)
                trained[0] = False
    assert found.moments > 300, found.moments
    print(f"{found.moments} moments, {found.trees} trees")
    expected = {step.stage.name: step.folder for step in runner.plan(loaded, root)}
    for number, tree in enumerate(kept[:: max(1, len(kept) // 3)]):
        again = tmp_path / f"again-{number}"
        write(tree, again)
        for step in runner.run(loaded, again, "sft"):
            if step.stage.name in ("cpt", "sft"):
                name = "model/model.safetensors"
                assert (step.folder / name).read_bytes() == (expected[step.stage.name] / name).read_bytes()
        shutil.rmtree(again)
