"""Every backend that this machine has agrees with the oracle; packed gradients are those of documents one by one."""

from typing import Any

import pytest
import torch

from llimba.errors import StageError
from llimba.training import attention, leak_check
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


@pytest.mark.parametrize("backend", ["loop", "sdpa"])
@pytest.mark.parametrize("checkpointing", [False, True])
def test_packed_gradients_equal_documents_one_by_one(backend: str, checkpointing: bool) -> None:
    generator = torch.Generator().manual_seed(1)
    documents = [leak_check._random_document(256, generator) for _ in range(3)]

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
