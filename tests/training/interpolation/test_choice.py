"""The weight chosen: the target's best where the others are kept, with the reason; measured like the monitor."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from llimba.errors import StageError
from llimba.recipe import CptSection, Tokens
from llimba.records import Document
from llimba.training.interpolation.choice import choose_weight, measure, measure_and_choose
from llimba.training.interpolation.weights import Between
from llimba.training.settings import resolve_for
from tests.fakes import SENTENCES, save_tiny_model

TABLE = [
    {"weight": 0.0, "sc": 3.0, "en": 1.0, "it": 1.0},
    {"weight": 0.5, "sc": 2.2, "en": 1.01, "it": 0.9},
    {"weight": 0.8, "sc": 2.0, "en": 1.029, "it": 0.9},
    {"weight": 1.0, "sc": 1.9, "en": 1.1, "it": 0.9},
]
WEIGHTS = [0.5, 0.8, 1.0]


@pytest.mark.parametrize(
    ("tolerance", "weight", "reason"),
    [
        (0.03, 0.8, r"lowest bits per byte of sc \(2.000, start 3.000\).*3.0%.*most lost: en \+2.9%"),
        (0.02, 0.5, "most lost: en"),
        (0.5, 1.0, r"most lost: en \+10.0%"),
        (0.001, 0.5, r"no weight keeps every other language within 0.1%.*en \(\+1.0%\)"),
    ],
)
def test_the_targets_best_where_the_others_are_kept(tolerance: float, weight: float, reason: str) -> None:
    found, why = choose_weight(TABLE, WEIGHTS, "sc", tolerance)
    assert found == weight
    assert __import__("re").search(reason, why), why


def test_only_what_was_asked_for_is_chosen() -> None:
    assert choose_weight(TABLE, [0.5], "sc", 0.5)[0] == 0.5
    with pytest.raises(StageError, match="too little text in 'fur'"):
        choose_weight(TABLE, WEIGHTS, "fur", 0.5)


def test_it_is_measured_at_the_ends_and_between_and_the_file_is_as_measured(tmp_path: Path) -> None:
    start, trained = save_tiny_model(tmp_path / "start", 1), save_tiny_model(tmp_path / "trained", 2)
    documents = [
        Document(id=f"{code}{i}", language=code, text=text, source="s", license="x", provenance="p")
        for code in ("sc", "it")
        for i, text in enumerate(SENTENCES[code])
    ]
    settings = CptSection(sequence_length=128, precision="fp32")
    resolved = resolve_for(start, settings)
    between = Between(start, trained)
    table, sizes = measure(between, [0.5], documents, 4000, settings, resolved, Tokens())
    assert [row["weight"] for row in table] == [0, 0.5, 1]
    assert sizes == {code: sum(len(s.encode()) for s in SENTENCES[code]) for code in ("sc", "it")}
    between.write(0.5, tmp_path / "middle")
    alone, _ = measure(
        Between(tmp_path / "middle", tmp_path / "middle"), [], documents, 4000, settings, resolved, Tokens()
    )
    assert alone[0]["sc"] == alone[1]["sc"] == table[1]["sc"]
    swapped, _ = measure(Between(trained, start), [], documents, 4000, settings, resolved, Tokens())
    assert [swapped[0]["sc"], swapped[1]["sc"]] == [table[2]["sc"], table[0]["sc"]]
    found = measure_and_choose(start, trained, [0.5, 1], documents, 4000, settings, resolved, Tokens(), "sc")
    assert found.table == table
    backwards = measure_and_choose(start, trained, [0.5, 1], documents[::-1], 4000, settings, resolved, Tokens(), "sc")
    assert backwards.table == table
    assert list(backwards.table[0]) == ["weight", "sc", "it"]  # the language to be learned first
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path / "middle").state_dict()
    assert all(torch.equal(tensor, loaded[name]) for name, tensor in between.tensors(0.5))
