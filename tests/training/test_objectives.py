"""The losses of the objectives: DPO and ORPO are TRL's, packed or not, and a token's loss is the plain one."""

import copy
import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from llimba.recipe import CptSection
from llimba.training import attention, packing
from llimba.training.examples import IGNORED, Example
from llimba.training.loss import linear_cross_entropy, token_cross_entropy
from llimba.training.model import PackedModel
from llimba.training.objectives import PREFERENCES, AnswerPair, LanguageModelling
from tests.fakes import SENTENCES, tiny_model, tiny_tokenizer

CPU = torch.device("cpu")
BETA = 0.3


def trl_trainer(method: str, model: torch.nn.Module, folder: Path) -> Any:
    trl = pytest.importorskip("trl")
    from datasets import Dataset

    source = importlib.import_module("trl.experimental.orpo") if method == "orpo" else trl
    config, trainer = (getattr(source, method.upper() + part) for part in ("Config", "Trainer"))
    rows = [
        {
            "prompt": [{"role": "user", "content": SENTENCES["en"][i]}],
            "chosen": [{"role": "assistant", "content": SENTENCES["sc"][i]}],
            "rejected": [{"role": "assistant", "content": SENTENCES["it"][i]}],
        }
        for i in range(6)
    ]
    reference = {} if method == "orpo" else {"precompute_ref_log_probs": True}
    arguments = config(
        output_dir=str(folder), beta=BETA, max_length=512, bf16=False, gradient_checkpointing=False, report_to="none",
        disable_tqdm=True, dataloader_pin_memory=False, use_cpu=True, **reference,
    )  # fmt: skip
    return trainer(
        model=model, args=arguments, train_dataset=Dataset.from_list(rows), processing_class=tiny_tokenizer()
    )


def pair(row: dict[str, Any]) -> AnswerPair:
    """TRL's ids of a row, as ours."""

    def example(which: str) -> Example:
        if "prompt_ids" in row:  # DPO
            prompt, ids = len(row["prompt_ids"]), [*row["prompt_ids"], *row[f"{which}_ids"]]
        else:
            ids, prompt = row[f"{which}_input_ids"], row[f"{which}_labels"].count(-100)
        array = np.asarray(ids, dtype=np.int32)
        labels = np.where(np.arange(len(array)) >= prompt, array, IGNORED)[1:].astype(np.int32)
        return Example("d", "", array[:-1], labels)

    return AnswerPair(example("chosen"), example("rejected"))


def moved(model: torch.nn.Module) -> None:
    """Other weights than the reference's, the same for every model of the same shape."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator))


@pytest.mark.parametrize("method", ["dpo", "orpo"])
@pytest.mark.parametrize("row_length", [300, 4096])
def test_loss_gradients_and_figures_are_those_of_trl(tmp_path: Path, method: str, row_length: int) -> None:
    theirs = tiny_model().eval()
    ours = copy.deepcopy(theirs)
    trainer = trl_trainer(method, theirs, tmp_path)
    batch = trainer.data_collator(list(trainer.train_dataset))

    attention.install(ours, "loop")
    packed = PackedModel(ours)
    objective = PREFERENCES[method]([pair(row) for row in trainer.train_dataset], BETA)
    with torch.no_grad():
        objective.prepare(packed, row_length, CPU)
    moved(theirs)
    moved(ours)

    expected = trainer.compute_loss(theirs.train(), batch)
    expected.backward()
    kept = getattr(trainer, "_metrics", None) or trainer._stored_metrics
    said = {name: kept["train"][name][-1] for name in objective.figures}

    step = range(6)
    rows = objective.rows(step, row_length)
    assert len(rows) == (1 if row_length == 4096 else 6)
    loss, figures = torch.zeros(()), torch.zeros(2)
    for row in rows:
        part, of_row = objective.loss(packed, row, step)
        part.backward()
        loss, figures = loss + part.detach(), figures + of_row
    assert float(loss) == pytest.approx(float(expected), rel=1e-5)
    assert dict(zip(objective.figures, figures.tolist(), strict=True)) == pytest.approx(said, rel=1e-4)
    for (name, one), other in zip(theirs.named_parameters(), ours.parameters(), strict=True):
        assert torch.allclose(one.grad, other.grad, rtol=1e-3, atol=1e-6), name


def test_an_empty_row_adds_nothing_and_can_be_differentiated() -> None:
    model = tiny_model()
    attention.install(model, "loop")
    packed, ids = PackedModel(model), np.arange(1, 9, dtype=np.int32)
    example = Example("d", "", ids[:-1], ids[1:])
    shared = packing.share(PREFERENCES["dpo"]([AnswerPair(example, example)], BETA).rows([0], 64), 1, 2)
    for objective in (kind([AnswerPair(example, example)], BETA) for kind in PREFERENCES.values()):
        loss, figures = objective.loss(packed, shared[0], [0])
        loss.backward()
        assert (float(loss), figures.tolist()) == (0.0, [0.0, 0.0])
    assert all(float(p.grad.abs().sum()) == 0 for p in packed.parameters())


def test_language_modelling_is_the_mean_over_the_steps_tokens() -> None:
    model = tiny_model()
    attention.install(model, "loop")
    packed, ids = PackedModel(model), np.arange(40, dtype=np.int32)
    examples = [Example("a", "", ids[:-1], ids[1:]), Example("b", "", ids[:9], np.full(9, IGNORED, np.int32))]
    objective = LanguageModelling(examples, CptSection())
    assert (objective.lengths, objective.loss_tokens) == ([39, 9], [39, 0])
    total = sum(float(objective.loss(packed, row, [0, 1])[0]) for row in objective.rows([0, 1], 40))
    logits = tiny_model()(torch.from_numpy(ids[:-1].astype(np.int64))[None]).logits[0]
    assert total == pytest.approx(float(F.cross_entropy(logits, torch.arange(1, 40))), rel=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_tokens_loss_is_the_plain_one_in_chunks(dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(1)
    hidden = torch.randn(10, 8, generator=generator).to(dtype).requires_grad_()
    weight = torch.randn(30, 8, generator=generator).to(dtype).requires_grad_()
    labels = torch.randint(0, 30, (10,), generator=generator)
    labels[3] = IGNORED
    weights = torch.rand(10, generator=generator)
    plain = F.cross_entropy((hidden @ weight.T).float(), labels, ignore_index=IGNORED, reduction="none")
    expected = torch.autograd.grad((plain * weights).sum(), (hidden, weight))
    found = token_cross_entropy(hidden, weight, labels, chunk=4)
    assert found.dtype == torch.float32
    assert torch.equal(found, plain)
    for one, other in zip(torch.autograd.grad((found * weights).sum(), (hidden, weight)), expected, strict=True):
        assert torch.allclose(
            one, other, rtol=2e-2 if dtype == torch.bfloat16 else 1e-5, atol=1e-2 if dtype == torch.bfloat16 else 1e-6
        )
    assert float(linear_cross_entropy(hidden, weight, labels)) == pytest.approx(float(found.sum()), rel=1e-5)
