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


def test_the_check_leaves_everything_as_it_was_but_the_backend() -> None:
    model = tiny_model().train()
    packed = PackedModel(model)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    found = leak_check.check(packed, "loop", 256, CPU)
    assert torch.equal(torch.get_rng_state(), before)
    assert packed.training
    assert model.training
    assert not any(parameter.grad is not None for parameter in model.parameters())
    assert model.config._attn_implementation == "llimba_loop"
    assert set(found) == {"own_attention", "packed_after_another", "other_changed"}
    assert all(0 <= value < 1e-5 for value in found.values())


def off_by(share: float, only_packed: bool = False) -> Any:
    """The loop, its result off by a share; `only_packed`: where there is a document before, by what that one is."""

    def backend(module: Any, query: Any, key: Any, value: Any, mask: None, **kwargs: Any) -> Any:
        out, weights = attention.loop_attention(module, query, key, value, mask, **kwargs)
        if not only_packed:
            return out * (1 + share), weights
        last = kwargs["cu_seq_lens_q"].tolist()[-2]
        seen = value[:, :, :last].mean() if last else 0.0
        return out + share * seen, weights

    return backend


@pytest.mark.parametrize(
    ("dtype", "share", "refused"),
    [
        (torch.float32, 1e-6, False),
        (torch.float32, 0.01, True),
        (torch.bfloat16, 0.01, False),
        (torch.bfloat16, 1.0, True),
    ],
)
def test_rounding_is_allowed_for_by_the_weights_dtype(
    monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype, share: float, refused: bool
) -> None:
    monkeypatch.setitem(attention.BACKENDS, "off", off_by(share))
    packed = PackedModel(tiny_model(initializer_range=0.2).to(dtype))
    if not refused:
        leak_check.check(packed, "off", 256, CPU)
        return
    with pytest.raises(StageError, match="does not reproduce"):
        leak_check.check(packed, "off", 256, CPU)


def test_a_neighbour_that_shows_by_less_than_bf16_rounds_is_a_leak_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(attention.BACKENDS, "whisper", off_by(0.05, only_packed=True))
    model = PackedModel(tiny_model(initializer_range=0.2).to(torch.bfloat16).float())
    with torch.autocast("cpu", dtype=torch.bfloat16), pytest.raises(StageError, match="depends on its neighbour"):
        leak_check.check(model, "whisper", 256, CPU)


def test_differences_are_measured_in_the_models_own_scale(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, backend in (("off", off_by(1e-6)), ("whisper", off_by(1e-6, only_packed=True))):
        monkeypatch.setitem(attention.BACKENDS, name, backend)
        large, small = tiny_model(initializer_range=0.2), tiny_model(initializer_range=0.2)
        with torch.no_grad():
            large.model.norm.weight *= 1000
        found = leak_check.check(PackedModel(large), name, 256, CPU)
        expected = leak_check.check(PackedModel(small), name, 256, CPU)
        assert found == pytest.approx(expected, rel=0.3, abs=1e-7)
        assert max(found.values()) > 0


def test_a_backend_that_is_wrong_in_every_second_document_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def backend(*args: Any, **kwargs: Any) -> Any:
        out, weights = attention.loop_attention(*args, **kwargs)
        return out + (len(kwargs["cu_seq_lens_q"]) > 2), weights

    monkeypatch.setitem(attention.BACKENDS, "second", backend)
    with pytest.raises(StageError, match="depends on its neighbour"):
        leak_check.check(PackedModel(tiny_model(initializer_range=0.2)), "second", 256, CPU)


def test_leak_check_refuses_a_backend_that_is_not_the_models_attention(monkeypatch: pytest.MonkeyPatch) -> None:
    def sharper(*args: Any, **kwargs: Any) -> Any:
        return attention.loop_attention(*args, **{**kwargs, "scaling": 5.0})

    monkeypatch.setitem(attention.BACKENDS, "sharper", sharper)
    with pytest.raises(StageError, match="does not reproduce this model's own attention"):
        leak_check.check(PackedModel(tiny_model(initializer_range=0.5)), "sharper", 256, CPU)
