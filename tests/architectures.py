"""Every family of base models that people name, as a tiny random model with its kinds of layers and windows.

Weights are drawn with a seed and then shaken, so that nothing that a class initialises to zero or one hides a fault.
"""

from typing import Any, NamedTuple

VOCABULARY = 320
WINDOW = 24
SMALL = {
    "vocab_size": VOCABULARY,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 1024,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
}
MIXED = ["sliding_attention", "full_attention"] * 2
EXPERTS = {"num_local_experts": 4, "num_experts_per_tok": 2}


class Family(NamedTuple):
    """One kind of base model."""

    name: str  # as people call it
    kind: str  # model_type of transformers
    changes: dict[str, Any]
    computed: str  # row: a call a row; document: a call a document


SLIDING = {"sliding_window": WINDOW, "layer_types": MIXED}
PER_LAYER = {
    "vocab_size_per_layer_input": VOCABULARY,
    "hidden_size_per_layer_input": 8,
    "final_logit_softcapping": 30.0,
}
LINEAR = {
    "layer_types": ["linear_attention", "full_attention"] * 2,
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "linear_key_head_dim": 16,
    "linear_value_head_dim": 16,
}
MAMBA = {"mamba_d_head": 16, "mamba_d_state": 16}

FAMILIES = (
    Family("Llama 3", "llama", {"rope_parameters": {"rope_type": "default", "rope_theta": 5e5}}, "row"),
    Family("EuroLLM, Salamandra", "llama", {"tie_word_embeddings": False}, "row"),
    Family("SmolLM2", "llama", {"tie_word_embeddings": True}, "row"),
    Family("Qwen2.5", "qwen2", {}, "row"),
    Family("Qwen3", "qwen3", {"head_dim": 16}, "row"),
    Family("SmolLM3", "smollm3", {"no_rope_layers": [1, 1, 1, 0]}, "row"),
    Family("Mistral", "mistral", {"sliding_window": WINDOW}, "row"),
    Family("Ministral", "ministral", {**SLIDING, "head_dim": 16}, "row"),
    Family("Ministral 3", "ministral3", {"sliding_window": WINDOW, "head_dim": 16}, "row"),
    Family("Phi-2", "phi", {}, "row"),
    Family("Phi-3, Phi-4", "phi3", {"sliding_window": WINDOW}, "row"),
    Family("Gemma 2", "gemma2", {**SLIDING, "head_dim": 16}, "row"),
    Family("Gemma 3", "gemma3_text", {**SLIDING, "head_dim": 16}, "row"),
    Family("Gemma 4", "gemma4_text", {**SLIDING, **PER_LAYER, "num_kv_shared_layers": 0}, "row"),
    Family("Gemma 4 E2B", "gemma4_text", {**SLIDING, **PER_LAYER, "num_kv_shared_layers": 2}, "row"),
    Family("Cohere 2, Tiny Aya", "cohere2", {**SLIDING, "logit_scale": 0.25}, "row"),
    Family("Granite 3", "granite", {"logits_scaling": 8.0, "residual_multiplier": 0.22}, "row"),
    Family("OLMo 2", "olmo2", {}, "row"),
    Family("OLMo 3", "olmo3", SLIDING, "row"),
    Family("Apertus", "apertus", {}, "row"),
    Family("Starcoder 2", "starcoder2", {"sliding_window": WINDOW}, "row"),
    Family("Exaone 4", "exaone4", SLIDING, "row"),
    Family("Mixtral", "mixtral", {"sliding_window": WINDOW, **EXPERTS}, "row"),
    Family("gpt-oss", "gpt_oss", {**SLIDING, "head_dim": 16, **EXPERTS}, "row"),
    Family("GPT-2", "gpt2", {"n_positions": 1024, "n_embd": 64, "n_layer": 4, "n_head": 4}, "row"),
    Family("BLOOM", "bloom", {"n_head": 4, "n_layer": 4}, "document"),
    Family("Falcon with ALiBi", "falcon", {"alibi": True}, "document"),
    Family("Qwen3.5", "qwen3_5_text", LINEAR, "document"),
    Family("LFM2", "lfm2", {"layer_types": ["conv", "full_attention"] * 2}, "document"),
    Family("Granite 4", "granitemoehybrid", {"layer_types": ["mamba", "attention"] * 2, "mamba_n_heads": 8, **MAMBA,
           "shared_intermediate_size": 64, **EXPERTS}, "document"),
    Family("Falcon-H1", "falcon_h1", {"mamba_d_ssm": 64, "mamba_n_heads": 4, **MAMBA, "head_dim": 16}, "document"),
)  # fmt: skip


class Refused(NamedTuple):
    """A kind of model that is not trained on, and how its refusal begins."""

    name: str
    kind: str
    changes: dict[str, Any]
    why: str


REFUSED = (
    Refused(
        "BERT as a decoder", "bert", {**SMALL, "is_decoder": True},
        "its own logits are not those that its output embedding gives: something between hidden states and logits is "
        "missing",
    ),
    Refused(
        "XLNet", "xlnet",
        {"vocab_size": VOCABULARY, "d_model": 64, "n_layer": 2, "n_head": 4, "d_inner": 96, "initializer_range": 0.5},
        "is no causal model: a token changes what comes before it",
    ),
)  # fmt: skip


def build(family: Family, **changes: Any) -> Any:
    """The tiny model, fp32, with its class's own attention."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(0)
    config = AutoConfig.for_model(family.kind, **{**SMALL, **family.changes, **changes})
    kind = AutoModelForCausalLM._model_mapping[type(config)]
    model = kind._from_config(config, attn_implementation="sdpa" if kind._supports_sdpa else "eager").float()
    shaken = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=shaken) * 0.05)
    return model
