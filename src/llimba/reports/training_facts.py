"""What the training stages leave, as types: figures in their manifests, files beside them.

`cpt` and `sft` write these; cards, tables, sweeps and pages read them, and nobody else knows the names.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict

from llimba.files import Folder, Within, read_jsonl
from llimba.manifest import read_manifest
from llimba.recipe.resolved import ResolvedSettings

Row = dict[str, Any]  # of a JSON Lines file
HeldOutMetrics = list[dict[str, int | float]]  # a row an evaluation: "step", and bits per byte by language


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True)


class Trainable(_Facts):
    """What trained, in parameters."""

    parameters: int
    trained: int
    adapter: int
    embedding_trains: bool
    head_trains: bool
    tied: bool


class Interpolation(_Facts):
    """Where the weights were put between those before and after training: 0 to 1."""

    weight: float
    reason: str
    table: list[dict[str, float]] = []  # "weight", and bits per byte by language
    num_bytes: dict[str, int] = {}  # by language, what the table is measured on
    text: str = ""  # which text that is


class Gap(_Facts):
    """Losses at the end, in nats a supervised token, of trained and of set-aside conversations."""

    train: float | None
    held_out: float | None
    gap: float | None
    conversations: tuple[int, int]


class MergeProof(_Facts):
    """How near a merged model is to its adapter."""

    logits_error: float  # root mean square
    logits_allowed: float
    adapter_effect: float
    answers: int
    answers_identical: int
    answers_parted_at_a_near_tie: int
    tensors_untouched: int
    tied_embeddings: bool
    dtype: str


class MemoryPeak(_Facts):
    """GiB at the peak."""

    predicted: float
    measured_peak: float


class Differences(_Facts):
    """Ours against the model's own forward: states in standard deviations, loss and gradient relative."""

    tokens: int  # of the document that was compared
    states: float
    loss: float
    gradient: float
    packed: float  # a document in a row against the same one alone
    neighbour_changed: float  # the largest difference


class Forward(_Facts):
    """How rows are computed, why, and the proof."""

    one_by_one: bool  # a call a document, else a call a row
    reason: str
    differences: Differences


class TrainingFacts(_Facts):
    """The facts of a training stage's manifest."""

    steps: int
    examples: int
    loss_tokens: int
    data_order: str  # digest of what was read in which order
    first_loss: float  # nats a loss token
    last_loss: float  # mean of the last tenth of the steps
    skipped_steps: int  # loss or gradient not finite
    resumed_at_step: int
    tokens_per_second: float | None  # loss tokens; None where nothing was left to train
    training_seconds: float  # of the steps, all sessions together
    rows_per_step: float
    tokens_per_row: float
    processes: int
    device: str
    settings: ResolvedSettings
    tokens: str  # the token contract, for people
    base_generation: dict[str, Any] = {}  # what the start's generation config shipped; none of it is used
    forward: Forward
    trainable: Trainable
    memory_gib: MemoryPeak
    held_out: HeldOutMetrics
    figures: dict[str, float]  # the objective's own, of the last step

    @property
    def gpu(self) -> bool:
        """Whether it trained on a GPU."""
        return self.device.startswith("cuda")


class CptFacts(TrainingFacts):
    """Of continued pretraining."""

    tokens_per_epoch: dict[str, int]  # by the mixture's keys
    phases: list[dict[str, int]]  # the same by phase
    own_answers: dict[str, int] | None = None
    interpolation: Interpolation | None = None


class SftFacts(TrainingFacts):
    """Of instruction and of preference tuning."""

    method: str
    policy: str  # full, or the adapter's kind
    conversations: int
    dropped_for_control_tokens: int
    cut_at_sequence_length: int | None = None  # None for preferences, as what follows
    one_example_an_answer: int | None = None  # conversations of several answers that one text cannot show as asked
    system_in_first_turn: bool | None = None  # the template takes no system message
    supervised_tokens_per_epoch: int | None = None
    supervised_tokens_a_row: tuple[int, int] | None = None  # least and most
    loss: Gap | None = None
    merge_proof: MergeProof | None = None
    interpolation: Interpolation | None = None


class TrainedFolder(Folder):
    """The folder of a training stage, under way or finished."""

    model = Within("model")  # a transformers folder
    checkpoints = Within("checkpoints")  # until the stage is finished
    adapter = Within("adapter")  # peft's, of the methods that have one
    metrics_file = Within("metrics.jsonl")  # a row an optimizer step
    held_out_metrics_file = Within("held_out_metrics.jsonl")  # a row an evaluation of held-out text
    samples_file = Within("samples.jsonl")  # a row a greedy continuation

    def metrics(self) -> list[Row]:
        """One row a step: `training.loop.Metrics`."""
        return list(read_jsonl(self.metrics_file))

    def held_out_metrics(self) -> HeldOutMetrics:
        """Bits per byte by language at every evaluation."""
        return list(read_jsonl(self.held_out_metrics_file))

    def facts(self) -> TrainingFacts | None:
        """What its manifest says; None where it is not finished."""
        manifest = read_manifest(self.path)
        return None if manifest is None else manifest.facts_as(TrainingFacts)
