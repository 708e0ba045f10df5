"""Ollama's Modelfile for a GGUF: the file, the chat template in Ollama's language, what ends an answer.

Ollama reads templates in Go's language, so the Jinja template is not carried over but recognised: a model whose
template writes ChatML, with or without a system prompt of its own, gets ChatML; another is left to Ollama's detection.
"""

import re
from typing import TYPE_CHECKING

from llimba.models.encoding import chat_prompt

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

CHATML = """\
TEMPLATE \"\"\"{{- range .Messages }}<|im_start|>{{ .Role }}
{{ .Content }}<|im_end|>
{{ end }}<|im_start|>assistant
\"\"\"
"""
PROBE = [{"role": "system", "content": "S"}, {"role": "user", "content": "U"}]
RENDERED = "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nU<|im_end|>\n<|im_start|>assistant\n"


def modelfile(file: str, tokenizer: "PreTrainedTokenizerBase", stops: list[str]) -> str:
    """The text of a Modelfile next to the GGUF `file`; `stops` are the texts of the tokens that end an answer."""
    parts = [f"# ollama create NAME -f Modelfile && ollama run NAME\nFROM ./{file}\n"]
    if chat_prompt(PROBE, tokenizer) == RENDERED:
        parts.append(CHATML)
        if own := _own_system(tokenizer):
            parts.append(f'SYSTEM """{own}"""\n')
    else:
        parts.append(
            "# no ChatML: Ollama chooses a template by what the GGUF says; compare an answer with llimba chat's\n"
        )
    parts += [f'PARAMETER stop "{stop}"\n' for stop in stops]
    parts.append("PARAMETER temperature 0\n")
    return "".join(parts)


def _own_system(tokenizer: "PreTrainedTokenizerBase") -> str | None:
    """The system prompt that the template adds where a conversation has none."""
    rendered = chat_prompt(PROBE[1:], tokenizer)
    found = re.fullmatch(r"<\|im_start\|>system\n(.*?)<\|im_end\|>\n", rendered.partition("<|im_start|>user")[0], re.S)
    return found[1] if found else None
