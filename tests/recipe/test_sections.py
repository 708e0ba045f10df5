"""What a section asks of itself and of the others: each fault is one sentence at its place, its neighbour is fine."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from llimba.errors import RecipeError
from llimba.recipe import CptSection, HubSource, ModelSection, Recipe, SftSection
from llimba.recipe.cpt import Phase
from llimba.recipe.evaluate import Decoding
from llimba.recipe.file import load_recipe
from llimba.recipe.sources import LocalSource, ParallelSource, WikipediaSource
from llimba.recipe.translate import BackTranslation, NllbTranslation
from tests.fakes import recipe, recipe_content
from tests.recipe.test_file import APERTIUM, MINIMAL, write

MODEL = {"name": "x", "license": "mit"}
PARALLEL: dict[str, Any] = {"kind": "parallel", "license": "x", "pairs": ["sc", "it"]}
NLLB = {"engine": "nllb", "source_language": "it", "source_code": "ita_Latn"}


HUB = {"kind": "hub", "license": "x", "dataset": "a/b", "yields": "pairs"}
SUBSETS = {"sc": "a", "it": "b"}


@pytest.mark.parametrize(
    ("section", "good", "bad", "said"),
    [
        (ModelSection, {**MODEL, "hub": "a/b"}, {**MODEL, "hub": "a/b", "folder": "c"}, r"\(now: hub, folder\)"),
        (
            ModelSection,
            {**MODEL, "wheel": "a==1", "file": "f", "sha256": "0"},
            {**MODEL, "wheel": "a==1", "file": "f"},
            "also needs file .* and sha256",
        ),
        (
            ModelSection,
            {**MODEL, "folder": "c"},
            {**MODEL, "wheel": "a==1", "sha256": "0"},
            "also needs file .* and sha256",
        ),
        (ParallelSource, {**PARALLEL, "path": "a"}, PARALLEL, "give either path, or files"),
        (
            ParallelSource,
            {**PARALLEL, "files": {"sc": "a", "it": "b"}},
            {**PARALLEL, "files": {"sc": "a", "fr": "b"}},
            "files names no file for 'it'",
        ),
        (
            ParallelSource,
            {**PARALLEL, "path": "a", "documents": ["es"]},
            {**PARALLEL, "files": {"sc": "a", "it": "b"}, "documents": ["es"]},
            "files names no file for 'es'",
        ),
        (
            LocalSource,
            {"kind": "local", "license": "x", "path": "a", "yields": "conversations"},
            {"kind": "local", "license": "x", "path": "a"},
            "documents need a language",
        ),
        (
            HubSource,
            {"kind": "hub", "license": "x", "dataset": "a/b", "yields": "pairs"},
            {"kind": "hub", "license": "x", "dataset": "a/b"},
            "documents need a language",
        ),
        (
            HubSource,
            {**HUB, "subsets": SUBSETS},
            {**HUB, "subsets": SUBSETS, "subset": "c"},
            "either subset, or subsets",
        ),
        (HubSource, {**HUB, "subsets": SUBSETS}, {**HUB, "subsets": {"sc": "a"}}, "pairs need two languages"),
        (
            HubSource,
            {**HUB, "join": {"language": "l"}},
            {**HUB, "join": {}},
            "name the column that says a row's language",
        ),
        (
            HubSource,
            {**HUB, "yields": "documents", "language": "sc"},
            {**HUB, "yields": "documents", "language": "sc", "pairs": ["sc"]},
            "are for yields: pairs",
        ),
        (
            HubSource,
            {**HUB, "yields": "documents", "subsets": SUBSETS},
            {**HUB, "yields": "conversations", "subsets": SUBSETS},
            "subsets name the languages of documents or pairs",
        ),
        (
            HubSource,
            {**HUB, "yields": "documents", "subsets": SUBSETS},
            {**HUB, "yields": "documents", "subsets": SUBSETS, "language": "sc"},
            "the subsets say it already",
        ),
        (
            WikipediaSource,
            {"kind": "wikipedia", "license": "x", "language": "sc", "url": "a"},
            {"kind": "wikipedia", "license": "x", "language": "sc", "url": "a", "path": "b"},
            "give either path or url",
        ),
        (Decoding, {"samples": 2}, {"samples": 1}, "two or more"),
        (Decoding, {"num_beams": 2}, {"num_beams": 2, "samples": 4}, "without num_beams"),
        (Decoding, {"samples": 4, "temperature": 0.1}, {}, "the greedy column itself"),
        (NllbTranslation, {**NLLB, "hub": "a"}, {**NLLB, "hub": "a", "folder": "b"}, "give hub or folder, not both"),
        (
            CptSection,
            {"min_lr_ratio": 0.1, "lr_scheduler_type": "warmup_stable_decay"},
            {"min_lr_ratio": 0.1},
            "min_lr_ratio needs lr_scheduler_type: cosine_with_min_lr or warmup_stable_decay",
        ),
        (
            CptSection,
            {"stochastic_rounding": True},
            {"stochastic_rounding": True, "optimizer": "adamw"},
            r"stochastic_rounding needs optimizer: adamw_8bit \(adamw rounds",
        ),
        (
            CptSection,
            {"stochastic_rounding": False, "optimizer": "paged_adamw_8bit"},
            {"stochastic_rounding": True, "optimizer": "paged_adamw_8bit"},
            "paged_adamw_8bit rounds",
        ),
        (SftSection, {"adapter": "a", "method": "dora"}, {"adapter": "a"}, "adapter continues an adapter"),
        (
            SftSection,
            {"adapter": "a", "method": "orpo"},
            {"adapter": "a", "method": "orpo", "policy": "full"},
            "adapter continues an adapter",
        ),
        (CptSection, {"repeat": True, "max_tokens": 9}, {"repeat": True}, "repeat needs max_tokens"),
        (CptSection, {"mixture": {"sc": 0.9999999, "it": 1e-7}}, {"mixture": {"sc": 0.99999}}, "must add up to 1"),
        (
            CptSection,
            {"pairs": {"directions": ["it-sc"]}, "mixture": {"sc": 0.5, "pairs/human": 0.5}},
            {"mixture": {"sc": 0.5, "pairs/human": 0.5}},
            "a share to `pairs`, and the section cpt.pairs does not say which",
        ),
        (
            CptSection,
            {"chat": {}, "mixture": {"sc": 0.5, "chat": 0.5}},
            {"mixture": {"sc": 0.5, "chat": 0.5}},
            "a share to `chat`, and the section cpt.chat does not say which",
        ),
    ],
)
def test_a_section_by_itself(section: Any, good: dict[str, Any], bad: dict[str, Any], said: str) -> None:
    section.model_validate(good)
    with pytest.raises(ValidationError, match=said):
        section.model_validate(bad)


BACK = {"into": ["it"], "engine": APERTIUM | {"source_language": ""}}
BASELINES = {"directions": ["it-sc"], "baselines": {"apertium": {"it-sc": APERTIUM}}}
IDENTIFY = {"identify": ["mine"]}


def with_(section: dict[str, Any], *keys: str, value: Any) -> dict[str, Any]:
    """The section with one value in it replaced."""
    key, *deeper = keys
    return {**section, key: with_(section.get(key, {}), *deeper, value=value) if deeper else value}


@pytest.mark.parametrize(
    ("good", "bad", "said"),
    [
        ({}, {"sources": {}}, "r.yaml:6: sources: sources is empty"),
        (
            {"corpus": IDENTIFY},
            {"corpus": {"identify": ["mine", "absent"]}},
            r"corpus.identify: there is no source 'absent' \(known: mine\)",
        ),
        ({"corpus": {"exempt": ["mine"]}}, {"corpus": {"exempt": ["x"]}}, "corpus.exempt: there is no source 'x'"),
        (
            {"corpus": {"norms": ["sos-sas"]}},
            {"corpus": {"norms": ["SOS-SAS"]}},
            r"corpus.norms: there is no norm 'SOS-SAS' in the profile of srd \(known: is, sos-sas\)",
        ),
        (
            {"corpus": {"varieties": ["campidanesu"]}},
            {"corpus": {"varieties": ["x"]}},
            "corpus.varieties: there is no variety 'x' in the profile of srd",
        ),
        (
            {"instruct": {"directions": ["it-sc"], "upsample": {"mine": 2}, "translate": {"mine": APERTIUM}}},
            {"instruct": {"upsample": {"x": 2}}},
            "instruct.upsample: there is no source 'x'",
        ),
        ({}, {"instruct": {"translate": {"x": APERTIUM}}}, "instruct.translate: there is no source 'x'"),
        ({}, {"instruct": {"directions": ["sc-xx"]}}, "instruct.directions: 'sc-xx' names 'xx', which the profile"),
        (
            {"instruct": {"back_translate": BACK}},
            {"instruct": {"back_translate": {**BACK, "into": ["xx"]}}},
            "back_translate.into: 'xx' must be another language",
        ),
        ({}, {"instruct": {"back_translate": {**BACK, "into": ["sc"]}}}, "into: 'sc' must be another language"),
        (
            {"instruct": {"back_translate": {**BACK, "source": "mine"}}},
            {"instruct": {"back_translate": {**BACK, "source": "x"}}},
            "back_translate.source: there is no source 'x'; `documents` means all",
        ),
        (
            {"instruct": {"back_translate": {"into": ["it"], "engines": {"it": BACK["engine"]}}}},
            {"instruct": {"back_translate": {"into": ["it", "es"], "engines": {"it": BACK["engine"]}}}},
            "nothing translates into 'es': set engine, or engines.es",
        ),
        (
            {"instruct": {"back_translate": with_(BACK, "engine", "source_language", value="sc")}},
            {"instruct": {"back_translate": with_(BACK, "engine", "source_language", value="it")}},
            "what translates into 'it' must translate from 'sc'",
        ),
        (
            {"instruct": {"back_translate": {**BACK, "way_back": {"it": APERTIUM}}}},
            {"instruct": {"back_translate": {**BACK, "way_back": {"it": {**APERTIUM, "source_language": "es"}}}}},
            "way_back.it: source_language must be 'it'",
        ),
        (
            {"instruct": {"back_translate": {**BACK, "norms": ["is"]}}},
            {"instruct": {"back_translate": {**BACK, "norms": ["x"]}}},
            "back_translate.norms: there is no norm 'x' in the profile of srd",
        ),
        (
            {"instruct": {"translate": {"mine": {"engine": "model", "source_language": "it"}}}, "cpt": {}},
            {"instruct": {"translate": {"mine": {"engine": "model", "source_language": "it"}}}},
            "the engine model needs a folder, or a cpt section",
        ),
        ({"evaluate": BASELINES}, {"evaluate": {**BASELINES, "directions": []}}, "the direction must be one of"),
        (
            {},
            {"evaluate": with_(BASELINES, "baselines", "apertium", "it-sc", "source_language", value="es")},
            "baselines.apertium.it-sc: source_language is es, and the direction must be one of",
        ),
        (
            {},
            {"evaluate": {**BASELINES, "baselines": {"copy": {"it-sc": APERTIUM}}}},
            "baselines.copy: that is a system of llimba's own",
        ),
        (
            {"evaluate": {"directions": ["it-sc"], "num_fewshot": 1}},
            {"evaluate": {"num_fewshot": 1}},
            "evaluate.num_fewshot: there are no evaluate.directions",
        ),
        (
            {"evaluate": {"norm_tag": "lsc", "prompt": "completion"}},
            {"evaluate": {"norm_tag": "lsc"}},
            "evaluate.norm_tag: 'lsc' must be one of the profile's tags",
        ),
        ({}, {"evaluate": {"norm_tag": "x", "prompt": "completion"}}, "'x' must be one of the profile's tags"),
        (
            {"corpus": IDENTIFY, "evaluate": {"mode_switch": {}}},
            {"evaluate": {"mode_switch": {}}},
            "evaluate.mode_switch: needs corpus.identify",
        ),
        (
            {},
            {"corpus": {**IDENTIFY, "identifier": "m.bin"}, "evaluate": {"mode_switch": {}}},
            "needs the identifier that the corpus stage trains",
        ),
        (
            {"cpt": {"interpolate": [0.5, 1.0]}},
            {"cpt": {"interpolate": [0.5, 1.0], "choose_max_bytes": 0}},
            "cpt.interpolate: to choose among weights needs text",
        ),
        (
            {"cpt": {"choose_max_bytes": 9}, "sft": {"interpolate": [0.5, 1.0]}},
            {"cpt": {}, "sft": {"interpolate": [0.5, 1.0]}},
            "sft.interpolate: .* set cpt.choose_max_bytes: 20000",
        ),
        (
            {"cpt": {"mixture": {"sc/mine": 0.5, "it/mt": 0.5}}},
            {"cpt": {"mixture": {"sc/x": 0.5, "it/mt": 0.5}}},
            "cpt.mixture: key 'sc/x': 'x' is neither a source nor human, mt, generated",
        ),
        (
            {"cpt": {"pairs": {"directions": ["it-sc"]}, "mixture": {"pairs": 1.0}}},
            {"cpt": {"mixture": {"it": 1.0}}},
            "cpt.mixture: gives no share to 'sc', the language to be learned",
        ),
        (
            {"cpt": {"phases": [{"share": 1.0, "mixture": {"sc": 1.0}}]}},
            {"cpt": {"phases": [{"share": 1.0, "mixture": {"it": 1.0}}]}},
            "cpt.phases: gives no share to 'sc'",
        ),
        ({"cpt": {"chat": {"sources": ["mine"]}}}, {"cpt": {"chat": {"sources": ["x"]}}}, "cpt.chat.sources: there is"),
        ({"publish": {"license": "mit"}}, {"publish": {"license": "CC0-1.0"}}, "r.yaml:13: publish.license: "),
    ],
)
def test_a_section_against_the_others(tmp_path: Path, good: dict[str, Any], bad: dict[str, Any], said: str) -> None:
    load_recipe(write(tmp_path, {**MINIMAL, **good}))
    with pytest.raises(RecipeError, match=said) as caught:
        load_recipe(write(tmp_path, {**MINIMAL, **bad}))
    assert len(str(caught.value).splitlines()) == 1


def test_a_model_and_a_mixture_are_extended_whole(tmp_path: Path) -> None:
    """Half of the old with half of the new would make none."""
    write(tmp_path, {**MINIMAL, "cpt": {"mixture": {"sc": 0.5, "it": 0.5}, "warmup_steps": 3}}, "parent.yaml")
    change = {"base_model": {"name": "other", "license": "mit", "hub": "a/b"}, "cpt": {"mixture": {"sc": 1.0}}}
    loaded = load_recipe(write(tmp_path, {"extends": "parent.yaml", **change}))
    assert (loaded.base_model.hub, loaded.base_model.folder) == ("a/b", None)
    assert (loaded.cpt.mixture, loaded.cpt.warmup_steps) == ({"sc": 1.0}, 3)


def test_back_translation_has_an_engine_for_each_language() -> None:
    engine, other = {**NLLB, "source_code": "srd_Latn"}, {**NLLB, "source_code": "x", "source_language": "sc"}
    section = BackTranslation.model_validate({"into": ["it", "es"], "engine": engine, "engines": {"es": other}})
    it, es = section.engine_into("it"), section.engine_into("es")
    assert it is not None
    assert es is not None
    assert (it.source_language, es.source_language) == ("it", "sc"), "what is said is not replaced"
    silent = {key: value for key, value in engine.items() if key != "source_language"}
    section = BackTranslation.model_validate({"into": ["it"], "engine": silent, "engines": {"es": silent}})
    assert section.engine is not None
    assert (section.engine.source_language, section.engines["es"].source_language) == ("", "")
    assert BackTranslation(into=["it"]).engine_into("it") is None


def test_what_a_record_carries_is_what_its_source_says() -> None:
    source = WikipediaSource(kind="wikipedia", license="x", language="sc", url="a", norm="LSC", origin="mt")
    assert source.carried("wiki") == {
        "source": "wiki", "license": "x", "variety": "", "norm": "LSC", "origin": "mt", "role": "train"
    }  # fmt: skip


def test_what_trains_an_adapter() -> None:
    kinds = {"full": None, "lora": "lora", "rslora": "rslora", "dora": "dora", "dpo": "lora", "orpo": "lora"}
    assert {method: SftSection(method=method).adapter_kind for method in kinds} == kinds
    assert SftSection(method="dpo", policy="full").adapter_kind is None
    assert SftSection(method="orpo", policy="dora").adapter_kind == "dora"


def test_seeds_and_what_is_trained_on_come_from_the_whole_recipe(tmp_path: Path) -> None:
    content = recipe_content(tmp_path)
    loaded: Recipe = recipe(tmp_path, seed=7, cpt={**content["cpt"], "seed": 3})
    assert loaded.path == tmp_path / "small.yaml"
    assert loaded.name == "small"
    assert loaded.cpt is not None
    assert (loaded.seed_of(loaded.cpt), loaded.seed_of(loaded.sft)) == (3, 7)
    assert [part.what for part in loaded.derived_license.parts] == [
        "base model tests/tiny", "source prose", "source replay", "source aligned"
    ]  # fmt: skip


def test_an_epoch_has_the_tokens_of_its_phases() -> None:
    assert CptSection().epoch_tokens is None
    assert CptSection(max_tokens=5).epoch_tokens == 5
    shares = [Phase(share=0.5, mixture={"sc": 1.0}), Phase(share=0.5, mixture={"it": 1.0})]
    assert CptSection(max_tokens=5, phases=shares).epoch_tokens == 5
    assert CptSection(phases=[Phase(max_tokens=n, mixture={"sc": 1.0}) for n in (2, 3)]).epoch_tokens == 5
    assert list(CptSection(phases=shares).mixture_keys()) == ["sc", "it"]
