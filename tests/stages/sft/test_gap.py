"""What is set aside stays aside, copies with their original; the loss is the engine's own."""

from pathlib import Path

import pytest
import torch

from llimba.recipe import SftSection, Tokens
from llimba.stages.sft.gap import gap, mean_loss, set_aside
from llimba.training.examples import IGNORED, Example, split
from llimba.training.model import open_for_training
from tests.fakes import SENTENCES, save_tiny_model

SETTINGS = SftSection(sequence_length=64, row_length=128, precision="fp32")


def examples() -> list[Example]:
    texts = [text.encode() for text in SENTENCES["sc"]]
    return [example for i, text in enumerate(texts) for example in split(list(text), 64, f"c{i}", "sc")]


def test_copies_go_together_and_the_share_is_kept() -> None:
    many = [
        Example(f"c{i}{copy}", "", e.input_ids, e.labels)
        for i in range(400)
        for copy in ("", "#2")
        for e in examples()[:1]
    ]
    trained, aside = set_aside(many, 0.1, seed=1)
    assert len(trained) + len(aside) == 800
    assert 40 < len(aside) < 120
    assert not {e.document.partition("#")[0] for e in trained} & {e.document.partition("#")[0] for e in aside}
    assert set_aside(many, 0.0, seed=1) == (many, [])


def test_the_loss_is_that_of_the_plain_model(tmp_path: Path) -> None:
    opened = open_for_training(save_tiny_model(tmp_path), SETTINGS, Tokens())
    given = examples()
    total = 0.0
    for example in given:
        logits = opened.model(torch.tensor(example.input_ids[None].astype("int64"))).logits[0]
        labels = torch.tensor(example.labels.astype("int64"))
        total += float(torch.nn.functional.cross_entropy(logits, labels, ignore_index=IGNORED, reduction="sum"))
    opened_again = open_for_training(tmp_path, SETTINGS.model_copy(update={"row_length": 2}), Tokens())
    alone = mean_loss(opened_again, given)  # a row a document
    assert alone == pytest.approx(total / sum(e.num_loss_tokens for e in given), rel=1e-4)
    found = gap(opened_again, given[:5], given[5:], seed=1)
    assert found.gap == pytest.approx(found.held_out - found.train, abs=1e-3)
    assert gap(opened_again, given, [], seed=1).gap is None
