"""The chunked loss equals plain cross-entropy, values and gradients."""

import pytest
import torch
from torch.nn import functional as F

from llimba.training.examples import IGNORED
from llimba.training.loss import linear_cross_entropy, token_cross_entropy


def case(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    hidden = torch.randn(37, 16, generator=generator, dtype=torch.float64).requires_grad_()
    weight = torch.randn(101, 16, generator=generator, dtype=torch.float64).requires_grad_()
    labels = torch.randint(0, 101, (37,), generator=generator)
    labels[[0, 5, 36]] = IGNORED
    return hidden, weight, labels


@pytest.mark.parametrize("chunk", [1, 7, 37, 512])
def test_value_and_gradients_equal_plain_cross_entropy(chunk: int) -> None:
    hidden, weight, labels = case()
    (linear_cross_entropy(hidden, weight, labels, chunk) / 34).backward()
    ours = hidden.grad, weight.grad
    hidden.grad = weight.grad = None
    plain = F.cross_entropy(hidden @ weight.T, labels, ignore_index=IGNORED, reduction="sum")
    (plain / 34).backward()
    assert linear_cross_entropy(hidden, weight, labels, chunk).item() == pytest.approx(plain.item(), rel=1e-6)
    for a, b in zip(ours, (hidden.grad, weight.grad), strict=True):
        assert torch.allclose(a, b, rtol=1e-5, atol=1e-7)  # softmax in fp32 by design


def test_frozen_weight_or_hidden_gets_no_gradient() -> None:
    hidden, weight, labels = case()
    linear_cross_entropy(hidden, weight.detach(), labels).backward()
    assert hidden.grad is not None
    linear_cross_entropy(hidden.detach(), weight, labels).backward()
    assert weight.grad is not None


def test_bf16_products_keep_the_sum_in_fp32() -> None:
    hidden, weight, labels = case()
    exact = linear_cross_entropy(hidden, weight, labels).item()
    rounded = linear_cross_entropy(hidden.bfloat16(), weight.bfloat16(), labels)
    assert rounded.dtype == torch.float32
    assert rounded.item() == pytest.approx(exact, rel=5e-3)


def test_tied_embeddings_get_both_gradients() -> None:
    torch.manual_seed(0)
    table = torch.nn.Embedding(50, 8)
    ids, labels = torch.tensor([1, 2, 3]), torch.tensor([2, 3, 4])
    linear_cross_entropy(table(ids), table.weight, labels).backward()
    ours = table.weight.grad.clone()
    table.weight.grad = None
    F.cross_entropy(table(ids) @ table.weight.T, labels, reduction="sum").backward()
    assert torch.allclose(ours, table.weight.grad, atol=1e-5)


def test_under_autocast_products_are_in_its_dtype_and_gradients_in_the_weights() -> None:
    hidden, weight, labels = case()
    results = []
    for autocast, dtype in ((True, torch.float32), (False, torch.bfloat16)):
        states, table = (tensor.detach().to(torch.bfloat16).to(dtype).requires_grad_() for tensor in (hidden, weight))
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
            loss = linear_cross_entropy(states, table, labels)
        loss.backward()
        assert (loss.dtype, states.grad.dtype, table.grad.dtype) == (torch.float32, dtype, dtype)
        results.append((loss.item(), states.grad, table.grad))
    (loss, states, table), (plain_loss, plain_states, plain_table) = results
    assert loss == plain_loss
    assert torch.equal(states.bfloat16(), plain_states)
    assert torch.allclose(table, plain_table.float(), rtol=1e-2, atol=1e-2)


def test_a_row_whose_labels_are_all_ignored_has_no_loss_and_no_gradient() -> None:
    hidden, weight, labels = case()
    loss = linear_cross_entropy(hidden, weight, torch.full_like(labels, IGNORED))
    loss.backward()
    assert loss.item() == 0
    assert not hidden.grad.any()
    assert not weight.grad.any()


@pytest.mark.parametrize("chunk", [1, 7, 37, 512])
def test_the_loss_of_each_token_and_its_gradients_equal_plain_cross_entropy(chunk: int) -> None:
    hidden, weight, labels = (tensor.float().detach() if tensor.is_floating_point() else tensor for tensor in case())
    weigh = torch.linspace(-1, 1, 37)
    found = []
    for chunked in (True, False):
        states, table = hidden.clone().requires_grad_(), weight.clone().requires_grad_()
        if chunked:
            losses = token_cross_entropy(states, table, labels, chunk)
        else:
            losses = F.cross_entropy(states @ table.T, labels, ignore_index=IGNORED, reduction="none")
        assert losses.shape == (37,)
        (losses * weigh).sum().backward()
        found.append((losses, states.grad, table.grad))
    for ours, plain in zip(*found, strict=True):
        assert torch.allclose(ours, plain, atol=1e-5)
    assert not found[0][0][[0, 5, 36]].any(), "ignored"
    halves = token_cross_entropy(hidden.bfloat16(), weight, labels, chunk)
    assert halves.dtype == torch.float32
    assert torch.allclose(halves, found[1][0], atol=0.2)
