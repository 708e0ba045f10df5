"""What the corpus stage may do to the text."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from llimba.data_files.faults import Fault, shown
from llimba.recipe.section import Section, Whole, unknown

# what removes or rewrites text, and so contradicts `as_is`
CHANGES_TEXT = (
    "identify", "identifier", "trusted", "min_words", "exempt", "norms", "varieties", "near_duplicates",
    "repeated_lines", "boilerplate_documents",
)  # fmt: skip
TRUSTED = "LLIMBA_TRUST_EXECUTOR"  # in the environment: options of the executor that run commands are the person's own
PLAIN = re.compile(r"[\w.:,@+-]+")
OPTIONS = {
    *(
        "time",
        "partition",
        "qos",
        "cpus_per_task",
        "mem_per_cpu_gb",
        "gpus_per_task",
        "nodes_per_task",
        "tasks_per_job",
    ),
    *("max_array_size", "max_array_launch_parallel", "stagger_max_array_jobs", "randomize_start_duration", "requeue"),
    *("mail_type", "mail_user", "with_srun", "log_first"),
}


class Executor(Section):
    """Where the corpus pipelines run: this machine, or a cluster for crawls that outgrow it (datatrove's executors)."""

    kind: Literal["local", "slurm", "ray"] = "local"
    workers: int | None = Field(default=None, gt=0)  # shards at once; default: this machine's cores, on a cluster all
    options: dict[str, Any] = {}  # handed to datatrove's executor: slurm's partition, time, cpus_per_task ...

    def check(self, whole: Whole) -> Iterator[Fault]:
        """Options say how much and where, not what is run: they become lines of a shell script."""
        if os.environ.get(TRUSTED) == "1":
            return
        for key, value in self.options.items():
            if key not in OPTIONS:
                yield Fault(
                    ("options", key),
                    f"can run commands or write elsewhere, or is none of {', '.join(sorted(OPTIONS))}. If you trust "
                    f"this recipe as you would a program, set {TRUSTED}=1 in the environment",
                )
            elif not isinstance(value, int | float) and not (isinstance(value, str) and PLAIN.fullmatch(value)):
                yield Fault(("options", key), f"must be a number, a switch or a word (given: {shown(value)})")


class CorpusSection(Section):
    """Cleaning, duplicates, held-out split, decontamination. Thresholds of quality stand in the language profile."""

    # the text stays as its source gives it, byte for byte, but for evaluation sentences; `corpus: as_is` says the same
    as_is: bool = False
    # sources known to be in the languages that they declare: a close-language identifier learns from them, and takes
    # foreign lines out of every other document in the language to be learned
    identify: list[str] = []
    # more sources known to be good running text: rules of quality are loosened, never tightened, until the pages of
    # these and of the sources under `identify` pass
    trusted: list[str] = []
    identifier: Path | None = None  # a fastText model (GlotLID, lid.176) instead of one trained on those sources
    min_words: int = Field(default=3, ge=1)  # a document shorter than this is rejected
    exempt: list[str] = []  # sources that are no running text (interface strings, glossaries): no rules of quality
    norms: list[str] = []  # keep only documents of these written norms; empty: all
    varieties: list[str] = []  # the same for varieties
    near_duplicates: float | None = Field(default=0.7, gt=0, le=1)  # Jaccard of word 5-grams; null: left in
    repeated_lines: bool = True  # boilerplate leaves, and of a long line that several documents have one copy stays
    boilerplate_documents: int | None = Field(
        default=20, gt=1
    )  # of one source that have a line, before it counts as one
    held_out_pairs: float = Field(default=0.0, ge=0, lt=1)  # share of each training source's pairs to score on
    held_out_documents: float = Field(default=0.0, ge=0, lt=1)  # share of target-language documents set aside
    min_held_out_words: int = Field(default=5, ge=1)  # a set-aside pair has at least this many words on each side
    max_rejected: float = Field(default=0.5, gt=0, le=1)  # the stage fails if a larger share of documents is lost
    executor: Executor = Field(default=Executor(), exclude=True)  # decides nothing about the output

    @property
    def near(self) -> float | None:
        """The likeness from which on one of two documents goes; None: both stay."""
        return None if self.as_is else self.near_duplicates

    @property
    def drops_lines(self) -> bool:
        """Whether repeated lines leave."""
        return self.repeated_lines and not self.as_is

    def check(self, whole: Whole) -> Iterator[Fault]:
        """Sources, norms and varieties that are named are there; nothing that changes text is asked for as it is."""
        if self.as_is:
            for name in CHANGES_TEXT:
                if name in self.model_fields_set and getattr(self, name) not in (None, False, []):
                    yield Fault(
                        (name,),
                        f"corpus.as_is leaves the text alone but for evaluation sentences, so {name} cannot be set: "
                        f"remove it (write {name}: null over a recipe that this one extends), or as_is",
                    )
        profile, said_by = whole.profile, f" in the profile of {whole.profile.iso639_3}"
        yield from unknown("identify", self.identify, whole.sources, "source")
        yield from unknown("trusted", self.trusted, whole.sources, "source")
        yield from unknown("exempt", self.exempt, whole.sources, "source")
        yield from unknown("norms", self.norms, profile.norms, "norm", said_by)
        yield from unknown("varieties", self.varieties, profile.varieties, "variety", said_by)
