"""Every backend that this machine has agrees with the oracle; packed gradients are those of documents one by one."""

import importlib
import sys
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from llimba.errors import StageError
from llimba.training import attention, forward_check
from llimba.training.model import PackedModel
from llimba.training.packing import to_row
from tests.fakes import tiny_model

CPU = torch.device("cpu")


def projections() -> tuple[list[torch.Tensor], dict[str, Any]]:
    generator = torch.Generator().manual_seed(0)
    shapes = [(1, 4, 12, 8), (1, 2, 12, 8), (1, 2, 12, 8)]
    tensors = [torch.randn(shape, generator=generator) for shape in shapes]
    return tensors, {"cu_seq_lens_q": torch.tensor([0, 5, 6, 12], dtype=torch.int32), "max_length_q": 6, "scaling": 0.3}


def test_masked_equals_the_per_document_loop() -> None:
    tensors, keywords = projections()
    oracle, _ = attention.loop_attention(torch.nn.Module(), *tensors, None, **keywords)
    masked, _ = attention.masked_attention(torch.nn.Module(), *tensors, None, **keywords)
    assert oracle.shape == (1, 12, 4, 8)
    assert torch.allclose(oracle, masked, atol=1e-6)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="the varlen kernel needs a GPU")
def test_varlen_equals_the_per_document_loop() -> None:
    tensors, keywords = projections()
    tensors = [tensor.cuda().bfloat16() for tensor in tensors]
    keywords["cu_seq_lens_q"] = keywords["cu_seq_lens_q"].cuda()
    oracle, _ = attention.loop_attention(torch.nn.Module(), *tensors, None, **keywords)
    varlen, _ = attention.varlen_attention(torch.nn.Module(), *tensors, None, **keywords)
    assert torch.allclose(oracle.float(), varlen.float(), atol=2e-2)


CALLS: list[Any] = []  # of the stand-in below


def kernel(*given: Any, **keywords: Any) -> torch.Tensor:
    """What a variable-length kernel computes, [T, heads, D] in and out, with the oracle."""
    CALLS.append(given)
    query, key, value, bounds, same_bounds, longest, same_longest = given
    assert (bounds is same_bounds, longest, same_longest) == (True, 6, 6)
    assert keywords.pop("causal", True)
    assert keywords.pop("window_size", (-1, 0)) == (-1, 0)
    assert keywords.pop("is_causal", True)
    assert keywords.pop("dropout_p", 0.0) == 0.0
    scaling = keywords.pop("scale", None) or keywords.pop("softmax_scale")
    assert not keywords
    tensors = (tensor.transpose(0, 1)[None] for tensor in (query, key, value))
    return attention.loop_attention(torch.nn.Module(), *tensors, None, cu_seq_lens_q=bounds, scaling=scaling)[0][0]


def test_the_kernels_get_heads_bounds_and_scale_as_they_want_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def varlen_attn(q: Any, k: Any, v: Any, *bounds: Any, scale: float, window_size: Any = (-1, -1)) -> torch.Tensor:
        assert q.shape == k.shape == v.shape, "one key and value head a query head"
        assert all(tensor.is_contiguous() for tensor in (q, k, v))
        assert window_size == (-1, 0), "causal"
        return kernel(q, k, v, *bounds, scale=scale)

    def older(q: Any, k: Any, v: Any, *bounds: Any, is_causal: bool = False) -> torch.Tensor:
        return kernel(q, k, v, *bounds, is_causal=is_causal, scale=8**-0.5)

    module = importlib.import_module("torch.nn.attention.varlen")
    monkeypatch.setattr(module, "varlen_attn", varlen_attn)
    monkeypatch.setitem(sys.modules, "flash_attn", SimpleNamespace(flash_attn_varlen_func=kernel))
    tensors, keywords = projections()
    tensors = [tensor.bfloat16() for tensor in tensors]  # fp32 is not for these kernels
    oracle, _ = attention.loop_attention(torch.nn.Module(), *tensors, None, **keywords)
    for backend in (attention.varlen_attention, attention.flash_attention):
        CALLS.clear()
        out, weights = backend(torch.nn.Module(), *tensors, None, **keywords)
        assert (weights, len(CALLS)) == (None, 1)
        assert torch.allclose(out, oracle, atol=2e-2), backend
    monkeypatch.setattr(module, "varlen_attn", older)  # torch 2.11: no scale, and causal by another name
    default, _ = attention.loop_attention(torch.nn.Module(), *tensors, None, **{**keywords, "scaling": None})
    out, _ = attention.varlen_attention(torch.nn.Module(), *tensors, None, **keywords)
    assert len(CALLS) == 2
    assert torch.allclose(out, default, atol=2e-2)


