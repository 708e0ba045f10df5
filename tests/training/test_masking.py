"""Masked inputs: the share that was asked for, labels as they were, and the same draw whenever a step is done again."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from llimba.recipe import SftSection
from llimba.training import loop
from llimba.training.examples import Example
from llimba.training.masking import mask_inputs
from llimba.training.monitor import read_metrics
from tests.training.test_loop import opened


def examples(count: int = 50, length: int = 400) -> list[Example]:
    ids = np.arange(count * (length + 1), dtype=np.int32).reshape(count, length + 1)
    return [Example(f"d{i}", "sc", row[:-1], row[1:]) for i, row in enumerate(ids)]


def test_about_the_share_is_replaced_and_nothing_else_changes() -> None:
    given = examples()
    masked = mask_inputs(given, 0.15, seed=1, step=3)
    changed = np.mean([a.input_ids != b.input_ids for a, b in zip(given, masked, strict=True)])
    assert changed == pytest.approx(0.15, abs=0.01)  # 20,000 draws: four standard deviations
    for before, after in zip(given, masked, strict=True):
        assert after.labels is before.labels
        assert after.input_ids[0] == before.input_ids[0]
        assert after.input_ids.dtype == np.int32
        assert not np.shares_memory(after.input_ids, before.input_ids)
    pool = {i for e in given for i in e.input_ids.tolist()}
    assert {i for e in masked for i in e.input_ids.tolist()} <= pool


def test_the_draw_is_fixed_by_seed_and_step() -> None:
    def drawn(seed: int, step: int) -> list[list[int]]:
        return [e.input_ids.tolist() for e in mask_inputs(examples(), 0.3, seed, step)]

    assert drawn(1, 5) == drawn(1, 5)
    assert drawn(1, 5) != drawn(1, 6)
    assert drawn(1, 5) != drawn(2, 5)
    assert mask_inputs(examples(), 0.0, 1, 5)[0].input_ids.tolist() == examples()[0].input_ids.tolist()


def test_a_run_reads_the_masked_text(base: Path, tmp_path: Path) -> None:
    losses: dict[float, Any] = {}
    for share in (0.0, 0.3):
        model, settings, given = opened(base, input_masking=share)
        facts = loop.train(model, given, settings, tmp_path / str(share), seed=1, title="t")
        losses[share] = read_metrics(tmp_path / str(share))
        assert facts["loss_tokens"] == 2 * sum(example.num_loss_tokens for example in given)
    assert losses[0.0][0]["loss"] != losses[0.3][0]["loss"]
    assert losses[0.3][-1]["loss"] < losses[0.3][0]["loss"]


def test_preference_tuning_has_no_masked_inputs() -> None:
    with pytest.raises(ValueError, match="not there for method: dpo"):
        SftSection(method="dpo", input_masking=0.1)
