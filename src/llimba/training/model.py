"""The model as the loop sees it: documents in a row go in, the sum of their losses comes out.

Loading, what trains, and saving as a plain transformers folder that anybody's `pipeline` reads.
"""

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import nn

from llimba.errors import StageError
from llimba.models.base_model import TokenContract, apply_contract, token_contract
from llimba.recipe import Tokens, TrainingSection
from llimba.recipe.resolved import ResolvedSettings
from llimba.reports.training_facts import Trainable
from llimba.training import attention
from llimba.training.loss import LogitRule, linear_cross_entropy, token_cross_entropy
from llimba.training.packing import Row
from llimba.training.settings import resolve_for

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

logger = logging.getLogger(__name__)

DTYPES = {"bf16": torch.bfloat16, "mixed": torch.float32, "fp32": torch.float32}
# by attribute; not router_jitter_noise, by which Phi-MoE routes in evaluation too
NOISE = re.compile("dropout|pdrop|layerdrop|^(input_)?jitter_noise$")


class PackedModel(nn.Module):
    """A causal language model whose forward is one row of packed documents to the sum of its losses.

    Hidden states meet the output embedding inside the chunked loss, so full logits never exist. One module with one
    forward, because that is what DDP, FSDP and autocast wrap. `forward_check.settle` decides before training
    whether a row is one call or one call a document, and what the model does to its logits.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        self.decoder = [_decoder(plain(model))]  # in a list: not registered a second time
        self.head = [plain(model).get_output_embeddings()]
        self._own_attention = own_attention(type(plain(model)))
        self.one_by_one = False  # a call a document, with the model's own attention
        self.logit_rule = LogitRule()
        if not isinstance(self.head[0], nn.Linear):
            raise StageError(
                f"{type(plain(model)).__name__}: its output embedding is a {type(self.head[0]).__name__}, which the "
                "chunked loss cannot use. Choose another base model, or leave lm_head out of target_modules."
            )

    def hidden_states(self, row: Row) -> torch.Tensor:
        """Last hidden states [T, H] of a row; no document sees another."""
        if self.one_by_one:
            bounds = row.cu_seqlens.tolist()
            calls = [self.decoder[0](input_ids=row.input_ids[:, a:b], use_cache=False) for a, b in pairwise(bounds)]
            return torch.cat([call.last_hidden_state[0] for call in calls])
        output = self.decoder[0](
            input_ids=row.input_ids,
            position_ids=row.position_ids,
            use_cache=False,
            cu_seq_lens_q=row.cu_seqlens,
            cu_seq_lens_k=row.cu_seqlens,
            max_length_q=row.max_seqlen,
            max_length_k=row.max_seqlen,
        )
        hidden: torch.Tensor = output.last_hidden_state[0]
        return hidden

    def forward(self, row: Row, by_token: bool = False) -> torch.Tensor:
        """Sum of the row's losses in nats, fp32 scalar; or each of them, fp32 [T], where gradients weigh them."""
        loss, head = token_cross_entropy if by_token else linear_cross_entropy, self.head[0]
        return loss(self.hidden_states(row), head.weight, row.labels[0], bias=head.bias, rule=self.logit_rule)

    def compute_rows(self, backend: str) -> None:
        """From now on a row is one call, with an attention of ours. Raises `StageError` as `attention.install` does."""
        self.one_by_one = False
        attention.install(plain(self.model), backend)

    def compute_documents(self) -> None:
        """From now on every document is a call of its own, with the attention of the model's authors."""
        self.one_by_one = True
        plain(self.model).set_attn_implementation(self._own_attention)

    @contextmanager
    def generating(self) -> Iterator[None]:
        """With the model's own attention for a while: ours has no cache."""
        model = plain(self.model)
        before = model.config._attn_implementation
        model.set_attn_implementation(self._own_attention)
        try:
            yield
        finally:
            model.set_attn_implementation(before)


def without_dropout(model: nn.Module) -> list[tuple[nn.Module, str, float]]:
    """Switch off dropout (and a router's noise) in a model's modules; returns module, attribute and value of each.

    What few documents say is hard enough to learn without noise. The config keeps what it says.
    """
    found = []
    for module in model.modules():
        names = ["p"] if isinstance(module, nn.Dropout) else [name for name in vars(module) if NOISE.search(name)]
        for name in names:
            value = getattr(module, name)
            if isinstance(value, float) and value > 0:
                setattr(module, name, 0.0)
                found.append((module, name, value))
    return found


