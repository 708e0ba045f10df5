"""Task files are plain YAML on plain JSONL, with the evaluation prompt in them."""

from pathlib import Path

import yaml

from llimba.files import read_jsonl
from llimba.languages.profile import load_language
from llimba.recipe import EvaluateSection
from llimba.records import Document
from llimba.stages.evaluate.tasks import point_tasks_to, write_questions, write_tasks
from tests.fakes import pair


def test_files(tmp_path: Path) -> None:
    document = Document(id="d", text="testu", language="sc", source="s", license="x", provenance="p")
    write_tasks(
        tmp_path,
        {"it-sc": [pair("1", it="ciao", sc="salude")]},
        {"sc": [document]},
        load_language("srd"),
        EvaluateSection(max_new_tokens=32),
        {},
    )
    task = yaml.safe_load((tmp_path / "llimba_it_sc.yaml").read_text())
    assert task["doc_to_text"] == "Translate from Italian to Sardinian: {{texts['it']}}"
    assert task["doc_to_target"] == "{{texts['sc']}}"
    assert task["generation_kwargs"]["max_gen_toks"] == 32
    assert list(read_jsonl(tmp_path / "llimba_it_sc.jsonl")) == [{"id": "1", "texts": {"it": "ciao", "sc": "salude"}}]
    assert yaml.safe_load((tmp_path / "llimba_text_sc.yaml").read_text())["output_type"] == "loglikelihood_rolling"
    assert list(read_jsonl(tmp_path / "llimba_text_sc.jsonl")) == [{"id": "d", "text": "testu"}]


def test_settled_tasks_point_to_where_the_folder_will_be(tmp_path: Path) -> None:
    folder = tmp_path / "abc.partial" / "tasks"
    folder.mkdir(parents=True)
    (folder / "t.yaml").write_text(f"data: {folder}/t.jsonl\n")
    point_tasks_to(folder, tmp_path / "abc" / "tasks")
    assert (folder / "t.yaml").read_text() == f"data: {tmp_path}/abc/tasks/t.jsonl\n"


def test_a_completion_prompt_stops_at_its_line_and_examples_stand_before_it(tmp_path: Path) -> None:
    rows = [pair("1", it="ciao", sc="salude")]
    shown = [pair("2", it="pane", sc="pane"), pair("3", it="acqua", sc="abba")]
    settings = EvaluateSection(prompt="completion", num_fewshot=2)
    write_tasks(tmp_path, {"it-sc": rows}, {}, load_language("srd"), settings, {"it-sc": shown})
    task = yaml.safe_load((tmp_path / "llimba_it_sc.yaml").read_text())
    assert task["doc_to_text"] == "Italian: {{texts['it']}}\nSardinian:"
    assert task["generation_kwargs"]["until"] == ["\n"]
    assert (task["num_fewshot"], task["fewshot_config"]["samples"]) == (
        2,
        [{"id": p.id, "texts": p.texts} for p in shown],
    )


def test_questions_are_a_task_of_choices(tmp_path: Path) -> None:
    rows = [{"id": "a", "prompt": "Cale?", "choices": ["x", "y"], "answer": 1}]
    write_questions(tmp_path, "llimba_facts", rows)
    assert yaml.safe_load((tmp_path / "llimba_facts.yaml").read_text())["output_type"] == "multiple_choice"
    assert list(read_jsonl(tmp_path / "llimba_facts.jsonl")) == rows
