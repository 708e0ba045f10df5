"""Every family trains to the model's own forward, a call a row or a document; planted faults are caught by name."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from llimba.errors import StageError
from llimba.training import attention, forward_check
from llimba.training.examples import Example
from llimba.training.forward_check import settle
from llimba.training.loss import LogitRule
from llimba.training.model import PackedModel, without_dropout
from llimba.training.packing import to_row
from tests.architectures import FAMILIES, REFUSED, VOCABULARY, WINDOW, Family, Refused, build

CPU = torch.device("cpu")
LONGEST = 160
BY_NAME = {family.name: family for family in FAMILIES}


def documents(*lengths: int, seed: int = 5) -> list[Example]:
    generator = np.random.default_rng(seed)
    ids = [generator.integers(3, VOCABULARY, length + 1).astype(np.int32) for length in lengths]
    return [Example(f"d{n}", "", one[:-1], one[1:]) for n, one in enumerate(ids)]


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_family_trains_to_its_own_forward(family: Family) -> None:
    """Against an oracle that shares no code: the class's own logits of every document alone, and their gradient."""
    model = build(family)
    without_dropout(model)  # as every model that is trained
    packed = PackedModel(model)
    settled = settle(packed, "loop", LONGEST, CPU)
    assert settled.one_by_one == (family.computed == "document"), settled.reason
    assert settled.differences.neighbour_changed == 0
    assert settled.differences.tokens > WINDOW
    texts = documents(LONGEST, 41, 5, 64)
    packed(to_row(texts)).backward()
    ours = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    packed.compute_documents()
    model.eval()
    for text in texts:
        logits = model(input_ids=torch.from_numpy(text.input_ids.astype(np.int64))[None], use_cache=False).logits[0]
        F.cross_entropy(logits.float(), torch.from_numpy(text.labels.astype(np.int64)), reduction="sum").backward()
    own = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    assert own.keys() == ours.keys()
    difference = sum((ours[name] - own[name]).pow(2).sum() for name in own).sqrt()
    assert difference / sum(gradient.pow(2).sum() for gradient in own.values()).sqrt() < 1e-3


@pytest.mark.parametrize("name", ["Llama 3", "Gemma 2", "Phi-3, Phi-4", "Cohere 2, Tiny Aya", "gpt-oss", "LFM2"])
def test_ten_steps_packed_are_ten_steps_unpacked(name: str) -> None:
    def losses(together: bool) -> list[float]:
        packed = PackedModel(build(BY_NAME[name]))
        settle(packed, "loop", LONGEST, CPU)
        optimizer = torch.optim.AdamW(packed.parameters(), lr=3e-3)
        found = []
        for step in range(10):
            texts = documents(50, 31, 5, seed=step % 2)
            rows = [to_row(texts)] if together else [to_row([text]) for text in texts]
            total = 0.0
            for row in rows:
                loss = packed(row) / 86
                loss.backward()  # type: ignore[no-untyped-call]
                total += loss.item()
            optimizer.step()
            optimizer.zero_grad()
            found.append(total)
        return found

    together, apart = losses(True), losses(False)
    assert together[-1] < together[0]
    assert together == pytest.approx(apart, rel=1e-4)


def planted(family: str, backend: str = "loop", **changes: Any) -> Any:
    """What `_compare` finds of a packed row, without the way out of a call a document."""
    packed = PackedModel(build(BY_NAME[family], **changes))
    without_dropout(packed)
    packed.logit_rule = forward_check._logit_rule(packed, CPU)
    own = forward_check._own_forward(packed, LONGEST, CPU)
    packed.compute_rows(backend)
    return packed, own


def fault(packed: PackedModel, own: Any) -> str:
    return forward_check._fault(forward_check._compare(packed, own, CPU), packed, own, CPU)


def test_no_fault_where_none_is_planted() -> None:
    assert fault(*planted("Gemma 3")) == ""
    assert fault(*planted("Gemma 2", backend="sdpa")) == ""