class TrainableModel(NamedTuple):
    """A model ready to train, its tokenizer, token contract and resolved settings."""

    packed: "PackedModel"
    tokenizer: "PreTrainedTokenizerBase"
    contract: TokenContract
    resolved: ResolvedSettings
    shipped: Mapping[str, object] = MappingProxyType(
        {}
    )  # settings of the folder's own generation config; saved models have none

    @property
    def model(self) -> Any:
        """The transformers model, or the peft model around it."""
        return self.packed.model

    @property
    def autocast(self) -> bool:
        """Whether it computes in bf16 autocast over fp32 weights."""
        return self.resolved.precision.value == "mixed"


def open_for_training(folder: Path, settings: TrainingSection, tokens: Tokens) -> TrainableModel:
    """Load a transformers folder for training, weights in the dtype that the precision keeps them in."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    resolved = resolve_for(folder, settings)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    contract = token_contract(tokenizer, tokens)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=DTYPES[resolved.precision.value])
    if not settings.base_dropout and (dropped := {value for _, _, value in without_dropout(model)}):
        shown = ", ".join(f"{value:g}" for value in sorted(dropped))
        logger.info("the base model's own dropout (%s) is off; base_dropout: true keeps it", shown)
    shipped = apply_contract(model, tokenizer, contract)
    if settings.gradient_checkpointing:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    for name, (_, setting) in zip(ResolvedSettings.model_fields, resolved, strict=True):
        logger.info("%s: %s (%s)", name, setting.value, setting.reason)
    logger.info("tokens: %s", contract.reasons)
    if shipped:
        logger.info("generation settings of the model, not used: %s", ", ".join(f"{k} {v}" for k, v in shipped.items()))
    return TrainableModel(PackedModel(model.train()), tokenizer, contract, resolved, shipped)


def save_model(
    model: Any, tokenizer: "PreTrainedTokenizerBase", folder: Path, weights: dict[str, torch.Tensor] | None = None
) -> None:
    """Write a plain transformers folder: safetensors, tokenizer, chat template, generation config.

    `weights` stand in for those of a model whose own are sharded.
    """
    model.set_attn_implementation(own_attention(type(plain(model))))  # ours must not be in a config that others load
    model.save_pretrained(folder, state_dict=weights)
    tokenizer.save_pretrained(folder)


def trainable(model: nn.Module) -> Trainable:
    """What trains: parameter counts in all, by embedding, head and adapter.

    Everything trains, or the adapter and nothing else; raises `StageError` for anything in between.
    """
    parameters = list(model.named_parameters())
    trained = sum(p.numel() for _, p in parameters if p.requires_grad)
    adapter = sum(p.numel() for name, p in parameters if "lora_" in name)
    if trained != (adapter or sum(p.numel() for _, p in parameters)):
        frozen = next((name for name, p in parameters if p.requires_grad != (not adapter or "lora_" in name)), "")
        raise StageError(
            f"{trained:,} parameters train where {'the adapter only' if adapter else 'all of them'} should "
            f"({frozen} is the first that does not as it should). The base model was loaded with frozen weights, or "
            "an adapter's target_modules name layers that it does not have."
        )
    embedding = plain(model).get_input_embeddings().weight
    head = plain(model).get_output_embeddings().weight
    return Trainable(
        parameters=sum(p.numel() for _, p in parameters),
        trained=trained,
        adapter=adapter,
        embedding_trains=embedding.requires_grad,
        head_trains=head.requires_grad,
        tied=head is embedding,
    )


def own_attention(kind: type) -> str:
    """The attention that a model class computes with where nobody asks for another: sdpa, else eager."""
    return "sdpa" if getattr(kind, "_supports_sdpa", False) else "eager"


def _decoder(model: Any) -> Any:
    """What gives the last hidden states; some classes call their output embedding, or themselves, the decoder."""
    found = (model.get_decoder(), model.base_model, getattr(model, "model", None))
    return next(part for part in found if part is not None and part is not model and not isinstance(part, nn.Linear))


def plain(model: Any) -> Any:
    """The transformers model inside a peft model, or the model itself."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model
