"""Tokenizers of the four kinds that base models come with, small and trained on the tests' own sentences.

What differs: whether a text begins with BOS, what ends an answer, whether a system message is allowed, whether a space
belongs to the word after it, and whether earlier turns are rewritten.
"""

from typing import Any, NamedTuple

from tests.chat_templates import FAMILIES
from tests.fakes import SENTENCES

ALTERNATES = (
    "{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
)
GEMMA = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}"
    "{% endif %}{% for m in messages %}" + ALTERNATES + "{{ '<start_of_turn>' + ('model' if m['role'] == 'assistant' "
    "else m['role']) + '\\n' + m['content'] | trim + '<end_of_turn>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif %}"
)
MISTRAL = (
    "{{ bos_token }}{% for m in messages %}" + ALTERNATES + "{% if m['role'] == 'user' %}"
    "{{ '[INST] ' + m['content'] + ' [/INST] ' }}{% else %}{{ m['content'] + eos_token + ' ' }}{% endif %}{% endfor %}"
)
QWEN3 = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + "
    "'\\n' }}{% if m['role'] == 'assistant' and loop.last %}{{ '<think>\\n\\n</think>\\n\\n' }}{% endif %}"
    "{{ m['content'] + '<|im_end|>\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}"
    "{% if enable_thinking is defined and enable_thinking is false %}{{ '<think>\\n\\n</think>\\n\\n' }}{% endif %}"
    "{% endif %}"
)


class Kind(NamedTuple):
    """What a tokenizer is made of, and what llimba should find out about it."""

    model: str  # of tests/architectures.py
    special: list[str]
    template: str
    bos: str | None
    eos: str  # the tokenizer's own
    pad: str
    end: str  # of an answer
    metaspace: bool = False
    added: tuple[str, ...] = ()  # not special


KINDS = {
    "Llama 3": Kind(
        "Llama 3",
        FAMILIES["Llama-3"].tokens,
        FAMILIES["Llama-3"].template,
        "<|begin_of_text|>",
        "<|end_of_text|>",
        "<|finetune_right_pad_id|>",
        "<|eot_id|>",
    ),
    "Gemma": Kind(
        "Gemma 2", ["<pad>", "<eos>", "<bos>", "<start_of_turn>", "<end_of_turn>"], GEMMA, "<bos>", "<eos>", "<pad>",
        "<end_of_turn>", metaspace=True, added=("</s>",),  # HTML, to Gemma
    ),
    "Mistral": Kind("Mistral", ["<pad>", "<s>", "</s>"], MISTRAL, "<s>", "</s>", "<pad>", "</s>", metaspace=True),
    "Qwen3": Kind(
        "Qwen3", ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|fim_pad|>"], QWEN3, None, "<|endoftext|>",
        "<|fim_pad|>", "<|im_end|>", added=("<think>", "</think>"),
    ),
}  # fmt: skip


def kind_tokenizer(name: str, template: str | None = None) -> Any:
    """The tokenizer of a kind (with another template)."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    kind = KINDS[name]
    inner = Tokenizer(models.BPE())
    if kind.metaspace:
        scheme = "first" if name == "Mistral" else "never"
        inner.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme=scheme)
        inner.decoder = decoders.Metaspace(replacement="▁", prepend_scheme=scheme)
        texts = [text for sentences in SENTENCES.values() for text in sentences]
        alphabet = sorted({*map(chr, range(33, 127)), "\n", "▁", *"".join(texts), *"«»–’"} - {" "})
    else:
        inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        inner.decoder = decoders.ByteLevel()
        texts, alphabet = [], pre_tokenizers.ByteLevel.alphabet()
    inner.train_from_iterator(
        [text for text in texts for _ in range(3)],
        trainers.BpeTrainer(vocab_size=300, special_tokens=kind.special, initial_alphabet=alphabet),
    )
    inner.add_tokens([AddedToken(token, special=False, normalized=False) for token in kind.added])
    if kind.bos:
        bos = (kind.bos, inner.token_to_id(kind.bos))
        inner.post_processor = processors.TemplateProcessing(single=f"{kind.bos} $A", special_tokens=[bos])
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, bos_token=kind.bos, eos_token=kind.eos, pad_token=kind.pad,
        chat_template=template or kind.template,
    )  # fmt: skip
