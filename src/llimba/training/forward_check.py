"""Proof, before the first step, that what is trained is the model itself: its own forward, and no document's neighbour.

`settle` runs one document through the forward that the model's authors wrote and through ours, on the real weights,
dtype and attention backend, and compares hidden states, loss and the gradient of a few parameters. The document is
longer than every window, chunk and convolution of the model that a training document can reach. Then it packs the
document beside others and changes one of them. A model that computes something else when packed (a recurrence, a
convolution, rotary scaling by length) is trained with one call a document; one whose loss or own forward cannot be
reproduced is refused, by the name of what differs.

Why not trust the architecture's name: the model classes of transformers are many, change, and hand windows, soft caps
and states over in different ways; what counts is what they compute.
"""

import inspect
import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from llimba.errors import StageError
from llimba.reports.training_facts import Differences, Forward
from llimba.training.examples import IGNORED, Example
from llimba.training.loss import LogitRule
from llimba.training.model import PackedModel, plain, without_dropout
from llimba.training.packing import to_row

logger = logging.getLogger(__name__)

SHORT = 64  # tokens of a neighbour; the document has four times as many, or what the model's windows ask for
SCORED = 128  # positions at the document's end whose loss is compared: full logits are made of these only
NUM_PARAMETERS = 4  # whose gradient is compared
# Root mean square of the difference of hidden states in standard deviations; relative difference of loss and gradient.
# Correct bf16 kernels and row shapes differ by 0.013 to 0.042 SD on SmolLM2-135M, an ignored window by 0.8 to 1.0.
STATES = {torch.float32: 1e-3, torch.bfloat16: 0.15}
LOSS = {torch.float32: 1e-4, torch.bfloat16: 1e-2}
GRADIENT = {torch.float32: 1e-3, torch.bfloat16: 0.15}
LEAK = 1e-3  # changing a neighbour may move a document by nothing but a non-deterministic kernel's last bit, in SD
REACH = (  # config keys that say how far back a layer looks, or from which length on positions are scaled
    "sliding_window", "attention_window_size", "attention_chunk_size", "mamba_chunk_size", "chunk_size",
    "original_max_position_embeddings", "max_position_embeddings", "n_positions",
)  # fmt: skip
SCALES = ("logit_scale", "logits_scaling", "output_multiplier")  # as transformers' configs call a factor of the logits
SOFT_CAPS = ("final_logit_softcapping", "softcap")
NOT_TRAINABLE = (TypeError, ValueError, RuntimeError, IndexError, KeyError, AttributeError)


class _Own(NamedTuple):
    """What the model's own forward gives for one document."""

    document: Example
    states: torch.Tensor  # [n, H], fp32
    loss: float
    gradients: "_Gradients"


def settle(packed: PackedModel, backend: str, longest: int, device: torch.device) -> Forward:
    """Decide how rows are computed, install it in `packed`, and prove it.

    `longest`: tokens of the longest training document. Leaves the model in training mode and its dropout as it was;
    draws nothing from the global random state. Raises `StageError` where neither a call a row nor a call a document
    computes what the model's own forward does.
    """
    dropped = without_dropout(packed.model)
    try:
        packed.logit_rule = _logit_rule(packed, device)
        own = _own_forward(packed, reference_length(packed, longest, device), device)
        found, fault = None, ""
        try:
            packed.compute_rows(backend)
            found = _compare(packed, own, device)
            fault = _fault(found, packed, own, device)
        except NOT_TRAINABLE as error:
            fault = f"a row of documents cannot be computed ({type(error).__name__}: {error})"
        if found is not None and not fault:
            return Forward(
                one_by_one=False, reason="a call a row gives what the model's own forward gives", differences=found
            )
        packed.compute_documents()
        found = _compare(packed, own, device)
        if still := _fault(found, packed, own, device):
            raise StageError(f"{_kind(packed)}: {still}. Nothing was trained. Choose another base model.")
        logger.warning("%s: one call a document, since packed %s", _kind(packed), fault)
        return Forward(one_by_one=True, reason=f"one call a document: packed {fault}", differences=found)
    finally:
        for module, name, value in dropped:
            setattr(module, name, value)
        packed.train()


def reference_length(packed: PackedModel, longest: int, device: torch.device) -> int:
    """Tokens of the document that is compared: the longest there is; on a CPU as few as pass every window."""
    if device.type == "cuda":
        return longest
    config: Any = plain(packed.model).config.get_text_config()
    rope = getattr(config, "rope_parameters", None) or {}
    said = [getattr(config, key, None) for key in REACH]
    said += [part.get(key) for part in (rope, *rope.values()) if isinstance(part, dict) for key in REACH]
    reached = [value + SHORT for value in said if isinstance(value, int) and 0 < value < longest]
    return min(longest, max([4 * SHORT, *reached]))


