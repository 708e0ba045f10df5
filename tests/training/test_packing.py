"""Packing keeps the step: same documents, whole, in as few rows as best-fit finds."""

from itertools import islice

import numpy as np
import pytest
import torch

from llimba.training.examples import Example
from llimba.training.packing import best_fit, order, pack, steps


def example(length: int, start: int = 0) -> Example:
    ids = np.arange(start, start + length + 1, dtype=np.int32)
    return Example(f"d{start}", "sc", ids[:-1], ids[1:])


def test_an_epoch_draws_every_example_once_and_a_new_one_in_new_order() -> None:
    drawn = list(islice(steps(10, 4, seed=7), 6))
    first, second = drawn[:3], drawn[3:]
    assert [len(step) for step in drawn] == [4, 4, 2, 4, 4, 2]
    assert sorted(i for s in first for i in s) == sorted(i for s in second for i in s) == list(range(10))
    assert first != second
    assert order(10, 7, 0) == order(10, 7, 0) != order(10, 8, 0)


@pytest.mark.parametrize(
    ("lengths", "row_length", "expected"),
    [
        ([5, 5, 5, 5], 10, 2),
        ([7, 3, 6, 4], 10, 2),  # first-fit in given order would also do; the next needs best fit
        ([6, 5, 4, 5], 10, 2),
        ([12, 3], 10, 2),  # longer than a row: a row of its own
    ],
)
def test_best_fit(lengths: list[int], row_length: int, expected: int) -> None:
    rows = best_fit(lengths, row_length)
    assert len(rows) == expected
    assert sorted(item for row in rows for item in row) == list(range(len(lengths)))
    assert all(sum(lengths[i] for i in row) <= row_length for row in rows if len(row) > 1)


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
