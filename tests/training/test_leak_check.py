"""An exact backend passes; a planted leak, or an attention that is not the model's own, is refused before training."""

from typing import Any

import pytest
import torch
from torch.nn import functional as F

from llimba.errors import StageError
from llimba.training import attention, leak_check
from llimba.training.model import PackedModel
from tests.fakes import tiny_model

CPU = torch.device("cpu")


def test_leak_check_passes_an_exact_backend_and_refuses_a_leaking_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert leak_check.check(PackedModel(tiny_model()), "loop", 256, CPU)["packed_after_another"] < 1e-5

    def leaking(
        _module: Any, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, _mask: None, **kwargs: Any
    ) -> Any:
        out = F.scaled_dot_product_attention(
            query, key, value, is_causal=True, scale=kwargs["scaling"], enable_gqa=True
        )
        return out.transpose(1, 2), None

    monkeypatch.setitem(attention.BACKENDS, "leaking", leaking)
    with pytest.raises(StageError, match="depends on its neighbour.*packing: off"):
        leak_check.check(PackedModel(tiny_model()), "leaking", 256, CPU)


def test_leak_check_refuses_a_backend_that_is_not_the_models_attention(monkeypatch: pytest.MonkeyPatch) -> None:
    def sharper(*args: Any, **kwargs: Any) -> Any:
        return attention.loop_attention(*args, **{**kwargs, "scaling": 5.0})

    monkeypatch.setitem(attention.BACKENDS, "sharper", sharper)
    with pytest.raises(StageError, match="does not reproduce this model's own attention"):
        leak_check.check(PackedModel(tiny_model(initializer_range=0.5)), "sharper", 256, CPU)
