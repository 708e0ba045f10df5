"""Every number of a recipe has its bounds: the last value that is accepted, the first that is not."""

from typing import Annotated, Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from llimba import recipe
from llimba.recipe import corpus, cpt, evaluate, instruct, publish, sources, training, translate

RANGES: dict[str, tuple[list[float], list[float]]] = {  # accepted, refused
    "from 0": ([0], [-1]),
    "from 1": ([1], [0]),
    "from 2": ([2], [1]),
    "not negative": ([0.0, 1e9], [-1e-9]),
    "above 0": ([1e-9, 1e9], [0.0]),
    "0 to 1": ([0.0, 1.0], [-1e-9, 1.001]),
    "0 to below 1": ([0.0, 0.999], [-1e-9, 1.0]),
    "above 0, to 1": ([1e-9, 1.0], [0.0, 1.001]),
    "0 to 100": ([0.0, 100.0], [-1e-9, 100.1]),
    "above 0, to 100": ([1e-9, 100.0], [0.0, 100.1]),
}
FIELDS: dict[str, dict[type[BaseModel], str]] = {
    "from 0": {
        training.TrainingSection: "warmup_steps choose_max_bytes eval_max_bytes num_samples",
        sources.LocalSource: "lines_per_document",
        evaluate.Decoding: "samples",
        evaluate.EvaluateSection: "num_fewshot instructions",
    },
    "from 1": {
        training.TrainingSection: "documents_per_step tokens_per_step max_steps eval_steps",
        training.SftSection: "lora_r lora_alpha",
        cpt.CptSection: "max_tokens",
        cpt.Phase: "max_tokens",
        cpt.PairDocuments: "rows_per_document",
        cpt.ChatDocuments: "max_conversations max_new_tokens",
        sources.Source: "max_documents",
        sources.ParallelSource: "rows_per_document",
        corpus.Executor: "workers",
        corpus.CorpusSection: "min_words min_held_out_words",
        instruct.InstructSection: "max_conversations min_words max_words",
        evaluate.ModeSwitch: "seeds max_new_tokens",
        evaluate.Decoding: "num_beams",
        evaluate.EvaluateSection: "max_sentences max_words max_bytes max_new_tokens batch_size",
        translate.NllbTranslation: "max_rows num_beams max_new_tokens batch_size",
        translate.ModelTranslation: "max_new_tokens batch_size",
        translate.BackTranslation: "max_sentences min_words max_words",
    },
    "from 2": {
        training.TrainingSection: "sequence_length row_length",
        corpus.CorpusSection: "boilerplate_documents",
    },
    "not negative": {
        training.TrainingSection: "weight_decay interpolate_tolerance",
        cpt.ChatDocuments: "temperature",
        publish.PublishSection: "grams_per_kwh",
    },
    "above 0": {
        training.TrainingSection: "num_train_epochs learning_rate adam_epsilon max_grad_norm save_minutes",
        training.SftSection: "beta",
        evaluate.Decoding: "temperature",
        translate.NllbTranslation: "min_length_ratio max_length_ratio",
        publish.PublishSection: "watts",
    },
    "0 to 1": {
        sources.Source: "max_quarantined",
        instruct.InstructSection: "system_prompt_share",
        cpt.NormTags: "dropout",
        translate.NllbTranslation: "max_unknown",
    },
    "0 to below 1": {
        training.TrainingSection: "min_lr_ratio adam_beta1 adam_beta2",
        training.SftSection: "lora_dropout held_out_share",
        corpus.CorpusSection: "held_out_pairs held_out_documents",
    },
    "above 0, to 1": {
        training.TrainingSection: "decay_share",
        cpt.Phase: "share",
        corpus.CorpusSection: "near_duplicates max_rejected",
    },
    "0 to 100": {translate.BackTranslation: "min_round_trip"},
    "above 0, to 100": {translate.BackTranslation: "max_copied"},
}
CASES = [
    (section, name, bounds)
    for bounds, table in FIELDS.items()
    for section, names in table.items()
    for name in names.split()
]


@pytest.mark.parametrize(("section", "name", "bounds"), CASES, ids=lambda value: getattr(value, "__name__", value))
def test_bounds(section: type[BaseModel], name: str, bounds: str) -> None:
    field = section.model_fields[name]
    adapter: TypeAdapter[Any] = TypeAdapter(Annotated[field.annotation, *field.metadata])
    accepted, refused = RANGES[bounds]
    for value in accepted:
        assert adapter.validate_python(value) == value
    for value in refused:
        with pytest.raises(ValidationError):
            adapter.validate_python(value)


@pytest.mark.parametrize("weights", [0.0, 1.5, [0.0, 1.5]])
def test_weights_between_two_models_may_go_a_little_beyond_the_second(weights: float | list[float]) -> None:
    assert recipe.CptSection(interpolate=weights).interpolate == weights


@pytest.mark.parametrize("weights", [-0.1, 1.6, [0.5, 1.6], []])
def test_other_weights_are_refused(weights: float | list[float]) -> None:
    with pytest.raises(ValidationError):
        recipe.CptSection(interpolate=weights)


def test_lists_that_need_an_entry_and_words_that_need_a_reason() -> None:
    for section, settings in (
        (cpt.PairDocuments, {"directions": []}),
        (translate.BackTranslation, {"into": []}),
        (translate.ApertiumTranslation, {"engine": "apertium", "source_language": "it", "route": []}),
        (publish.PublishSection, {"acknowledge": "x" * 19}),
        (instruct.InstructSection, {"upsample": {"a": -1}}),
    ):
        with pytest.raises(ValidationError):
            section.model_validate(settings)
    assert publish.PublishSection(acknowledge="x" * 20).acknowledge
    assert instruct.InstructSection(upsample={"a": 0}).upsample == {"a": 0}


def test_a_list_of_weights_is_chosen_among_by_text_that_is_held_back() -> None:
    assert recipe.CptSection().choosing_bytes == 0
    assert recipe.CptSection(interpolate=0.5).choosing_bytes == 0
    assert recipe.CptSection(interpolate=[0.5, 1.0]).choosing_bytes == 20_000
    assert recipe.CptSection(interpolate=[0.5, 1.0], choose_max_bytes=7).choosing_bytes == 7
