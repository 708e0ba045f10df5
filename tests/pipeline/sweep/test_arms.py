"""Arms: values as they were written, every combination, faults before any work."""

from pathlib import Path

import pytest

from llimba.errors import RecipeError
from llimba.pipeline.sweep.arms import make_arms, parse_values
from tests.fakes import recipe


@pytest.mark.parametrize(
    ("option", "values"),
    [
        ("sft.learning_rate=1e-4,3e-4", ["1e-4", "3e-4"]),
        ("sft.method=full, lora", ["full", "lora"]),
        ("evaluate.directions=[it-sc, sc-it],[it-sc]", ["[it-sc, sc-it]", "[it-sc]"]),
        ("cpt.mixture={sc: 0.5, it: 0.5},{sc: 1}", ["{sc: 0.5, it: 0.5}", "{sc: 1}"]),
        ('publish.title="Sardinian, first",other', ['"Sardinian, first"', "other"]),
        ("sft.max_steps=null,3,3", ["null", "3"]),
    ],
)
def test_values_are_a_yaml_list_without_its_brackets(option: str, values: list[str]) -> None:
    assert parse_values(option) == (option.partition("=")[0], values)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("seed", "KEY=VALUE1,VALUE2"),
        ("seed=", "there is no value"),
        ("seed=1,,2", "not valid YAML"),
        ("seed=" + "[" * 1000, r"--set seed=\[.{1,60}: nested deeper than 40 levels"),
        ("=1", "KEY=VALUE1"),
    ],
)
def test_what_is_no_list_of_values_is_said(option: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        parse_values(option)


def test_every_combination_is_an_arm_named_by_what_it_differs_in(tmp_path: Path) -> None:
    path = recipe(tmp_path).path
    found = make_arms(path, ["sft.method=full,lora", "sft.learning_rate=1e-4,1e-3", "evaluate.max_new_tokens=4"])
    assert [arm.name for arm in found] == [
        f"small[sft.method={method},sft.learning_rate={rate}]"
        for method in ("full", "lora")
        for rate in ("1e-4", "1e-3")
    ]
    last = found[-1]
    assert last.overrides == ("sft.method=lora", "sft.learning_rate=1e-3", "evaluate.max_new_tokens=4")
    assert (last.recipe.name, last.recipe.sft.learning_rate, last.recipe.sft.method) == (last.name, 1e-3, "lora")
    assert last.recipe.evaluate.max_new_tokens == 4


def test_faults_are_found_before_any_work(tmp_path: Path) -> None:
    path = recipe(tmp_path).path
    with pytest.raises(RecipeError, match="nothing to vary"):
        make_arms(path, [])
    with pytest.raises(RecipeError, match="given twice"):
        make_arms(path, ["seed=1", "seed=2"])
    with pytest.raises(
        RecipeError, match="the arm sft.optimizer=adamw, sft.stochastic_rounding=true is not a valid recipe"
    ):
        make_arms(path, ["sft.optimizer=auto,adamw", "sft.stochastic_rounding=true"])