@pytest.mark.parametrize("backend", [attention.loop_attention, attention.masked_attention])
@pytest.mark.parametrize(("heads", "groups", "tokens"), [(4, 2, 2), (4, 2, 4), (2, 2, 4), (2, 2, 2), (4, 1, 3)])
def test_heads_are_grouped_whatever_the_length(backend: Any, heads: int, groups: int, tokens: int) -> None:
    tensors = [torch.randn(1, count, tokens, 8) for count in (heads, groups, groups)]
    out, _ = backend(torch.nn.Module(), *tensors, None, cu_seq_lens_q=torch.tensor([0, tokens]), scaling=0.3)
    whole = [tensors[0], *(tensor.repeat_interleave(heads // groups, dim=1) for tensor in tensors[1:])]
    scores = (whole[0] @ whole[1].transpose(2, 3) * 0.3).masked_fill(torch.ones(tokens, tokens).triu(1) > 0, -torch.inf)
    assert torch.allclose(out, (scores.softmax(-1) @ whole[2]).transpose(1, 2), atol=1e-6)


def test_flash_attention_is_asked_for_what_a_layer_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    def flash(*tensors: torch.Tensor, **keywords: Any) -> torch.Tensor:
        asked.append(keywords)
        return tensors[0]

    monkeypatch.setitem(sys.modules, "flash_attn", SimpleNamespace(flash_attn_varlen_func=flash))
    tensors, keywords = projections()
    tensors = [tensor.bfloat16() for tensor in tensors]
    for layer in ({"dropout": 0.5}, {"sliding_window": 4}, {"sliding_window": 6}, {"softcap": 30.0}):
        attention.flash_attention(torch.nn.Module(), *tensors, None, **keywords, **layer)
    assert [call["dropout_p"] for call in asked] == [0.5, 0, 0, 0]
    assert [call["window_size"] for call in asked] == [(-1, 0), (3, 0), (-1, 0), (-1, 0)]  # none is longer than 6
    assert [call.get("softcap") for call in asked] == [None, None, None, 30.0]


def test_what_a_kernel_cannot_do_is_computed_with_a_mask(monkeypatch: pytest.MonkeyPatch) -> None:
    """fp32, which no flash kernel takes; sinks; a window where torch's kernel has none; autocast's mixture is cast."""
    seen: list[torch.dtype] = []

    def older(q: Any, k: Any, v: Any, *_: Any, is_causal: bool = False) -> torch.Tensor:
        seen.extend(tensor.dtype for tensor in (q, k, v))
        return q

    monkeypatch.setattr(importlib.import_module("torch.nn.attention.varlen"), "varlen_attn", older)
    tensors, keywords = projections()
    windowed, _ = attention.varlen_attention(
        torch.nn.Module(), *(t.bfloat16() for t in tensors), None, **keywords, sliding_window=3
    )
    exact, _ = attention.loop_attention(torch.nn.Module(), *tensors, None, **keywords, sliding_window=3)
    assert torch.allclose(windowed.float(), exact, atol=2e-2)
    plain, _ = attention.varlen_attention(torch.nn.Module(), *tensors, None, **keywords)
    assert torch.allclose(plain, attention.loop_attention(torch.nn.Module(), *tensors, None, **keywords)[0], atol=1e-6)
    assert not seen
    query, key, value = tensors
    with torch.autocast("cpu", torch.bfloat16):
        attention.varlen_attention(torch.nn.Module(), query, key, value.bfloat16(), None, **keywords)
    assert seen == [torch.bfloat16] * 3


@pytest.mark.parametrize("backend", [attention.loop_attention, attention.masked_attention])
def test_no_dropout_unless_asked_for(backend: Any) -> None:
    tensors, keywords = projections()
    exact, dropped, same = (
        backend(torch.nn.Module(), *tensors, None, **keywords, **more)[0] for more in ({}, {"dropout": 0.9}, {})
    )
    assert torch.equal(exact, same)
    assert not torch.equal(exact, dropped)


@pytest.mark.parametrize("backend", ["loop", "sdpa"])
@pytest.mark.parametrize("checkpointing", [False, True])
def test_packed_gradients_equal_documents_one_by_one(backend: str, checkpointing: bool) -> None:
    documents = [forward_check._random_document(PackedModel(tiny_model()), 64, seed) for seed in range(3)]

    def gradients(rows: list[Any]) -> torch.Tensor:
        model = tiny_model().train()
        if checkpointing:
            model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        attention.install(model, backend)
        packed = PackedModel(model)
        for row in rows:
            packed(row).backward()
        return torch.cat([p.grad.flatten() for p in model.parameters()])

    together = gradients([to_row(documents)])
    apart = gradients([to_row([document]) for document in documents])
    assert (together - apart).norm() / apart.norm() < 1e-5


@pytest.mark.parametrize("backend", ["varlen", "flash_attention_2"])
def test_a_backend_that_this_machine_lacks_is_refused(backend: str) -> None:
    with pytest.raises(StageError, match=rf"{backend} is set but not available on this machine \(cpu\)"):
        attention.install(tiny_model(), backend)