@pytest.mark.parametrize("backend", ["loop", "sdpa"])
@pytest.mark.parametrize("window", [None, WINDOW + 1, WINDOW - 1])
def test_a_window_ignored_or_off_by_one(monkeypatch: pytest.MonkeyPatch, backend: str, window: int | None) -> None:
    right = attention.BACKENDS[backend]

    def wrong(*tensors: Any, **kwargs: Any) -> Any:
        if kwargs.get("sliding_window") is not None:
            kwargs["sliding_window"] = window
        return right(*tensors, **kwargs)

    monkeypatch.setitem(attention.BACKENDS, backend, wrong)
    assert fault(*planted("Gemma 3", backend)).startswith("layer 0 (sliding_attention) does not give")
    assert fault(*planted("Mistral", backend)).startswith("layer 0 (sliding_attention) does not give")


def test_a_soft_cap_of_the_attention_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*tensors: Any, **kwargs: Any) -> Any:
        return attention.loop_attention(*tensors, **{**kwargs, "softcap": None})

    monkeypatch.setitem(attention.BACKENDS, "loop", wrong)
    found = fault(*planted("Gemma 2", attn_logit_softcapping=0.01))
    assert found.startswith("layer 0 (sliding_attention) does not give")


@pytest.mark.parametrize(
    ("family", "changes", "said"),
    [
        ("Gemma 2", {"final_logit_softcapping": 1.0}, "a soft cap of the logits is missing"),
        ("Cohere 2, Tiny Aya", {}, "a scale of the logits is missing (0.25)"),
        ("Granite 3", {}, "a scale of the logits is missing (0.125)"),
    ],
)
def test_a_scale_or_soft_cap_of_the_logits_dropped(family: str, changes: dict[str, Any], said: str) -> None:
    packed, own = planted(family, **changes)
    packed.logit_rule = LogitRule()
    assert said in fault(packed, own)


def test_a_bias_of_the_head_dropped() -> None:
    packed, own = planted("Phi-2")
    assert fault(packed, own) == ""
    with torch.no_grad():
        packed.model.lm_head.bias.mul_(40)
    own = forward_check._own_forward(packed, LONGEST, CPU)
    packed.compute_rows("loop")
    lost = nn.Linear(64, VOCABULARY)
    lost.weight, lost.bias = packed.head[0].weight, nn.Parameter(torch.zeros(VOCABULARY))
    packed.head = [lost]
    assert "a bias of the output embedding is missing" in fault(packed, own)


@pytest.mark.parametrize(("family", "layer"), [("Granite 4", "layer 0 (linear_attention)"), ("LFM2", "layer 0 (conv)")])
def test_a_state_or_a_convolution_over_a_boundary(family: str, layer: str) -> None:
    assert f"depends on its neighbours in the row, from {layer} on" in fault(*planted(family))


def test_positions_not_restarted() -> None:
    packed, own = planted("GPT-2")
    right = packed.decoder[0].forward

    def running(**kwargs: Any) -> Any:
        return right(**{**kwargs, "position_ids": torch.arange(kwargs["input_ids"].shape[1])[None]})

    packed.decoder[0].forward = running
    assert "from the embedding layer (positions) on" in fault(packed, own)


def test_a_neighbour_in_sight(monkeypatch: pytest.MonkeyPatch) -> None:
    def leaking(_module: Any, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, *_: Any, **kw: Any) -> Any:
        out = F.scaled_dot_product_attention(query, key, value, is_causal=True, scale=kw["scaling"], enable_gqa=True)
        return out.transpose(1, 2), None

    monkeypatch.setitem(attention.BACKENDS, "leaking", leaking)
    assert "neighbours in the row, from layer 0 (LlamaAttention) on" in fault(*planted("Llama 3", backend="leaking"))


