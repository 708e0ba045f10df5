"""Every layout in which sets of the hub hold text, over a hub on loopback; all rows written for this project."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes import SENTENCES
from tests.loopback_hub import GRANTED, LoopbackHub, card, jsonl, parquet
from tests.stages.sources.hub.reading import Reader, reader

CODES = {"sc": ("srd", "Latn"), "it": ("ita", "Latn"), "en": ("eng", "Latn"), "es": ("spa", "Latn")}


def one_language(code: str, rows: range, **more: Any) -> list[dict[str, Any]]:
    """Rows of OLDI Seed and FLORES+."""
    iso, script = CODES[code]
    return [
        {"id": n, "iso_639_3": iso, "iso_15924": script, "glottocode": "x", "text": SENTENCES[code][n], **more}
        for n in rows
    ]


def sets() -> dict[str, dict[str, bytes]]:
    names = {code: "_".join(both) for code, both in CODES.items()}
    first = jsonl([{"id": n, "sc": SENTENCES["sc"][n], "it": SENTENCES["it"][n]} for n in range(4)])
    other = {"id": 3, "iso_639_3": "ace", "iso_15924": "Arab", "glottocode": "x", "text": "x"}
    return {
        "me/columns": {"train.jsonl": first},
        "me/seed": {
            "README.md": card(default={"train": "seed/*.parquet"}),
            **{f"seed/{names[c]}.parquet": parquet(one_language(c, range(9 if c == "it" else 10))) for c in CODES},
            "seed/ace_Arab.parquet": parquet([other]),
        },
        "me/flores_plus": {
            "README.md": card(**{names[code]: {"dev": f"dev/{names[code]}.parquet"} for code in CODES}),
            **{f"dev/{names[code]}.parquet": parquet(one_language(code, range(5))) for code in CODES},
        },
        "me/flores": {
            "README.md": card(
                **{names[code]: {"dev": f"{names[code]}/dev-*"} for code in CODES},
                **{"eng_Latn-srd_Latn": {"dev": "pair/dev-*"}},
            ),
            **{
                f"{names[code]}/dev-00000-of-00001.parquet": parquet(
                    [{"id": n + 1, "sentence": SENTENCES[code][n]} for n in range(5)]
                )
                for code in CODES
            },
            "pair/dev-00000-of-00001.parquet": parquet(
                [{"id": 1, "sentence_eng_Latn": SENTENCES["en"][0], "sentence_srd_Latn": SENTENCES["sc"][0]}]
            ),
        },
        "me/opus": {
            "train.parquet": parquet(
                [{"id": "0", "translation": {"sc": SENTENCES["sc"][n], "it": SENTENCES["it"][n]}} for n in range(3)]
            )
        },
        "me/variable": {
            "train.jsonl": jsonl(
                [{"translation": {"language": ["srd", "it", "it"], "translation": ["unu", "uno", "un"]}}]
            )
        },
        "me/deep": {"train.jsonl": jsonl([{"row": {"sardu": {"text": "unu"}, "it": "uno"}}])},
        "me/headerless": {"train.tsv": b"1\tunu\tuno\n2\tduos\tdue\n3\ttres\n"},
        "me/array": {"train.json": b'[{"sc": "unu", "it": "uno"},\n {"sc": "duos", "it": "due"}, 7]'},
        "me/lines": {"train.txt": b"Unu.\nDuos.\n\n"},
        "me/documents": {
            "train.jsonl": jsonl(
                [
                    {"text": "Unu.", "language": "srd"},
                    {"text": "Uno.", "language": "it"},
                    {"text": "One.", "language": "eng_Latn"},
                    {"text": "Ein.", "language": "deu"},
                    {"text": None, "language": "sc"},
                    {"text": "Duos.", "language": "sardu de Aristanis"},
                    {"text": "Tres.", "language": None},
                ]
            )
        },
        "me/wiki": {
            "README.md": card(**{f"w.{code}": {"train": f"{code}/*.parquet"} for code in ("sc", "it")}),
            **{f"{c}/a.parquet": parquet([{"id": "1", "text": SENTENCES[c][0]}]) for c in ("sc", "it")},
        },
        "me/labels": {
            "README.md": b"---\ndataset_info:\n  features:\n  - name: text\n    dtype: string\n  - name: language\n"
            b"    dtype:\n      class_label:\n        names:\n          '0': srd_Latn\n          '1': ita_Latn\n---\n",
            "train.parquet": parquet([{"text": "Unu.", "language": 0}, {"text": "Uno.", "language": 1}]),
        },
        "me/mixed": {
            "train.jsonl": jsonl(
                [
                    {"id": 1, "sc": "unu", "it": None, "en": "one"},
                    {"id": 2, "sc": "duos", "it": None},
                    {"id": 3, "sc": ["tres"], "it": "tre"},
                    {"id": 4, "sc": 4, "it": "quattro"},
                ]
            )
            + b'{"id": 5, "sc": "chimbe\n'
            + jsonl([{"id": 6, "sc": "  ", "it": "sei"}, {"id": 7, "sc": "None", "it": "Nessuno"}])
        },
        "me/broken": {
            "README.md": card(default={"train": "*.parquet"}),
            "a.parquet": parquet([{"text": "Unu."}]),
            "b.parquet": parquet([{"text": "Duos."}])[:-20],
            "c.parquet": parquet([{"text": "Tres."}]),
        },
        "me/nested": {"train.jsonl": jsonl([{"text": {"body": "Unu."}}, {"text": {"body": "Duos."}}])},
        "me/script": {"script.py": b"import datasets", "README.md": b"# A set"},
        "me/outside": {"README.md": card(default={"train": "../../other/*"}), "train.jsonl": jsonl([{"text": "x"}])},
        "me/talk": {"train.jsonl": jsonl([{"question": "Ite?", "reply": "Nudda."}])},
    }


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    with LoopbackHub() as hub:
        for name, files in sets().items():
            hub.add(f"datasets/{name}", files)
        with reader(hub.environment(tmp_path_factory.mktemp("home"), GRANTED)) as client:
            yield client


def texts(found: dict[str, Any]) -> list[dict[str, str]]:
    assert not found["error"], found["error"]
    return [record["texts"] for record in found["records"]]


def test_a_column_a_language(read: Reader) -> None:
    found = read("me/columns", yields="pairs")
    assert texts(found) == [{"sc": SENTENCES["sc"][n], "it": SENTENCES["it"][n]} for n in range(4)]
    assert [record["id"] for record in found["records"]] == ["h:0", "h:1", "h:2", "h:3"]
    assert len(found["revision"]) == 40
    assert found["records"][2]["provenance"] == f"me/columns@{found['revision']}:train.jsonl:3"


def test_seed_holds_one_language_a_row(read: Reader) -> None:
    join = {"key": "id", "language": ["iso_639_3", "iso_15924"], "text": "text"}
    found = read("me/seed", yields="pairs", join=join, pairs=["sc", "it", "en"])
    assert texts(found)[0] == {"sc": SENTENCES["sc"][0], "it": SENTENCES["it"][0], "en": SENTENCES["en"][0]}
    assert texts(found)[9] == {"sc": SENTENCES["sc"][9], "en": SENTENCES["en"][9]}
    assert [record["id"] for record in found["records"]] == [f"h:{n}" for n in range(10)]
    assert found["skipped"] == {"language: ace_Arab": 1, "language: spa_Latn": 10, "no row in it with this id": 1}
    one = read("me/seed", yields="pairs", join={"language": "iso_639_3"}, max_documents=2)
    assert texts(one)[0].keys() == CODES.keys()


def test_flores_plus_holds_one_language_a_config(read: Reader) -> None:
    subsets = {"sc": "srd_Latn", "it": "ita_Latn"}
    found = read("me/flores_plus", yields="pairs", subsets=subsets, join={"key": "id", "text": "text"}, split="dev")
    assert texts(found) == [{code: SENTENCES[code][n] for code in subsets} for n in range(5)]
    assert texts(read("me/flores_plus", yields="pairs", subsets=subsets, split="dev")) == texts(found)


def test_flores_of_facebook(read: Reader) -> None:
    subsets = {"sc": "srd_Latn", "en": "eng_Latn"}
    found = read("me/flores", yields="pairs", subsets=subsets, join={"text": "sentence"}, split="dev")
    assert texts(found)[0] == {"sc": SENTENCES["sc"][0], "en": SENTENCES["en"][0]} and len(texts(found)) == 5
    pair = read("me/flores", yields="pairs", subset="eng_Latn-srd_Latn", split="dev")
    assert texts(pair) == [{"sc": SENTENCES["sc"][0], "en": SENTENCES["en"][0]}]


def test_nested_translations_and_paths(read: Reader) -> None:
    assert texts(read("me/opus", yields="pairs"))[2] == {"sc": SENTENCES["sc"][2], "it": SENTENCES["it"][2]}
    assert texts(read("me/variable", yields="pairs")) == [{"sc": "unu", "it": "uno"}]
    found = read("me/deep", yields="pairs", columns={"sc": "row.sardu.text", "it": "row.it"})
    assert texts(found) == [{"sc": "unu", "it": "uno"}]


def test_tables_without_a_header_line(read: Reader) -> None:
    found = read("me/headerless", yields="pairs", names=["id", "sc", "it"])
    assert texts(found) == [{"sc": "unu", "it": "uno"}, {"sc": "duos", "it": "due"}]
    assert found["quarantined"] == {"another number of fields than the names given": 1}
    assert "give names: [...]" in read("me/headerless", yields="pairs")["error"]


def test_arrays_and_plain_lines(read: Reader) -> None:
    found = read("me/array", yields="pairs")
    assert texts(found) == [{"sc": "unu", "it": "uno"}, {"sc": "duos", "it": "due"}]
    assert found["quarantined"] == {"not a JSON object": 1}
    lines = read("me/lines", language="sc")
    assert [record["text"] for record in lines["records"]] == ["Unu.", "Duos."]


def test_languages_of_documents(read: Reader) -> None:
    found = read("me/documents", columns={"language": "language"})
    assert [(record["text"], record["language"]) for record in found["records"]] == [
        ("Unu.", "sc"), ("Uno.", "it"), ("One.", "en"),
    ]  # fmt: skip
    assert found["skipped"] == {
        "language: deu": 1, "no text": 1, "language: sardu de Aristanis": 1, "no language": 1,
    }  # fmt: skip
    mapped = read("me/documents", columns={"language": "language"}, languages={"sardu de Aristanis": "sc"})
    assert [record["text"] for record in mapped["records"] if record["language"] == "sc"] == ["Unu.", "Duos."]
    wiki = read("me/wiki", subsets={"sc": "w.sc", "it": "w.it"})
    assert [(record["id"], record["language"]) for record in wiki["records"]] == [
        ("h:w.sc:1", "sc"),
        ("h:w.it:1", "it"),
    ]
    labels = read("me/labels", columns={"language": "language"})
    assert [record["language"] for record in labels["records"]] == ["sc", "it"]


def test_null_is_no_text_and_one_bad_row_costs_itself(read: Reader) -> None:
    found = read("me/mixed", yields="pairs")
    assert texts(found) == [{"sc": "unu", "en": "one"}, {"sc": "None", "it": "Nessuno"}]
    assert found["skipped"]["no text in it"] == 2 and found["skipped"]["fewer than two languages"] == 2
    assert found["quarantined"] == {"nested value": 1, "wrong type": 1, "not valid JSON": 1}
    assert "column 'sc' holds a list, where text belongs" in found["first_quarantined"]
    broken = read("me/broken", language="sc")
    assert [record["text"] for record in broken["records"]] == ["Unu.", "Tres."]
    assert broken["quarantined"] == {"broken file": 1}


@pytest.mark.parametrize(
    ("dataset", "settings", "said"),
    [
        ("me/columns", {"language": "sc"}, ["sources.h.columns: me/columns has no column 'text'", "id, sc, it"]),
        (
            "me/documents", {"columns": {"language": "text"}},
            ["column text of me/documents holds 'Unu.', 'Uno.'", "(columns: text, language)", "languages: {Unu.: sc}"],
        ),
        ("me/nested", {"language": "sc"}, ["holds a dict with body", "columns: {text: text.NAME}"]),
        ("me/documents", {"yields": "pairs"}, ["fewer than two language columns", "join: {key: id"]),
        ("me/seed", {"yields": "pairs", "join": {"language": "lang"}}, ["sources.h.join.language", "iso_639_3"]),
        ("me/flores_plus", {"language": "sc", "split": "dev"}, ["Config name is missing", "srd_Latn"]),
        ("me/flores_plus", {"language": "sc", "subset": "srd"}, ["no such subset", "srd_Latn"]),
        ("me/columns", {"language": "sc", "split": "test"}, ["no split 'test' (there are: train)"]),
        ("me/script", {"language": "sc"}, ["script.py", "revision: refs/convert/parquet"]),
        ("me/outside", {"language": "sc"}, ["names files outside"]),
        ("me/talk", {"yields": "conversations"}, ["no messages are found", "question, reply"]),
        ("me/nothing", {"language": "sc"}, ["is not on the hub, or is private", "/datasets/me/nothing"]),
        ("me/columns", {"language": "sc", "revision": "v9"}, ["has no revision 'v9'"]),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_with_what_is_there(
    read: Reader, dataset: str, settings: dict[str, Any], said: list[str]
) -> None:
    found = read(dataset, **settings)
    assert found["error"].startswith("StageError: ") and not found["records"]
    assert [part for part in said if part not in found["error"]] == [], found["error"]