def _compare(packed: PackedModel, own: _Own, device: torch.device) -> Differences:
    """Our forward against the model's own: alone, and in rows with a neighbour before and after."""
    first, other = (_random_document(packed, SHORT, seed) for seed in (2, 3))
    size = len(own.document.input_ids)
    packed.train()
    with torch.enable_grad():
        loss = packed(to_row([_scored_at_the_end(own.document)]).to(device))
        ours = _Gradients.of(loss, packed)
    packed.eval()
    with torch.no_grad():
        alone, neighbour = _states(packed, [own.document], device), _states(packed, [first], device)
        after, after_other = (_states(packed, [one, own.document], device)[-size:] for one in (first, other))
        followed = _states(packed, [own.document, first], device)[size:]
    return Differences(
        tokens=size,
        states=_distance(alone, own.states, own),
        loss=abs(loss.item() - own.loss) / max(abs(own.loss), 1e-9),
        gradient=ours.distance(own.gradients),
        packed=max(_distance(after, alone, own), _distance(followed, neighbour, own)),
        neighbour_changed=(after - after_other).abs().max().item() / _spread(own),
    )


def _fault(found: Differences, packed: PackedModel, own: _Own, device: torch.device) -> str:
    """What is wrong, by name; "" where everything is within the tolerance of the dtype."""
    dtype = _dtype(packed, device)
    if not found.states <= STATES[dtype]:
        where = _first_difference(packed, own.document, device)
        return f"{where} does not give what the model's own forward gives (off by {found.states:.2g} SD)"
    if not found.loss <= LOSS[dtype]:
        return f"the loss is off by {found.loss:.2g}: {_logits_differ(packed, own.document, device)}"
    if not found.gradient <= GRADIENT[dtype]:
        return f"the gradient is off by {found.gradient:.2g}"
    if not found.packed <= STATES[dtype] or not found.neighbour_changed <= LEAK:
        where = _first_difference(packed, own.document, device, after=_random_document(packed, SHORT, 2))
        return (
            f"a document's result depends on its neighbours in the row, from {where} on (off by "
            f"{max(found.packed, found.neighbour_changed):.2g} SD)"
        )
    return ""


def _own_forward(packed: PackedModel, length: int, device: torch.device) -> _Own:
    """The model's own forward and backward; raises `StageError` where it fails, looks ahead or is noisy in training."""
    document = _random_document(packed, length, seed=0)
    packed.compute_documents()
    try:
        packed.eval()
        with torch.no_grad():
            states = _states(packed, [document], device)
            changed = document.input_ids.copy()
            changed[-1] = (changed[-1] + 1) % _vocabulary(packed)
            ahead = _states(packed, [replace(document, input_ids=changed)], device)
        packed.train()
        with torch.no_grad():
            trained = _states(packed, [document], device)
        with torch.enable_grad():
            logits = _own_logits(packed, document, device, keep=min(SCORED, length)).float()
            labels = torch.from_numpy(document.labels.astype(np.int64)).to(device)[-len(logits) :]
            loss = F.cross_entropy(logits, labels, reduction="sum")
            gradients = _Gradients.of(loss, packed)
    except NOT_TRAINABLE as error:
        raise StageError(
            f"{_kind(packed)}: its own forward fails on {length} tokens ({type(error).__name__}: {error}). Lower "
            "sequence_length, or choose another base model."
        ) from error
    own = _Own(document, states, loss.item(), gradients)
    tolerance = STATES[_dtype(packed, device)]
    if not _distance(ahead[:-1], states[:-1], own) <= tolerance:
        raise StageError(f"{_kind(packed)} is no causal model: a token changes what comes before it. Choose another.")
    if not _distance(trained, states, own) <= tolerance:
        raise StageError(
            f"{_kind(packed)}: dropout or other noise is on in training and cannot be switched off. Choose another."
        )
    return own


