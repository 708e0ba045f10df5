"""Task files are plain YAML on plain JSONL, with the evaluation prompt in them."""

from pathlib import Path

import yaml

from llimba.evaluate.tasks import settle, write_tasks
from llimba.files import read_jsonl
from llimba.language import load_language
from llimba.records import Document


def test_files(tmp_path: Path) -> None:
    document = Document(id="d", text="testu", language="sc", source="s", license="x", provenance="p")
    rows = [{"id": 1, "source": "s", "it": "ciao", "sc": "salude"}]
    write_tasks(tmp_path, {"it-sc": rows}, {"sc": [document]}, load_language("srd"), 32)
    task = yaml.safe_load((tmp_path / "llimba_it_sc.yaml").read_text())
    assert task["doc_to_text"] == "Translate from Italian to Sardinian: {{it}}"
    assert task["doc_to_target"] == "{{sc}}"
    assert task["generation_kwargs"]["max_gen_toks"] == 32
    assert list(read_jsonl(tmp_path / "llimba_it_sc.jsonl")) == rows
    assert yaml.safe_load((tmp_path / "llimba_text_sc.yaml").read_text())["output_type"] == "loglikelihood_rolling"
    assert list(read_jsonl(tmp_path / "llimba_text_sc.jsonl")) == [{"id": "d", "text": "testu"}]


def test_settled_tasks_point_to_where_the_folder_will_be(tmp_path: Path) -> None:
    folder = tmp_path / "abc.partial" / "tasks"
    folder.mkdir(parents=True)
    (folder / "t.yaml").write_text(f"data: {folder}/t.jsonl\n")
    settle(folder, tmp_path / "abc" / "tasks")
    assert (folder / "t.yaml").read_text() == f"data: {tmp_path}/abc/tasks/t.jsonl\n"
