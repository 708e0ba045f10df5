"""Whether it fits, how long it takes, and which switch helps."""

from pathlib import Path

import pytest
import torch

from llimba.errors import RecipeError, StageError
from llimba.recipe import CptSection, ModelSection, SftSection
from llimba.stages.sft.adapter import with_adapter
from llimba.training import cost, estimate
from llimba.training.cards import CARDS, find_card
from llimba.training.checkpoint import KEEP, Checkpoints
from llimba.training.model import DTYPES
from llimba.training.optimizer import build_optimizer
from llimba.training.settings import resolve
from tests.fakes import tiny_model, tiny_tokenizer
from tests.training.test_cost import QWEN_3B


def published(**changes: object) -> CptSection:
    return CptSection.model_validate(
        {
            "sequence_length": 4096,
            "precision": "bf16",
            "optimizer": "adamw_8bit",
            "gradient_checkpointing": True,
            "num_train_epochs": 2,
        }
        | changes
    )


SHAPE = cost.shape_from_config(QWEN_3B)[0]
CARD = CARDS["rtx4090"]


def test_the_peak_table_holds_dense_figures() -> None:
    assert CARD.peak == 165.2e12
    assert CARDS["h100"].peak == 989.4e12
    assert CARDS["a100"].peak == 312e12
    assert all(1e13 < card.peak < 2e15 and 2e10 < card.memory < 2e11 for card in CARDS.values())


def test_the_published_recipe_on_its_card() -> None:
    found = estimate.estimate(SHAPE, published(), CARD, [760] * 18270, seed=1)
    assert found.fits
    assert found.remedy == ""
    assert found.steps == 2284
    assert found.tokens == 2 * 760 * 18270
    assert found.tokens_per_second == pytest.approx(0.4 * 165.2e12 / 24.57e9, rel=0.001)
    assert found.hours == pytest.approx(27.77e6 / found.tokens_per_second / 3600, rel=0.01)
    assert found.checkpoint_disk_gib == pytest.approx(3 * 11.58, abs=0.1)


@pytest.mark.usefixtures("no_compiler")
@pytest.mark.parametrize(
    "changes",
    [{}, {"precision": "bf16", "optimizer": "adamw"}, {"precision": "bf16"}, {"method": "lora", "lora_r": 32}],
    ids=["fp32", "bf16", "8-bit moments", "adapter"],
)
def test_the_disk_that_is_asked_for_is_what_the_checkpoints_take(tmp_path: Path, changes: dict[str, object]) -> None:
    settings = SftSection.model_validate({"precision": "fp32", **changes})
    model = tiny_model(hidden_size=256, intermediate_size=512)
    shape = cost.Shape.of(model).with_adapter(settings, model)
    resolved = resolve(settings, shape, None)
    model = model.to(DTYPES[resolved.precision.value])
    if settings.adapter_kind:
        model = with_adapter(model, tiny_tokenizer(), settings, "lora", seed=1)
    optimizer = build_optimizer(settings, resolved, model, torch.device("cpu"))
    model(input_ids=torch.arange(8)[None], labels=torch.arange(8)[None]).loss.backward()
    optimizer.step()
    Checkpoints(tmp_path, model, optimizer, "x").save(1, {}, write=True)
    written = sum(path.stat().st_size for path in tmp_path.rglob("*.safetensors"))
    assert cost.checkpoint_disk(shape, resolved) == pytest.approx((KEEP + 1) * written, rel=0.03)


def test_what_does_not_fit_is_told_the_switch_that_helps() -> None:
    without = estimate.estimate(SHAPE, published(gradient_checkpointing=False), CARD, None, seed=1)
    assert not without.fits
    assert without.remedy == "gradient_checkpointing: true"
    assert without.tokens is None
    fp32 = estimate.estimate(SHAPE, published(precision="mixed", optimizer="adamw"), CARD, None, seed=1)
    assert not fp32.fits
    assert fp32.remedy == "precision: bf16, optimizer: adamw_8bit"


def test_auto_means_what_fits_the_card_that_is_named() -> None:
    settings = CptSection(gradient_checkpointing=True)
    small = estimate.estimate(SHAPE, settings, CARD, None, seed=1)
    large = estimate.estimate(SHAPE, settings, CARDS["h100"], None, seed=1)
    assert (small.settings.precision.value, large.settings.precision.value) == ("bf16", "mixed")


def test_cards_are_found_by_name() -> None:
    assert find_card("RTX 4090") == CARD
    with pytest.raises(RecipeError, match="rtx9999.*the cards are rtx3090"):
        find_card("rtx9999")
    here = find_card(None)
    assert here.peak > 1e9
    assert here.memory > 2**30
    assert here.gpu == torch.cuda.is_available()


def test_a_stage_is_estimated_from_the_recipe_alone() -> None:
    base = ModelSection(name="x", license="y", hub="nobody/nothing", config=QWEN_3B)
    found = estimate.estimate_stage(base, published(), "rtx4090", "not there", 1, max_tokens=1000)
    assert found.trained_parameters == 3_085_938_688
    assert found.tokens == 2000


def test_an_unknown_model_says_how_to_make_it_known() -> None:
    base = ModelSection(name="Some Model", license="y", hub="nobody/nothing")
    with pytest.raises(StageError, match="Some Model is not on this disk yet.*base_model.config"):
        estimate.estimate_stage(base, published(), "rtx4090", "not there", 1, None)


def test_a_model_on_disk_wins_over_what_the_recipe_says(base: Path) -> None:
    section = ModelSection(name="x", license="y", folder=base, config=QWEN_3B)
    assert estimate.estimate_stage(section, published(), "rtx4090", "not there", 1, None).trained_parameters < 10**6


def test_without_the_text_the_recipe_alone_bounds_the_tokens() -> None:
    assert estimate.most_tokens(published(), None) is None
    assert estimate.most_tokens(published(), 1000) == 2000
    assert estimate.most_tokens(published(max_steps=3, tokens_per_step=500), None) == 1500
    assert estimate.most_tokens(published(max_steps=9, tokens_per_step=500), 1000) == 2000
    assert estimate.most_tokens(published(max_steps=9), None) is None