@torch.no_grad()
def _logit_rule(packed: PackedModel, device: torch.device) -> LogitRule:
    """What the model does to the logits of its output embedding: found among what its config names, by trying."""
    document, config = _random_document(packed, SHORT, seed=1), plain(packed.model).config.get_text_config()
    packed.compute_documents()
    packed.eval()
    try:
        raw, own = _raw_logits(packed, document, device), _own_logits(packed, document, device).float()
    except NOT_TRAINABLE as error:
        raise StageError(
            f"{_kind(packed)}: its output embedding does not take its hidden states ({type(error).__name__}: {error}). "
            "Choose another base model."
        ) from error
    factors, caps = (
        [float(value) for key in keys if isinstance(value := getattr(config, key, None), int | float) and value]
        for keys in (SCALES, SOFT_CAPS)
    )
    scales = [1.0, *factors, *(1 / factor for factor in factors)]
    rules = list(dict.fromkeys(LogitRule(scale, cap) for scale in scales for cap in (None, *caps)))
    distances = [_rms(rule.apply(raw), own) for rule in rules]
    best = min(range(len(rules)), key=lambda place: distances[place])
    if not distances[best] <= STATES[_dtype(packed, device)] * (own.std().item() or 1.0):
        raise StageError(
            f"{_kind(packed)}: its own logits are not those that its output embedding gives: "
            f"{_explained(rules[best].apply(raw), own)}. Choose another base model."
        )
    return rules[best]


def _logits_differ(packed: PackedModel, document: Example, device: torch.device) -> str:
    """How our logits differ from the model's own, in words."""
    packed.eval()
    with torch.no_grad():
        ours = packed.logit_rule.apply(_raw_logits(packed, document, device))
        packed.compute_documents()
        return _explained(ours, _own_logits(packed, document, device).float())


def _explained(ours: torch.Tensor, own: torch.Tensor) -> str:
    """Scale, bias or soft cap: what would make the one the other."""
    close = 0.02 * (own.std().item() or 1.0)
    factor = ((ours * own).sum() / ours.pow(2).sum()).item()
    if _rms(factor * ours, own) < close:
        return f"a scale of the logits is missing ({factor:.3g})"
    if _rms(ours + (own - ours).mean(dim=0), own) < close:
        return "a bias of the output embedding is missing"
    if (own.abs() <= ours.abs() + close).all() and (own.sign() == ours.sign()).float().mean() > 0.99:
        return "a soft cap of the logits is missing"
    return "something between hidden states and logits is missing"


def _first_difference(
    packed: PackedModel, document: Example, device: torch.device, after: Example | None = None
) -> str:
    """The first layer whose result is not that of the model's own forward of the document alone, and its kind."""
    size, layers = len(document.input_ids), _layers(packed)
    with torch.no_grad():
        ours = _recorded(packed, layers, [document] if after is None else [after, document], device)
        packed.compute_documents()
        own = _recorded(packed, layers, [document], device)
    tolerance = STATES[_dtype(packed, device)]
    for place, (one, other) in enumerate(zip(ours, own, strict=False)):
        if not _rms(one[-size:], other[-size:]) <= tolerance * (other.std().item() or 1.0):
            return (
                "the embedding layer (positions)"
                if place == 0
                else f"layer {place - 1} ({_layer_kind(packed, place - 1)})"
            )
    return "what follows the last layer"


