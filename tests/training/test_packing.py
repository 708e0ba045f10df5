"""Packing keeps the step: same documents, whole, in as few rows as best-fit finds."""

import numpy as np
import pytest
import torch

from llimba.recipe import CptSection
from llimba.training.examples import IGNORED, Example
from llimba.training.packing import best_fit, epoch_steps, order, pack, plan_steps, share


def example(length: int, start: int = 0) -> Example:
    ids = np.arange(start, start + length + 1, dtype=np.int32)
    return Example(f"d{start}", "sc", ids[:-1], ids[1:])


def test_an_epoch_draws_every_example_once_and_a_new_one_in_new_order() -> None:
    drawn = plan_steps([1] * 10, CptSection(documents_per_step=4, num_train_epochs=2), seed=7)
    first, second = drawn[:3], drawn[3:]
    assert [len(step) for step in drawn] == [4, 4, 2, 4, 4, 2]
    assert sorted(i for s in first for i in s) == sorted(i for s in second for i in s) == list(range(10))
    assert first != second
    assert order(10, 7, 0) == order(10, 7, 0) != order(10, 8, 0)
    assert len({tuple(order(20, seed, epoch)) for seed in range(8) for epoch in range(8)}) == 64


@pytest.mark.parametrize(
    ("epochs", "max_steps", "expected"),
    [(1, None, 3), (1.5, None, 5), (0.1, None, 1), (2, None, 6), (1, 2, 2), (1, 3, 3), (1, 7, 7)],
)
def test_epochs_and_max_steps(epochs: float, max_steps: int | None, expected: int) -> None:
    settings = CptSection(documents_per_step=4, num_train_epochs=epochs, max_steps=max_steps)
    assert len(plan_steps([1] * 10, settings, seed=7)) == expected


def test_a_part_of_an_epoch_is_not_rounded_up_for_the_last_bit_of_a_float() -> None:
    assert 1.1 - 1 > 0.1
    assert len(plan_steps([1] * 10, CptSection(documents_per_step=1, num_train_epochs=1.1), seed=7)) == 11


def test_steps_by_token_budget_are_full_and_lose_nothing() -> None:
    lengths = [3, 9, 4, 4, 2, 12, 5, 1]
    steps = epoch_steps(lengths, CptSection(tokens_per_step=10), seed=1, epoch=0)
    assert sorted(i for step in steps for i in step) == list(range(8))
    totals = [sum(lengths[i] for i in step) for step in steps]
    assert all(total <= 10 or len(step) == 1 for total, step in zip(totals, steps, strict=True))
    following = [lengths[step[0]] for step in steps[1:]]
    assert all(total + after > 10 for total, after in zip(totals, following, strict=False))  # none ends early
    assert [i for step in steps for i in step] == order(8, 1, 0)


@pytest.mark.parametrize("settings", [{"documents_per_step": 4}, {"tokens_per_step": 9}])
def test_phases_come_one_after_another_and_no_step_draws_from_two(settings: dict[str, int]) -> None:
    section = CptSection.model_validate({**settings, "num_train_epochs": 2})
    lengths, phases = [3, 2, 4] * 7, [0] * 10 + [1] * 11
    plan = plan_steps(lengths, section, 5, phases)
    of_step = [{phases[i] for i in step} for step in plan]
    assert all(len(found) == 1 for found in of_step)
    order_of_phases = [found.pop() for found in of_step]
    half = len(plan_steps(lengths, section.model_copy(update={"num_train_epochs": 1}), 5, phases))
    assert order_of_phases == sorted(order_of_phases[:half]) + sorted(order_of_phases[half:])
    assert sorted(i for step in plan[:half] for i in step) == list(range(21))
    assert [i for step in plan[:half] for i in step] != list(range(21))  # shuffled within
    assert plan_steps(lengths, section, 5, [0] * 21) == plan_steps(lengths, section, 5)


@pytest.mark.parametrize(
    ("lengths", "row_length", "expected"),
    [
        ([5, 5, 5, 5], 10, [[0, 1], [2, 3]]),
        ([3, 7, 4, 6], 10, [[0, 1], [2, 3]]),  # within a row in the order given
        ([6, 5, 4, 5], 10, [[0, 2], [1, 3]]),  # the fullest row that has room
        ([7, 6, 3, 2], 10, [[0, 2], [1, 3]]),
        ([12, 3], 10, [[0], [1]]),  # longer than a row: a row of its own
        ([1, 1, 1], 2, [[0, 1], [2]]),
    ],
)
def test_best_fit(lengths: list[int], row_length: int, expected: list[list[int]]) -> None:
    assert best_fit(lengths, row_length) == expected


def test_processes_share_rows_and_step_alike() -> None:
    rows = pack([example(8, start) for start in range(0, 50, 10)], 8)
    shares = [share(rows, rank, 3) for rank in range(3)]
    assert [row.input_ids[0, 0].item() for row in shares[0]] == [0, 30]
    assert [row.input_ids[0, 0].item() for row in shares[1]] == [10, 40]
    (whole, empty) = shares[2]
    assert whole.input_ids[0, 0] == 20
    assert empty.labels.tolist() == [[IGNORED]]
    assert (empty.input_ids.tolist(), empty.cu_seqlens.tolist()) == ([[0]], [0, 1])
    assert share(rows, 0, 1) == list(rows)


def test_a_row_marks_its_documents() -> None:
    (row,) = pack([example(3, 10), example(2, 50)], 8)
    assert row.input_ids.tolist() == [[10, 11, 12, 50, 51]]
    assert row.labels.tolist() == [[11, 12, 13, 51, 52]]  # 12 predicts its own 13, never the 50 beside it
    assert row.position_ids.tolist() == [[0, 1, 2, 0, 1]]
    assert row.cu_seqlens.tolist() == [0, 3, 5]
    assert row.cu_seqlens.dtype == torch.int32
    assert row.max_seqlen == 3


def test_off_is_a_row_a_document_and_leaky_is_one_stream() -> None:
    documents = [example(3, 10), example(2, 50)]
    assert [row.input_ids.shape[1] for row in pack(documents, 8, "off")] == [3, 2]
    (leaky,) = pack(documents, 8, "leaky")
    assert leaky.input_ids.tolist() == [[10, 11, 12, 13, 50, 51]]
    assert leaky.labels.tolist() == [[11, 12, 13, 50, 51, 52]]  # 13 predicts the next document: the leak
    assert leaky.cu_seqlens.tolist() == [0, 6]
    cut = pack(documents, 4, "leaky")
    assert [row.input_ids.tolist() for row in cut] == [[[10, 11, 12, 13]], [[50, 51]]]
    assert [row.labels.tolist() for row in cut] == [[[11, 12, 13, 50]], [[51, 52]]]
    assert [row.input_ids.shape[1] for row in pack(documents, 3, "leaky")] == [3, 3], "no empty row at the end"
