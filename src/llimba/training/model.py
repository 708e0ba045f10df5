"""The model as the loop sees it: documents in a row go in, the sum of their losses comes out.

Loading, what trains, and saving as a plain transformers folder that anybody's `pipeline` reads.
"""

import logging
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from llimba.errors import StageError
from llimba.models.base_model import TokenContract, apply_contract, token_contract
from llimba.recipe import Tokens, TrainingSection
from llimba.recipe.resolved import ResolvedSettings
from llimba.reports.training_facts import Trainable
from llimba.training.loss import linear_cross_entropy, token_cross_entropy
from llimba.training.packing import Row
from llimba.training.settings import resolve_for

logger = logging.getLogger(__name__)

DTYPES = {"bf16": torch.bfloat16, "mixed": torch.float32, "fp32": torch.float32}
UNSUPPORTED = (
    "final_logit_softcapping",
    "logit_scale",
    "logits_scaling",
)  # the fused loss would leave these out


class PackedModel(nn.Module):
    """A causal language model whose forward is one row of packed documents to the sum of its losses.

    Hidden states meet the output embedding inside the chunked loss, so full logits never exist. One module with one
    forward, because that is what DDP, FSDP and autocast wrap.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        self.decoder = [_plain(model).get_decoder()]  # in a list: not registered a second time
        self.head = [_plain(model).get_output_embeddings()]
        check_supported(_plain(model))

    def hidden_states(self, row: Row) -> torch.Tensor:
        """Last hidden states [T, H] of a row; attention sees `cu_seqlens` and nothing else."""
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
        loss = token_cross_entropy if by_token else linear_cross_entropy
        return loss(self.hidden_states(row), self.head[0].weight, row.labels[0])


def check_supported(model: Any) -> None:
    """Refuse models whose arithmetic the engine does not reproduce; raises `StageError`."""
    config = model.config.get_text_config()
    kind = type(model).__name__
    if set_ones := [key for key in UNSUPPORTED if getattr(config, key, None) not in (None, 1, 1.0)]:
        raise StageError(f"{kind}: {set_ones[0]} is not supported by the chunked loss; choose another base model.")
    layers = set(getattr(config, "layer_types", None) or ["full_attention"])
    if layers != {"full_attention"}:
        raise StageError(
            f"{kind} has layers of type {', '.join(sorted(layers - {'full_attention'}))}, which look across document "
            "boundaries or carry state over them; llimba trains full-attention models only. Choose another base model."
        )
    if getattr(model.get_output_embeddings(), "bias", None) is not None:
        raise StageError(f"{kind}: an output embedding with a bias is not supported; choose another base model.")


class TrainableModel(NamedTuple):
    """A model ready to train, its tokenizer, token contract and resolved settings."""

    model: Any
    tokenizer: Any
    contract: TokenContract
    resolved: ResolvedSettings

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
    model = AutoModelForCausalLM.from_pretrained(
        folder, dtype=DTYPES[resolved.precision.value], attn_implementation="sdpa"
    )
    apply_contract(model, tokenizer, contract)
    if settings.gradient_checkpointing:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    for name, (_, setting) in zip(ResolvedSettings.model_fields, resolved, strict=True):
        logger.info("%s: %s (%s)", name, setting.value, setting.reason)
    logger.info("tokens: %s", contract.reasons)
    return TrainableModel(model.train(), tokenizer, contract, resolved)


def save_model(model: Any, tokenizer: Any, folder: Path, weights: dict[str, torch.Tensor] | None = None) -> None:
    """Write a plain transformers folder: safetensors, tokenizer, chat template, generation config.

    `weights` stand in for those of a model whose own are sharded.
    """
    model.set_attn_implementation("sdpa")  # ours must not be named in a config that others load
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
    embedding = _plain(model).get_input_embeddings().weight
    head = _plain(model).get_output_embeddings().weight
    return Trainable(
        parameters=sum(p.numel() for _, p in parameters),
        trained=trained,
        adapter=adapter,
        embedding_trains=embedding.requires_grad,
        head_trains=head.requires_grad,
        tied=head is embedding,
    )


def _plain(model: Any) -> Any:
    """The transformers model inside a peft model, or the model itself."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model
