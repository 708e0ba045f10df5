"""Whether bf16 is fast here is answered once, whichever instructions the CPU has."""

import pytest
import torch

from llimba.models.device import cpu_has_bf16, inference_precision


@pytest.mark.parametrize(
    ("avx512", "amx", "expected"), [(True, False, "bf16"), (False, True, "bf16"), (False, False, "fp32")]
)
def test_either_instruction_set_will_do(
    monkeypatch: pytest.MonkeyPatch, avx512: bool, amx: bool, expected: str
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512, raising=False)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx, raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert cpu_has_bf16() == (avx512 or amx)
    assert inference_precision()[0] == expected
    assert "CPU" in inference_precision()[1]


def test_a_gpu_computes_in_bf16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert inference_precision() == ("bf16", "GPU")
