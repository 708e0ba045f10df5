"""The chat templates and control tokens of three model families, on byte tokenizers that need no download."""

from typing import Any, NamedTuple

# what Qwen2.5 and SmolLM2 write for a message
CHATML = "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
ASKS = "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
FIRST = (
    "{% if loop.first and messages[0]['role'] != 'system' %}"
    + "{{ '<|im_start|>system\\nDEFAULT<|im_end|>\\n' }}{% endif %}"
)


class Family(NamedTuple):
    """A model family as its tokenizer knows it, and the contract that llimba should settle on."""

    tokens: list[str]
    template: str
    eos: str  # the tokenizer's own
    pad: str  # the tokenizer's own
    bos: str | None
    separator: str
    chosen_pad: str


QWEN = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."
SMOL = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
FAMILIES = {
    "Qwen2.5": Family(
        ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|fim_pad|>"],
        "{% for message in messages %}" + FIRST.replace("DEFAULT", QWEN) + CHATML + "{% endfor %}" + ASKS,
        eos="<|im_end|>", pad="<|endoftext|>", bos=None, separator="<|endoftext|>", chosen_pad="<|fim_pad|>",
    ),
    "SmolLM2": Family(
        ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<empty_output>"],
        "{% for message in messages %}" + FIRST.replace("DEFAULT", SMOL) + CHATML + "{% endfor %}" + ASKS,
        eos="<|im_end|>", pad="<|im_end|>", bos="<|im_start|>", separator="<|endoftext|>", chosen_pad="<empty_output>",
    ),
    "Llama-3": Family(
        ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>",
         "<|finetune_right_pad_id|>"],
        "{% for message in messages %}"
        "{% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'"
        " + message['content'] | trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}{% set content = bos_token + content %}"
        "{% endif %}{{ content }}{% endfor %}{% if add_generation_prompt %}"
        "{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}",
        eos="<|eot_id|>", pad="<|eot_id|>", bos="<|begin_of_text|>", separator="<|end_of_text|>",
        chosen_pad="<|finetune_right_pad_id|>",
    ),
}  # fmt: skip

# ChatML whose template says itself what the assistant writes, without the EOS
MARKED = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' }}{% if message['role'] == 'assistant' %}"
    "{% generation %}{{ message['content'] }}{% endgeneration %}{% else %}{{ message['content'] }}{% endif %}"
    "{{ '<|im_end|>\\n' }}{% endfor %}" + ASKS
)


def tokenizer_of(family: str, template: str | None = None) -> Any:
    """A byte tokenizer with the family's control tokens and template (or another template)."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    about = FAMILIES[family]
    vocabulary = {character: index for index, character in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in about.tokens])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=about.bos, eos_token=about.eos, pad_token=about.pad,
        chat_template=template or about.template,
    )  # fmt: skip
