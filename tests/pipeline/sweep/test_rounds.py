"""The runs of a sweep, with stages that only count: what is shared runs once, a failed arm stops nobody."""

import errno
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from llimba.errors import DiskRefused, RecipeError, StageError
from llimba.files import read_json
from llimba.pipeline import runner
from llimba.pipeline.stage_table import STAGES
from llimba.pipeline.sweep.arms import Arm, make_arms, prepare_sweep
from llimba.pipeline.sweep.measure import choose_measure
from llimba.pipeline.sweep.report import Report
from llimba.pipeline.sweep.rounds import run_sweep, shorten
from llimba.reports.evaluated import EvaluatedFolder
from tests.fakes import recipe, save_tiny_model, write_text
from tests.reports.scores import SCORES, bits, changed

CALLS: list[tuple[str, Any]] = []


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Fake stages: the learning rate of sft is the score that `evaluate` gives; 7 diverges, 8 fills the disk."""
    CALLS.clear()
    write_text(tmp_path)
    save_tiny_model(tmp_path / "base")

    def fake(name: str) -> Any:
        def run(asked: Any, _inputs: dict[str, Path], out: Path) -> dict[str, Any]:
            CALLS.append((name, asked.sft.max_steps))
            if name == "sft" and asked.sft.learning_rate == 7:
                raise StageError("the loss was not finite")
            if name == "sft" and asked.sft.learning_rate == 8:
                raise OSError(errno.ENOSPC, "No space left on device")
            EvaluatedFolder(out).write(changed(SCORES, "sft", bits_per_byte={"sc": bits(asked.sft.learning_rate)}))
            return {}

        return run

    def estimate(asked: Any, inputs: dict[str, Path], card: Any) -> Any:
        assert inputs["corpus"].exists(), "what a stage's length depends on is run before it is counted"
        return SimpleNamespace(steps=10, hours=None)

    table = tuple(s._replace(run=fake(s.name), estimate=s.estimate and estimate) for s in STAGES)
    monkeypatch.setattr(runner, "STAGES", table)
    return tmp_path / "runs"


def swept(tmp_path: Path, runs: Path, *options: str, halving: bool = False) -> tuple[Report, Path, Sequence[Arm]]:
    sweep = prepare_sweep(recipe(tmp_path).path, options, None, runs, "evaluate")
    report, path = run_sweep(sweep, halving=halving)
    assert Report.model_validate(read_json(path)) == report
    return report, path, sweep.arms


def test_what_is_shared_runs_once_and_a_second_time_nothing_runs(tmp_path: Path, runs: Path) -> None:
    report, path, found = swept(tmp_path, runs, "sft.learning_rate=3,1,2")
    assert Counter(name for name, _ in CALLS) == Counter(
        {"sources": 1, "corpus": 1, "instruct": 1, "cpt": 1, "sft": 3, "evaluate": 3}
    )
    (whole,) = report.rounds
    assert [result.score for result in whole.arms] == [3, 1, 2]
    assert report.over_seeds is None
    assert (report.best, report.warning) == ("small[sft.learning_rate=1]", "")
    assert path.parent == runs / "sweeps"
    for result, arm in zip(whole.arms, found, strict=True):
        assert result.overrides == list(arm.overrides)
        assert set(result.folders) == {"sources", "corpus", "instruct", "cpt", "sft", "evaluate"}
        assert result.scores is not None
        assert result.scores.systems["sft"].bits_per_byte["sc"].value == result.score
    CALLS.clear()
    again, same, _ = swept(tmp_path, runs, "sft.learning_rate=3,1,2")
    assert CALLS == []
    assert (again, same) == (report, path)
    swept(tmp_path, runs, "sft.learning_rate=3,1,2,4")
    assert CALLS == [("sft", None), ("evaluate", None)]


def test_an_arm_that_diverges_is_noted_and_the_others_are_run(tmp_path: Path, runs: Path) -> None:
    report, _, _ = swept(tmp_path, runs, "sft.learning_rate=7,2")
    first, second = report.rounds[0].arms
    assert (first.state, first.score, second.state) == ("failed", None, "done")
    assert "not finite" in first.why
    assert list(report.finished) == [report.best] == ["small[sft.learning_rate=2]"]
    measure = choose_measure(None, recipe(tmp_path), "evaluate")
    assert report.rounds[0].ranked(measure) == [second, first]
    with pytest.raises(StageError, match="every arm failed; the first: .*not finite"):
        swept(tmp_path, runs, "sft.learning_rate=7")


def test_a_full_disk_ends_the_sweep(tmp_path: Path, runs: Path) -> None:
    with pytest.raises(DiskRefused, match="sft: the disk refused"):
        swept(tmp_path, runs, "sft.learning_rate=8,2")
    assert [name for name, _ in CALLS].count("sft") == 1


def test_halving_runs_a_third_first_and_only_the_better_half_whole(tmp_path: Path, runs: Path) -> None:
    report, _, _ = swept(tmp_path, runs, "sft.learning_rate=5,7,3,2", halving=True)
    short, whole = report.rounds
    assert short.title == "1/3 of the steps of sft"  # one CPT for all: it is not run short
    assert [steps for name, steps in CALLS if name == "sft"] == [4] * 4 + [None] * 2
    assert short.kept == [result.name for result in whole.arms]
    assert short.kept == ["small[sft.learning_rate=2]", "small[sft.learning_rate=3]"]
    assert short.arms[0].max_steps == {"sft": 4}
    assert report.best == "small[sft.learning_rate=2]"


def test_seeds_of_one_arm_share_all_before_it_and_go_on_together(tmp_path: Path, runs: Path) -> None:
    report, _, _ = swept(tmp_path, runs, "sft.learning_rate=4,1,2", "sft.seed=1,2", halving=True)
    short, whole = report.rounds
    assert Counter(name for name, _ in CALLS) == Counter(
        {"sources": 1, "corpus": 1, "instruct": 1, "cpt": 1, "sft": 10, "evaluate": 10}
    )
    assert len(short.arms) == 6
    rate = "small[sft.learning_rate={},sft.seed={}]"
    assert short.kept == [rate.format(1, 1), rate.format(1, 2), rate.format(2, 1), rate.format(2, 2)]
    assert [result.name for result in whole.arms] == short.kept
    assert (report.best, report.best_overrides) == ("small[sft.learning_rate=1]", ["sft.learning_rate=1"])
    assert report.over_seeds is not None
    assert [(g.name, g.mean, g.sd) for g in report.over_seeds.groups] == [
        ("small[sft.learning_rate=1]", 1, 0),
        ("small[sft.learning_rate=2]", 2, 0),
    ]
    assert report.warning == ""


def test_the_recipes_seed_draws_other_text_and_the_sweep_says_so(tmp_path: Path, runs: Path) -> None:
    report, _, _ = swept(tmp_path, runs, "seed=1,2")
    assert "different corpora" in report.warning
    assert "vary cpt.seed or sft.seed" in report.warning
    assert report.over_seeds is not None
    assert [group.name for group in report.over_seeds.groups] == ["small"]


def test_what_differs_in_cpt_is_shortened_from_there(tmp_path: Path, runs: Path) -> None:
    report, _, _ = swept(tmp_path, runs, "cpt.learning_rate=1,2", halving=True)
    assert report.rounds[0].title == "1/3 of the steps of cpt and sft"
    assert len(report.rounds[1].arms) == 1
    (arm, _) = make_arms(recipe(tmp_path).path, ["cpt.warmup_steps=7,8"])
    short = shorten(arm.recipe, ["cpt"], runs)
    assert (short.cpt.max_steps, short.cpt.warmup_steps, short.sft.max_steps) == (4, 3, None)  # type: ignore[union-attr]


def test_halving_without_a_training_that_differs_is_refused(tmp_path: Path, runs: Path) -> None:
    with pytest.raises(RecipeError, match="nothing to run short"):
        swept(tmp_path, runs, "evaluate.max_new_tokens=4,5", halving=True)
    sweep = prepare_sweep(recipe(tmp_path).path, ["corpus.min_words=3,4"], None, runs, "corpus")
    with pytest.raises(RecipeError, match="needs a score"):
        run_sweep(sweep, halving=True)
    report, _ = run_sweep(sweep)
    assert "different corpora" in report.warning
    assert [result.state for result in report.rounds[0].arms] == ["done", "done"]