def _recorded(
    packed: PackedModel, layers: Sequence[nn.Module], documents: Sequence[Example], device: torch.device
) -> list[torch.Tensor]:
    """The input of the first layer and the output of every layer, [T, H] each."""
    found: list[torch.Tensor] = []

    def before(_module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        found.append(_tensor(args[0] if args else kwargs["hidden_states"]))

    def behind(_module: nn.Module, _args: Any, output: Any) -> None:
        found.append(_tensor(output))

    hooks = [layer.register_forward_hook(behind) for layer in layers]
    hooks += [layer.register_forward_pre_hook(before, with_kwargs=True) for layer in layers[:1]]
    try:
        packed.hidden_states(to_row(documents).to(device))
    finally:
        for hook in hooks:
            hook.remove()
    return found


def _tensor(value: Any) -> torch.Tensor:
    tensor: torch.Tensor = value[0] if isinstance(value, tuple) else value
    return tensor.detach().float().flatten(0, -2)


def _layers(packed: PackedModel) -> list[nn.Module]:
    """The decoder's layers: its first list of so many modules."""
    count = plain(packed.model).config.get_text_config().num_hidden_layers
    lists = (module for module in packed.decoder[0].modules() if isinstance(module, nn.ModuleList))
    return list(next((found for found in lists if len(found) == count), []))


def _layer_kind(packed: PackedModel, number: int) -> str:
    """What the config calls a layer, else the class of what mixes tokens in it."""
    config = plain(packed.model).config.get_text_config()
    kinds = getattr(config, "layer_types", None) or getattr(config, "layers_block_type", None)
    if kinds:
        return str(kinds[number])
    if getattr(config, "sliding_window", None):
        return "sliding_attention"
    return type(next(_layers(packed)[number].children())).__name__


def _own_logits(packed: PackedModel, document: Example, device: torch.device, keep: int | None = None) -> torch.Tensor:
    """The model's own logits [n, V] of a document, or of its last `keep` positions alone."""
    ids = torch.from_numpy(document.input_ids.astype(np.int64)).to(device)[None]
    model = plain(packed.model)
    # by signature, which sees through transformers' decorators; full logits of a long document are gigabytes
    only = {"logits_to_keep": keep} if keep and "logits_to_keep" in inspect.signature(model.forward).parameters else {}
    logits: torch.Tensor = model(input_ids=ids, use_cache=False, **only).logits[0]
    return logits[-keep:] if keep else logits


def _raw_logits(packed: PackedModel, document: Example, device: torch.device) -> torch.Tensor:
    """The output embedding's product with the hidden states of a document, [n, V] in fp32."""
    head, hidden = packed.head[0], packed.hidden_states(to_row([document]).to(device))
    return F.linear(hidden.to(head.weight.dtype), head.weight, head.bias).float()


def _states(packed: PackedModel, documents: Sequence[Example], device: torch.device) -> torch.Tensor:
    return packed.hidden_states(to_row(documents).to(device)).float()


class _Gradients(NamedTuple):
    """The norm of every trained parameter's gradient, and a few gradients whole, spread over the depth."""

    norms: torch.Tensor  # [parameters], fp32
    whole: list[torch.Tensor]

    @classmethod
    def of(cls, loss: torch.Tensor, packed: PackedModel) -> "_Gradients":
        """Zero for a parameter that the loss does not reach."""
        trained = [parameter for parameter in packed.parameters() if parameter.requires_grad]
        found = torch.autograd.grad(loss, trained, allow_unused=True)
        norms = torch.stack([loss.new_zeros(()) if g is None else g.detach().float().norm() for g in found])
        ends = {id(packed.head[0].weight), id(plain(packed.model).get_input_embeddings().weight)}  # large
        inner = [(p, g) for p, g in zip(trained, found, strict=True) if id(p) not in ends]
        places = {round(place * (len(inner) - 1) / (NUM_PARAMETERS - 1)) for place in range(NUM_PARAMETERS)}
        chosen = [inner[place] for place in sorted(places)] if inner else []
        return cls(norms, [torch.zeros_like(p) if g is None else g.float() for p, g in chosen])

    def distance(self, own: "_Gradients") -> float:
        """The largest relative difference: of the norms together, or of one of the gradients kept whole."""
        pairs = [(self.norms, own.norms), *zip(self.whole, own.whole, strict=True)]
        found = [(one - other).norm().item() / (other.norm().item() or 1.0) for one, other in pairs]
        lost = ((self.norms == 0) & (own.norms > 0)).any().item()  # a parameter that ours does not reach
        return 1.0 if lost else max(found)


def _scored_at_the_end(document: Example) -> Example:
    labels = document.labels.copy()
    labels[:-SCORED] = IGNORED
    return replace(document, labels=labels)


def _random_document(packed: PackedModel, length: int, seed: int) -> Example:
    ids = np.random.default_rng(seed).integers(0, _vocabulary(packed), length + 1).astype(np.int32)
    return Example("forward check", "", ids[:-1], ids[1:])


def _vocabulary(packed: PackedModel) -> int:
    return int(plain(packed.model).config.get_text_config().vocab_size)


def _dtype(packed: PackedModel, device: torch.device) -> torch.dtype:
    """The precision of the matrix products."""
    low = torch.is_autocast_enabled(device.type) or packed.head[0].weight.dtype != torch.float32
    return torch.bfloat16 if low else torch.float32


def _kind(packed: PackedModel) -> str:
    return type(plain(packed.model)).__name__


def _spread(own: _Own) -> float:
    return own.states.std().item() or 1.0


def _distance(one: torch.Tensor, other: torch.Tensor, own: _Own) -> float:
    return _rms(one, other) / _spread(own)


def _rms(one: torch.Tensor, other: torch.Tensor) -> float:
    """Of all positions, or of the last ones alone, which lie behind every window: the larger."""
    squares = (one - other).pow(2)
    return max(squares.mean().sqrt().item(), squares[-SHORT:].mean().sqrt().item())
