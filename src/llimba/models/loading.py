"""A model folder loaded for inference: scoring, translating, proving a merge, and use by people.

`publish` may have put two files next to the weights: `language.yaml`, the language profile that words the prompts, and
`identifier.safetensors`, which says what language an answer is in. Training loads models in `training/model.py`.
"""

from collections.abc import Sequence, Set
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from llimba.errors import LlimbaError, StageError
from llimba.files import read_json
from llimba.languages.profile import Language, load_language
from llimba.models.base_model import TokenContract, apply_contract, token_contract
from llimba.models.device import inference_precision
from llimba.models.encoding import Message, encode
from llimba.models.template import RENDERER, check_template
from llimba.recipe import Tokens

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from llimba.languages.identify.identifier import Identifier

PROFILE = "language.yaml"
IDENTIFIER = "identifier.safetensors"
CONTEXT = 4096  # where a config names no limit


class LoadedModel(NamedTuple):
    """A model ready to answer, its tokenizer and token contract."""

    folder: Path
    model: "PreTrainedModel"
    tokenizer: "PreTrainedTokenizerBase"
    contract: TokenContract
    context: int  # tokens of prompt and answer together
    language: Language | None = None
    identifier: "Identifier | None" = None

    def prompt(self, messages: Sequence[Message], max_new_tokens: int) -> list[int]:
        """Token ids to answer; raises `PromptTooLong` where they and the answer exceed the context."""
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


def load_tokenizer(folder: Path) -> "PreTrainedTokenizerBase":
    """The tokenizer of a model folder; raises `StageError` as `check_folder` does."""
    from transformers import AutoTokenizer

    check_folder(folder)
    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(folder)
    return tokenizer


def chat_tokenizer(folder: Path) -> "PreTrainedTokenizerBase":
    """The same for a folder from anybody: raises `StageError` too where its chat template is missing or hostile."""
    RENDERER.start()
    tokenizer = load_tokenizer(folder)
    check_template(folder, tokenizer)
    return tokenizer


def load_model(folder: Path, tokens: Tokens | None = None, dtype: "torch.dtype | None" = None) -> LoadedModel:
    """Load a folder for inference: on the GPU where there is one, in eval mode, with its token contract applied.

    `tokens` are a recipe's own. `dtype` None: bf16 where the machine multiplies in it, else fp32.
    """
    return _load(folder, load_tokenizer(folder), tokens, dtype)


def open_model(folder: Path, profile: str | None = None, tokens: Tokens | None = None) -> LoadedModel:
    """Load a folder from anybody to talk to, with the language profile and the identifier that are in it.

    `profile` names a language profile to use instead of the folder's. Raises `StageError` as `chat_tokenizer` does.
    """
    loaded = _load(folder, chat_tokenizer(folder), tokens, None)
    named = profile or (str(folder / PROFILE) if (folder / PROFILE).exists() else None)
    return loaded._replace(language=load_language(named) if named else None, identifier=_identifier(folder))


def never_loaded(folder: Path, names: Set[str]) -> set[str]:
    """Those of a folder's tensors that its model class has no place for: old buffers, heads for other uses."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    if not names:
        return set()
    with torch.device("meta"):
        outline = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(folder))
    return set(names) - set(outline.state_dict())


def _load(
    folder: Path, tokenizer: "PreTrainedTokenizerBase", tokens: Tokens | None, dtype: "torch.dtype | None"
) -> LoadedModel:
    import torch
    from transformers import AutoModelForCausalLM

    contract = token_contract(tokenizer, tokens or Tokens())
    if dtype is None:
        dtype = torch.bfloat16 if inference_precision()[0] == "bf16" else torch.float32
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).to(device).eval()
    apply_contract(model, tokenizer, contract)
    context = getattr(model.config.get_text_config(), "max_position_embeddings", None) or CONTEXT
    return LoadedModel(folder, model, tokenizer, contract, int(context))


def _identifier(folder: Path) -> "Identifier | None":
    if not (folder / IDENTIFIER).exists():
        return None
    from llimba.languages.identify.identifier import Identifier

    return Identifier.load(folder / IDENTIFIER)
