"""Proof, before the first step, that no document sees another: on the real model, dtype and attention backend.

Three questions about a document B packed after a document A. Does our attention give what the model's own gives for B
alone? Does B in the row give what B alone gives? Does B stay the same when A changes? A packed run that fails any of
them is refused. It costs three short forward passes.
"""

import torch

from llimba.errors import StageError
from llimba.training import attention
from llimba.training.examples import Example
from llimba.training.model import PackedModel
from llimba.training.packing import to_row

LENGTH = 64  # tokens of each document; enough for several blocks of any kernel
TOLERANCE = {
    torch.float32: 1e-3,
    torch.bfloat16: 0.1,
}  # largest difference of hidden states, in standard deviations
LEAK_TOLERANCE = 1e-3  # changing A may move B by nothing but a non-deterministic kernel's last bit


def check(packed: PackedModel, backend: str, vocabulary_size: int, device: torch.device) -> dict[str, float]:
    """Measure the three differences, in standard deviations of the hidden states; raises `StageError` on a leak.

    Leaves the backend installed and the model in training mode; draws nothing from the global random state.
    """
    generator = torch.Generator().manual_seed(0)
    a, other, b = (_random_document(vocabulary_size, generator) for _ in range(3))
    model = packed.model.get_base_model() if hasattr(packed.model, "get_base_model") else packed.model
    packed.eval()
    with torch.no_grad():
        own = _states(packed, [b], device)
        attention.install(model, backend)
        alone = _states(packed, [b], device)
        after = _states(packed, [a, b], device)
        after_other = _states(packed, [other, b], device)
    packed.train()
    scale = own.std().item()
    low = torch.is_autocast_enabled(device.type) or packed.head[0].weight.dtype == torch.bfloat16
    tolerance = TOLERANCE[torch.bfloat16 if low else torch.float32]
    found = {
        "own_attention": (alone - own).abs().max().item() / scale,
        "packed_after_another": (after - alone).abs().max().item() / scale,
        "other_changed": (after_other - after).abs().max().item() / scale,
    }
    if found["own_attention"] > tolerance:
        raise StageError(
            f"attention: {backend} does not reproduce this model's own attention (difference "
            f"{found['own_attention']:.2g} "
            "standard deviations). Set attention: sdpa, or choose another base model."
        )
    if found["packed_after_another"] > tolerance or found["other_changed"] > LEAK_TOLERANCE:
        raise StageError(
            f"leak check: a document's result depends on its neighbour in the row (packed against alone "
            f"{found['packed_after_another']:.2g}, neighbour changed {found['other_changed']:.2g} standard deviations; "
            f"attention: {backend}). Nothing was trained. Set attention: sdpa, or packing: off."
        )
    return found


def _random_document(vocabulary_size: int, generator: torch.Generator) -> Example:
    ids = torch.randint(0, vocabulary_size, (LENGTH + 1,), generator=generator).numpy().astype("int32")
    return Example("leak check", "", ids[:-1], ids[1:])


def _states(packed: PackedModel, documents: list[Example], device: torch.device) -> torch.Tensor:
    """Hidden states [LENGTH, H] of the last document of a row."""
    return packed.hidden_states(to_row(documents).to(device))[-LENGTH:].float()