def test_dropout_that_cannot_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = PackedModel(build(BY_NAME["GPT-2"]))
    block = packed.model.transformer.h[0]
    right = block.forward
    noisy = lambda *a, **k: F.dropout(right(*a, **k), 0.3, training=packed.training)  # noqa: E731
    monkeypatch.setattr(block, "forward", noisy)
    with pytest.raises(StageError, match="dropout or other noise is on in training"):
        settle(packed, "loop", LONGEST, CPU)


def test_a_router_that_draws_its_experts_in_training_is_refused() -> None:
    """Its noise is a threshold in evaluation too: switched off, another model would be trained."""
    phi = Family("Phi-MoE", "phimoe", {"num_local_experts": 4, "num_experts_per_tok": 2}, "row")
    with pytest.raises(StageError, match="PhimoeForCausalLM: dropout or other noise is on in training"):
        settle(PackedModel(build(phi)), "loop", LONGEST, CPU)


def test_dropout_stays_as_it_was_after_the_check() -> None:
    packed = PackedModel(build(BY_NAME["GPT-2"], resid_pdrop=0.25))
    settle(packed, "loop", LONGEST, CPU)
    assert {module.p for module in packed.model.modules() if isinstance(module, nn.Dropout)} == {0.25, 0.1}
    assert packed.training


@pytest.mark.parametrize("refused", REFUSED, ids=lambda refused: refused.name)
def test_a_model_that_looks_ahead_or_has_another_head_is_refused(refused: Refused) -> None:
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(refused.kind, **refused.changes))
    with pytest.raises(StageError, match=refused.why):
        settle(PackedModel(model), "loop", LONGEST, CPU)


def test_the_document_is_longer_than_every_window_that_a_training_document_reaches() -> None:
    def length(longest: int, **changes: Any) -> int:
        packed = PackedModel(build(BY_NAME["Mistral"], max_position_embeddings=4096, **changes))
        return forward_check.reference_length(packed, longest, CPU)

    assert length(4000, sliding_window=None) == 256
    assert length(4000, sliding_window=1000) == 1064
    assert length(1020, sliding_window=1000) == 1020
    assert length(900, sliding_window=1000) == 256  # no document leaves the window
    assert length(100) == 100
    assert forward_check.reference_length(PackedModel(build(BY_NAME["Mistral"])), 4000, torch.device("cuda")) == 4000


@pytest.mark.parametrize("name", ["Llama 3", "Gemma 3", "GPT-2", "Qwen3.5"])
def test_full_logits_are_made_of_the_scored_positions_alone(name: str) -> None:
    packed, positions = PackedModel(build(BY_NAME[name])), list[int]()
    without_dropout(packed)
    packed.compute_documents()
    packed.head[0].register_forward_hook(lambda _module, _input, output: positions.append(output.shape[1]))
    document = forward_check._random_document(packed, 60, seed=0)
    whole = forward_check._own_logits(packed, document, CPU)
    kept = forward_check._own_logits(packed, document, CPU, keep=10)
    assert positions == [60, 10]
    assert torch.allclose(kept, whole[-10:], atol=1e-5)


def test_a_document_longer_than_learned_positions_is_refused_before_training() -> None:
    packed = PackedModel(build(BY_NAME["GPT-2"], max_position_embeddings=100, n_positions=100))
    with pytest.raises(StageError, match="its own forward fails on 150 tokens .* Lower sequence_length"):
        settle(packed, "loop", 150, CPU)


def test_rotary_scaling_by_length_is_a_call_a_document() -> None:
    """A short document beside one that is longer than the original positions would get the long one's factors."""
    rope = {"rope_type": "longrope", "rope_theta": 1e4, "short_factor": [1.0] * 8, "long_factor": [4.0] * 8,
            "original_max_position_embeddings": 80, "factor": 4.0}  # fmt: skip
    packed = PackedModel(build(BY_NAME["Phi-3, Phi-4"], rope_parameters=rope, original_max_position_embeddings=80))
    settled = settle(packed, "loop", LONGEST, CPU)
    assert settled.one_by_one
    assert "depends on its neighbours" in settled.reason
