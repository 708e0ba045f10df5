"""The folder that `evaluate` leaves: `scores.json`, and every answer under `hypotheses/`."""

from collections.abc import Iterable
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ValidationError

from llimba.errors import StageError
from llimba.files import Folder, Within, read_json, read_jsonl, write_json, write_jsonl
from llimba.languages.prompts import split_direction
from llimba.records import Pair
from llimba.reports.scores import Scores


class SavedAnswer(BaseModel, frozen=True, extra="forbid"):
    """A line of `hypotheses/SYSTEM.DIRECTION.jsonl`: one translated sentence."""

    id: str  # of the pair
    source: str
    reference: str
    hypothesis: str  # what is scored
    raw: str | None = None  # everything that a model said
    stopped: bool | None = None  # whether it ended by itself
    candidates: list[str] | None = None  # that the hypothesis was chosen from
    engine: str | None = None  # that translated, where it was no model of ours

    @classmethod
    def of(cls, pair: Pair, direction: str, hypothesis: str, **more: object) -> Self:
        """The answer to one side of a pair, e.g. "it-sc"; `more` are the other fields."""
        source, target = split_direction(direction)
        sentence = {"id": pair.id, "source": pair.texts[source], "reference": pair.texts[target]}
        return cls.model_validate({**sentence, "hypothesis": hypothesis, **more})


def write_answers(path: Path, answers: Iterable[SavedAnswer]) -> None:
    """Write answers as JSON lines, without the fields that they lack."""
    write_jsonl(path, (answer.model_dump(exclude_none=True) for answer in answers))


def read_answers(path: Path) -> list[SavedAnswer]:
    """The answers of a file; raises `StageError` where it holds anything else."""
    try:
        return [SavedAnswer.model_validate(row) for row in read_jsonl(path)]
    except ValidationError as error:
        raise StageError(f"{path} holds no saved answers ({_where(error)}). Run llimba evaluate again.") from error


class EvaluatedFolder(Folder):
    """The folder of a finished evaluation."""

    scores_file = Within("scores.json")
    hypotheses = Within("hypotheses")  # the folder of the saved answers

    def answers_file(self, system: str, direction: str) -> Path:
        """The answers of one column in one direction."""
        return self.hypotheses / f"{system}.{direction}.jsonl"

    def scores(self) -> Scores:
        """The scores; raises `StageError` where another version of llimba wrote them."""
        try:
            return Scores.model_validate(read_json(self.scores_file))
        except ValidationError as error:
            raise StageError(
                f"{self.scores_file} was written by another version of llimba ({_where(error)}). Delete {self.path} "
                "and run the recipe again."
            ) from error

    def write(self, scores: Scores) -> None:
        """Write the scores, without what was not measured."""
        write_json(self.scores_file, scores.to_json())


def _where(error: ValidationError) -> str:
    fault = error.errors()[0]
    return f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
