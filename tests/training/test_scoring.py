"""Every token's likelihood is the model's own, whatever the row; a model that cannot be trained is not scored."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from llimba.errors import StageError
from llimba.models.base_model import token_contract
from llimba.models.loading import LoadedModel
from llimba.recipe import CptSection, Tokens
from llimba.training.cost import Shape
from llimba.training.examples import split
from llimba.training.scoring import Scorer
from llimba.training.settings import resolve
from tests.architectures import FAMILIES, build
from tests.fakes import tiny_model, tiny_tokenizer


def loaded(model: torch.nn.Module) -> LoadedModel:
    from pathlib import Path

    tokenizer = tiny_tokenizer()
    return LoadedModel(Path(), model.eval(), tokenizer, token_contract(tokenizer, Tokens()), 2048)


@pytest.mark.parametrize("name", ["Llama 3", "LFM2"])  # a call a row, a call a document
def test_tokens_cost_what_the_models_own_forward_says(name: str) -> None:
    family = next(family for family in FAMILIES if family.name == name)
    model = build(family)
    settings = CptSection(sequence_length=64, row_length=100, precision="fp32")
    draw = np.random.default_rng(0)
    texts = [draw.integers(3, 320, length).tolist() for length in (30, 65, 12, 50, 3)]
    examples = [one for place, ids in enumerate(texts) for one in split(ids, 64, str(place), "sc")]
    scorer = Scorer(loaded(model), resolve(settings, Shape.of(model), None), 64)
    assert scorer.forward.one_by_one == (family.computed == "document")
    found = scorer.token_nats(examples)
    model.eval()
    model.set_attn_implementation("eager")
    with torch.no_grad():
        for ids, nats in zip(texts, found, strict=True):
            own = model(input_ids=torch.tensor([ids[:-1]]), use_cache=False).logits[0]
            assert torch.allclose(nats, F.cross_entropy(own, torch.tensor(ids[1:]), reduction="none"), atol=2e-3)


def test_a_model_that_leaks_even_alone_is_refused() -> None:
    from transformers import BertConfig, BertLMHeadModel

    small = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 96}
    bert = BertLMHeadModel(BertConfig(vocab_size=260, **small, is_decoder=True))
    settings = CptSection(sequence_length=64, precision="fp32")
    with pytest.raises(StageError, match="BertLMHeadModel"):
        Scorer(loaded(bert), resolve(settings, Shape.of(tiny_model()), None), 64)
