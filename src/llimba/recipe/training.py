"""The engine's settings, and what `sft` adds to them; `cpt` has a file of its own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from llimba.data_files.faults import Fault
from llimba.recipe.section import Section, Whole, unknown

Weight = Annotated[float, Field(ge=0, le=1.5)]
TRACKERS = (
    "aim", "all", "clearml", "comet_ml", "dvclive", "mlflow", "swanlab", "tensorboard", "trackio", "wandb",
)  # fmt: skip
CHOOSING_BYTES = 20_000  # a language: what three digits of bits per byte need


class TrainingSection(Section):
    """What `cpt` and `sft` share: the engine's settings, under transformers' names."""

    # of what is read, in which order, and an adapter's start; default: the recipe's seed, which also draws what is held
    # out and scored: runs that are to be compared over seeds differ in this one
    seed: int | None = None
    sequence_length: int = Field(default=4096, gt=1)  # a longer document is split, every token kept
    # tokens of a packed row; default: sequence_length, on a CPU at most 1,024
    row_length: int | None = Field(default=None, gt=1)
    documents_per_step: int = Field(default=16, gt=0)  # per_device_train_batch_size x gradient_accumulation_steps
    tokens_per_step: int | None = Field(default=None, gt=0)  # a step's token budget, in place of documents_per_step
    num_train_epochs: float = Field(default=1.0, gt=0)
    max_steps: int | None = Field(default=None, gt=0)
    learning_rate: float = Field(default=5e-5, gt=0)
    lr_scheduler_type: Literal["cosine", "cosine_with_min_lr", "linear", "constant", "warmup_stable_decay"] = "cosine"
    warmup_steps: int = Field(default=0, ge=0)
    min_lr_ratio: float = Field(default=0.0, ge=0, lt=1)  # where the decay ends, as a share of learning_rate
    decay_share: float = Field(default=0.2, gt=0, le=1)  # warmup_stable_decay: the share of all steps that decays
    decay_type: Literal["linear", "cosine", "1-sqrt"] = "linear"  # warmup_stable_decay: how it does
    weight_decay: float = Field(default=0.0, ge=0)
    adam_beta1: float = Field(default=0.9, ge=0, lt=1)
    adam_beta2: float = Field(default=0.999, ge=0, lt=1)
    adam_epsilon: float = Field(default=1e-8, gt=0)
    max_grad_norm: float = Field(default=1.0, gt=0)
    precision: Literal["auto", "bf16", "mixed", "fp32"] = "auto"
    optimizer: Literal["auto", "adamw", "adamw_8bit", "paged_adamw_8bit"] = "auto"
    stochastic_rounding: bool | None = None  # of bf16 weights; default: where the optimizer can (adamw_8bit)
    gradient_checkpointing: bool = False
    base_dropout: bool = False  # keep the base model's own dropout (attention, residual), where its config has any
    packing: Literal["step-exact", "off", "leaky"] = "step-exact"  # off and leaky exist for ablations only
    attention: Literal["auto", "loop", "sdpa", "varlen", "flash_attention_2"] = "auto"
    # start + weight x (trained - start) when training is over; a list: the weight that a part of the corpus likes best
    interpolate: Weight | Annotated[list[Weight], Field(min_length=1)] | None = None
    interpolate_tolerance: float = Field(default=0.03, ge=0)  # how much worse than the start another language may get
    # of each language's documents, left out of cpt to choose weights by; default: 20,000 where interpolate is a list
    choose_max_bytes: int | None = Field(default=None, ge=0)
    # how a run is watched and saved decides nothing about its result, so it stays out of the fingerprint
    save_minutes: float = Field(default=15.0, gt=0, exclude=True)
    # between evaluations of held-out text; default: 5 evaluations a run
    eval_steps: int | None = Field(default=None, gt=0, exclude=True)
    eval_max_bytes: int = Field(default=4000, ge=0, exclude=True)  # of held-out text a language; 0: no evaluation
    num_samples: int = Field(default=2, ge=0, exclude=True)  # greedy continuations at every evaluation
    report_to: list[str] = Field(default=["tensorboard"], exclude=True)  # accelerate's trackers, by name

    def check(self, whole: Whole) -> Iterator[Fault]:
        """Trackers are accelerate's: what it would not know it leaves out in silence."""
        yield from unknown("report_to", self.report_to, TRACKERS, "tracker")

    @property
    def choosing_bytes(self) -> int:
        """`choose_max_bytes`, or what it is where the recipe is silent."""
        if self.choose_max_bytes is not None:
            return self.choose_max_bytes
        return CHOOSING_BYTES if isinstance(self.interpolate, list) else 0

    @model_validator(mode="after")
    def _settings_agree(self) -> Self:
        if self.stochastic_rounding and self.optimizer in ("adamw", "paged_adamw_8bit"):
            raise ValueError(f"stochastic_rounding needs optimizer: adamw_8bit ({self.optimizer} rounds to nearest)")
        ends = ("cosine_with_min_lr", "warmup_stable_decay")
        if self.min_lr_ratio and self.lr_scheduler_type not in ends:
            raise ValueError(f"min_lr_ratio needs lr_scheduler_type: {' or '.join(ends)}")
        return self

    @field_validator("packing", mode="before")
    @classmethod
    def _yaml_switch(cls, value: Any) -> Any:
        """YAML reads on and off as booleans."""
        return {True: "step-exact", False: "off"}.get(value, value) if isinstance(value, bool) else value


class SftSection(TrainingSection):
    """Instruction tuning on conversations, loss on the assistant's tokens only; or preference tuning."""

    method: Literal["full", "lora", "rslora", "dora", "dpo", "orpo"] = "full"
    lora_r: int = Field(default=64, gt=0)
    lora_alpha: int = Field(default=64, gt=0)
    lora_dropout: float = Field(default=0.0, ge=0, lt=1)
    target_modules: list[str] = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    adapter: Path | None = None  # a peft adapter to go on from, in place of a new one
    held_out_share: float = Field(default=0.0, ge=0, lt=1)  # of the conversations, set aside for the gap to the trained
    beta: float = Field(default=0.1, gt=0)  # dpo: how near to the reference; orpo: weight of the odds ratio
    policy: Literal["full", "lora", "rslora", "dora"] = "lora"  # what dpo and orpo train

    @property
    def prefers(self) -> bool:
        """Whether it trains on answers preferred over others."""
        return self.method in ("dpo", "orpo")

    @property
    def adapter_kind(self) -> str | None:
        """lora, rslora or dora; None where everything trains."""
        kind = self.policy if self.prefers else self.method
        return None if kind == "full" else kind

    @model_validator(mode="after")
    def _method_agrees(self) -> Self:
        if self.prefers and self.packing == "leaky":
            raise ValueError(f"packing: leaky cuts text anywhere, and method: {self.method} needs whole answers")
        if self.adapter is not None and self.adapter_kind is None:
            raise ValueError("adapter continues an adapter: set method (or policy) to lora, rslora or dora")
        return self

    def check(self, whole: Whole) -> Iterator[Fault]:
        """To choose among weights, there is text that training has not read."""
        yield from super().check(whole)
        if isinstance(self.interpolate, list) and not (
            whole.cpt_choosing_bytes if whole.has_cpt else self.choosing_bytes
        ):
            yield Fault(
                ("interpolate",),
                "to choose among weights needs text that training has not read: set "
                f"{'cpt' if whole.has_cpt else 'sft'}.choose_max_bytes: 20000, or name one weight",
            )
