"""The page of base models is what the suite proves and the plan computes; sizes are those that authors publish."""

import pytest

from llimba.training.cost import shape_from_config
from tests.architectures import FAMILIES
from tests.base_models_page import MODELS, PAGE, page

KINDS = {family.name: family.kind for family in FAMILIES}
PUBLISHED = {  # parameters as the authors' cards or papers name them
    "BSC-LT/salamandra-2b-instruct": 2_253_490_176,
    "utter-project/EuroLLM-1.7B-Instruct": 1.657e9,
    "CohereLabs/tiny-aya-global": 3.35e9,
    "Qwen/Qwen2.5-3B-Instruct": 3.09e9,
    "meta-llama/Llama-3.2-3B-Instruct": 3.21e9,
    "mistralai/Mistral-7B-v0.1": 7.24e9,
    "mistralai/Ministral-3-3B-Base-2512": 3.4e9,
    "openai/gpt-oss-20b": 20.9e9,
}


def test_the_page_is_as_generated() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.base_models_page"


@pytest.mark.parametrize("name", PUBLISHED)
def test_sizes_give_the_parameters_that_the_authors_name(name: str) -> None:
    model = next(model for model in MODELS if model.name == name)
    shape, _ = shape_from_config({"model_type": KINDS[model.family], **model.config})
    assert shape.parameters == pytest.approx(PUBLISHED[name], rel=0.01)


def test_every_family_is_on_the_page() -> None:
    text = page()
    assert all(f"| {family.name} | `{family.kind}` | a call a {family.computed} |" in text for family in FAMILIES)
