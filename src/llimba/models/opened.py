"""A model folder opened to be talked to: model, tokenizer, and what `publish` laid beside them.

Beside the weights may lie `language.yaml`, the language profile that words the prompts, and `identifier.safetensors`,
which says what language an answer is in.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from llimba.errors import LlimbaError, StageError
from llimba.files import read_json
from llimba.languages.profile import Language, load_language
from llimba.models.base_model import TokenContract, apply_contract, token_contract
from llimba.models.device import inference_precision
from llimba.models.encoding import Message, encode
from llimba.models.template import check_template
from llimba.recipe import Tokens

if TYPE_CHECKING:
    from llimba.languages.identify.identifier import Identifier

PROFILE = "language.yaml"
IDENTIFIER = "identifier.safetensors"
CONTEXT = 4096  # where a config names no limit


class Opened(NamedTuple):
    """One model ready to answer."""

    folder: Path
    model: Any
    tokenizer: Any
    contract: TokenContract
    context: int  # tokens of prompt and answer together
    language: Language | None
    identifier: "Identifier | None"

    def prompt(self, messages: Sequence[Message], max_new_tokens: int) -> list[int]:
        """Token ids to answer; raises `PromptTooLong` where the answer would not fit beside them."""
        if max_new_tokens >= self.context:
            raise LlimbaError(f"{max_new_tokens} new tokens do not fit a context of {self.context}; ask for fewer.")
        return encode(messages, self.tokenizer, self.context - max_new_tokens)

    def language_of(self, text: str) -> str | None:
        """The code of a text's language, "other" where it is none of those known; None without identifier."""
        if self.identifier is None or self.language is None or not text.strip():
            return None
        return self.identifier.label(text).language

    def name_of(self, code: str, in_language: str = "en") -> str:
        """What a language is called in another, else in English, else its code."""
        names = self.language.names.get(code, {}) if self.language else {}
        return names.get(in_language) or names.get("en") or code


def check_folder(folder: Path) -> None:
    """Raise `StageError` where this is no model folder, or one that asks to run code of its own."""
    if not (folder / "config.json").exists():
        raise StageError(
            f"{folder} holds no config.json, so it is no model folder. Give one, or a recipe that was run."
        )
    for name in ("config.json", "tokenizer_config.json"):
        if (folder / name).exists() and "auto_map" in read_json(folder / name):
            raise StageError(f"{folder}/{name} asks to run code of its own (auto_map); llimba runs no remote code.")


def open_model(folder: Path, profile: str | None = None, tokens: Tokens | None = None) -> Opened:
    """Open a folder; `profile` names a language profile to use instead of the one in it, `tokens` a recipe's own."""
    check_folder(folder)
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    check_template(folder, tokenizer)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    dtype = torch.bfloat16 if inference_precision()[0] == "bf16" else torch.float32
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, attn_implementation="sdpa").to(device).eval()
    contract = token_contract(tokenizer, tokens or Tokens())
    apply_contract(model, tokenizer, contract)
    context = getattr(model.config.get_text_config(), "max_position_embeddings", None) or CONTEXT
    named = profile or (str(folder / PROFILE) if (folder / PROFILE).exists() else None)
    language = load_language(named) if named else None
    return Opened(folder, model, tokenizer, contract, int(context), language, _identifier(folder))


def _identifier(folder: Path) -> "Identifier | None":
    if not (folder / IDENTIFIER).exists():
        return None
    from llimba.languages.identify.identifier import Identifier

    return Identifier.load(folder / IDENTIFIER)
