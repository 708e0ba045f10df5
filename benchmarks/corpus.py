"""Is the corpus stage right, and what does it cost? Planted defects found; time and memory beside stock datatrove.

    python benchmarks/corpus.py planted --seed seed.jsonl --evaluation dev.jsonl
    python benchmarks/corpus.py scale --megabytes 1000 --seed seed.jsonl
    python benchmarks/corpus.py memory --seed seed.jsonl

`--seed` and `--evaluation` are JSON lines with a column per language (sc, it, es). Without them both come from the
demo's sources, fetched from package registries. `planted` prints recall and precision per class of defect; `scale`
runs the whole stage and datatrove's stock steps over the same synthetic pages, one after the other; `memory` runs the
stage on the seed text once, ten and a hundred times as large, each in a process of its own.
"""

import argparse
import gzip
import json
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import layouts

from llimba.files import read_jsonl
from llimba.recipe.file import load_recipe
from llimba.records import Conversation, Document, Pair, write_records
from llimba.stages.corpus.stage import run as run_corpus

DEMO = Path(__file__).parent.parent / "recipes" / "demo.yaml"
LINES = 10  # of a page
COMMON = {"license": "CC0-1.0", "provenance": "benchmark"}


def aligned(given: Path | None, role: str) -> list[dict[str, str]]:
    """Rows with sc, it and es: from a file, or from the demo's sources of a role."""
    if given is not None:
        return list(read_jsonl(given))
    from llimba.pipeline import runner

    step = runner.run(load_recipe(DEMO), Path("runs"), until="sources")[0]
    rows = [row["texts"] for row in read_jsonl(step.folder / "pairs.jsonl") if row["role"] == role]
    return [row for row in rows if {"sc", "it", "es"} <= row.keys() and min(len(t.split()) for t in row.values()) >= 6]


def recipe(folder: Path, **corpus: Any) -> Any:
    """The demo's, with a source for each kind of planted text."""
    import yaml

    content = yaml.safe_load(DEMO.read_text(encoding="utf-8"))
    (folder / "x.txt").write_text("x\n", encoding="utf-8")
    local = {"kind": "local", "license": "CC0-1.0", "path": str(folder / "x.txt"), "language": "sc"}
    content["sources"] = {"seed": local, "web": local, "scored": {**local, "role": "evaluate"}}
    content["corpus"] = {"max_rejected": 1.0, **corpus}
    path = folder / "planted.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return load_recipe(path)


def page(name: str, lines: list[str], source: str = "web") -> Document:
    """A Sardinian page."""
    return Document(id=name, text="\n".join(lines), language="sc", source=source, **COMMON)


def misspelt(sentence: str, chance: random.Random) -> str:
    """An evaluation sentence as another keyboard writes it: accents and apostrophes changed, or all capitals."""
    for old, new in (("à", "a'"), ("è", "é"), ("ò", "o"), ("ù", "u'"), ("'", "\u2019"), ("ì", "i")):
        if chance.random() < 0.7:
            sentence = sentence.replace(old, new)
    return sentence.upper() if chance.random() < 0.2 else sentence


def replaced(lines: list[str], words: int, chance: random.Random, vocabulary: list[str]) -> list[str]:
    """The page with a word in `words` of its lines changed: a few shingles are lost for each."""
    out = list(lines)
    for at in chance.sample(range(len(out)), min(words, len(out))):
        parts = out[at].split()
        parts[chance.randrange(len(parts))] = chance.choice(vocabulary)
        out[at] = " ".join(parts)
    return out


def share(found: int, of: int) -> str:
    """As percent, with the counts."""
    return f"{100 * found / of:6.1f} % ({found}/{of})" if of else "  none"


def planted(given: argparse.Namespace) -> dict[str, Any]:
    """Plant, clean, count."""
    from llimba.stages.corpus.near import jaccard, shingles

    chance = random.Random(given.random_seed)
    rows, scored = aligned(given.seed, "train"), aligned(given.evaluation, "evaluate")
    half = len(rows) // 2
    learned = {row["sc"] for row in rows[:half]}  # a line that stands twice would leave as a repeated one, rightly
    fresh = [line for line in dict.fromkeys(row["sc"] for row in rows[half:]) if line not in learned]
    vocabulary = sorted({word for line in fresh for word in line.split() if len(word) > 3})
    pages = [fresh[at : at + LINES] for at in range(0, len(fresh) - LINES + 1, LINES)]
    chance.shuffle(pages)
    part = len(pages) // 5
    exact, near, dirty, mixed, site = (pages[n * part : (n + 1) * part] for n in range(5))
    truth: dict[str, set[Any]] = {name: set() for name in ("exact", "near", "contaminated", "foreign", "boilerplate")}

    documents = [page(f"page-{n}", lines) for n, lines in enumerate([*exact, *near])]
    for n, lines in enumerate(exact):
        documents.append(page(f"exact-{n}", lines))
        truth["exact"].add(f"exact-{n}")
    likeness = {}
    for n, lines in enumerate(near):
        other = replaced(lines, 1 + n % len(lines), chance, vocabulary)
        likeness[f"near-{n}"] = jaccard(shingles("\n".join(lines)), shingles("\n".join(other)))
        documents.append(page(f"near-{n}", other))
        if likeness[f"near-{n}"] >= given.near:
            truth["near"].add(f"near-{n}")
    told = iter(scored)
    for n, lines in enumerate(dirty):
        bad = [misspelt(row["sc"], chance) for _, row in zip(range(2), told, strict=False)]
        documents.append(page(f"dirty-{n}", [*lines[:5], *bad, *lines[5:]]))
        truth["contaminated"] |= set(bad)
    italian = iter([row["it"] for row in rows[half:] if len(row["it"].split()) >= 6])
    for n, lines in enumerate(mixed):
        quoted = [next(italian) for _ in range(2)]
        documents.append(page(f"mixed-{n}", [*lines[:4], *quoted, *lines[4:]]))
        truth["foreign"] |= set(quoted)
    menus = [f"{chance.choice(vocabulary)} {chance.choice(vocabulary)} {n}" for n in range(4)]
    for n, lines in enumerate(site):
        documents.append(page(f"site-{n}", [menus[0], menus[1], *lines, menus[2], menus[3]]))
    truth["boilerplate"] = {(n, menu) for n in range(len(site)) for menu in menus}

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seed = [
            Document(id=f"{code}-{n}", text=row[code], language=code, source="seed", **COMMON)
            for n, row in enumerate(rows[:half])
            for code in ("sc", "it", "es")
        ]
        (folder / "in").mkdir()
        write_records(folder / "in" / "documents.jsonl", [*seed, *documents])
        texts = [{code: row[code] for code in ("sc", "it", "es")} for row in scored]
        asked = [
            Pair(id=f"e{n}", texts=sides, source="scored", role="evaluate", **COMMON) for n, sides in enumerate(texts)
        ]
        write_records(folder / "in" / "pairs.jsonl", asked)
        write_records(folder / "in" / "conversations.jsonl", list[Conversation]())
        plain = [] if given.seed else ["web"]  # the demo's interface strings are no running text
        settings = recipe(folder, identify=["seed"], exempt=plain, near_duplicates=given.near, boilerplate_documents=10)
        run_corpus(settings, {"sources": folder / "in"}, folder / "out")
        kept = {row["id"]: row["text"].split("\n") for row in read_jsonl(folder / "out" / "documents.jsonl")}
        rejected = {row["record"]["id"]: row["rule"] for row in read_jsonl(folder / "out" / "rejected.jsonl")}
        hits = {row["line"] for row in read_jsonl(folder / "out" / "contamination.jsonl") if row["record"] in
                {d.id for d in documents}}  # fmt: skip
        foreign = {row["line"] for row in read_jsonl(folder / "out" / "foreign.jsonl")}
    from llimba.languages.characters import normalize

    twins = {
        name
        for name, rule in rejected.items()
        if rule == "near-duplicate" and not name.startswith(("sc-", "it-", "es-"))
    }
    swapped = {
        name.replace("page-", "exact-" if int(name[5:]) < len(exact) else "near-")
        for name in twins
        if name.startswith("page-")
    }
    shifted = {f"near-{int(name[5:]) - len(exact)}" if name.startswith("near-") else name for name in swapped}
    twins = {name for name in twins if not name.startswith("page-")} | shifted
    wrong = twins - truth["exact"] - truth["near"]
    nearly = {name for name in wrong if name.startswith("near-")}
    menus_left = {(n, m) for n in range(len(site)) for m in menus if m in kept.get(f"site-{n}", [])}
    body = {(n, line) for n, lines in enumerate(site) for line in map(normalize, lines)}
    body_left = {(n, line) for n, line in body if line in kept.get(f"site-{n}", [])}
    contaminated = {normalize(line) for line in truth["contaminated"]}
    quoted = {normalize(line) for line in truth["foreign"]}
    site_lines = len(truth["boilerplate"]) - len(menus_left)
    table = {  # right, planted, said
        "exact duplicates": (
            len(truth["exact"] & twins),
            len(truth["exact"]),
            len(truth["exact"] & twins | wrong - nearly),
        ),
        f"near-duplicates (Jaccard from {given.near:g})": (
            len(truth["near"] & twins),
            len(truth["near"]),
            len(truth["near"] & twins | nearly),
        ),
        "evaluation sentences, misspelt": (len(contaminated & hits), len(contaminated), len(hits)),
        "Italian lines in Sardinian pages": (len(quoted & foreign), len(quoted), len(foreign)),
        "boilerplate lines": (site_lines, len(truth["boilerplate"]), site_lines + len(body) - len(body_left)),
    }
    table |= bad_pages(pages, chance)
    table |= hostile(pages, chance)
    table |= laid_out([lines for lines in pages if len(lines) > 1], [row["sc"] for row in scored], given.places, chance)
    print(f"{len(documents)} pages, seed {given.random_seed}")
    for name, (right, of, said) in table.items():
        print(f"{name:46} recall {share(right, of)}   precision {share(right, said)}")
    return {name: {"right": right, "planted": of, "said": said} for name, (right, of, said) in table.items()} | {
        "jaccards_planted": sorted(round(value, 3) for value in likeness.values())
    }


def bad_pages(pages: list[list[str]], chance: random.Random) -> dict[str, tuple[int, int, int]]:
    """Every page spoilt in each of nine ways, judged beside the good ones: a good page that is rejected is an alarm."""
    from llimba.languages.profile import load_language
    from llimba.stages.corpus.quality import judge

    profile = load_language("srd")

    def numbers(line: str) -> str:
        return f"{line[:30]} {' '.join(str(chance.randrange(10000)) for _ in range(8))}"

    spoil = {
        "words too short": lambda lines: [" ".join(c for c in line if c.isalpha()) for line in lines],
        "words too long": lambda lines: ["".join(line.split()) for line in lines],
        "symbols": lambda lines: [line.replace(" ", " | ") for line in lines],
        "digits": lambda lines: [numbers(line) for line in lines],
        "foreign letters": lambda lines: [
            line.translate(str.maketrans("aeiounrst", "αειουνρστ")) if n % 3 == 0 else line
            for n, line in enumerate(lines)
        ],
        "capitals": lambda lines: [line.upper() for line in lines],
        "repetition": lambda lines: [f"{lines[0][:60]} {n}." for n in range(LINES)],
        "a list": lambda lines: [f"• {line}" for line in lines],
        "no sentences": lambda lines: [line.rstrip(" .!?…:;,\"'»”’)]") for line in lines],
    }
    alarms: dict[str, int] = {}
    for lines in pages:
        if rejection := judge("\n".join(lines), profile.quality, profile.alphabet):
            alarms[rejection.rule] = alarms.get(rejection.rule, 0) + 1
    found = {}
    for rule, spoilt in spoil.items():
        told = sum(judge("\n".join(spoilt(lines)), profile.quality, profile.alphabet) is not None for lines in pages)
        found[f"bad pages: {rule}"] = (told, len(pages), told + alarms.get(rule, 0))
    return found


def laid_out(
    pages: list[list[str]], sentences: list[str], places: int, chance: random.Random
) -> dict[str, tuple[int, int, int]]:
    """Evaluation sentences in eight layouts, in text that is cleaned otherwise and in text that is taken as it is."""
    table = {}
    sentences = [one for one in dict.fromkeys(sentences) if len(one.split()) >= 6]
    for name, settings in (("", {"near_duplicates": None, "exempt": ["web"]}), (", as is", {"as_is": True})):
        made = layouts.plant(pages, sentences, places, chance)
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            (folder / "in").mkdir()
            documents = [replace(page(f"{n}", []), text=planted.text) for n, planted in enumerate(made)]
            write_records(folder / "in" / "documents.jsonl", documents)
            asked = [
                Pair(id=f"e{n}", texts={"sc": one}, source="scored", role="evaluate", **COMMON)
                for n, one in enumerate(sentences)
            ]
            write_records(folder / "in" / "pairs.jsonl", asked)
            write_records(folder / "in" / "conversations.jsonl", list[Conversation]())
            more = {} if name else {"repeated_lines": False, "min_words": 1}
            run_corpus(recipe(folder, **settings, **more), {"sources": folder / "in"}, folder / "out")
            kept = {row["id"]: row["text"] for row in read_jsonl(folder / "out" / "documents.jsonl")}
        for layout in layouts.LAYOUTS:
            mine = [(planted, kept.get(f"{n}", "")) for n, planted in enumerate(made) if planted.layout == layout]
            right = sum(not layouts.left(planted, text) for planted, text in mine)
            table[f"sentences {layout}{name}"] = (
                right, len(mine), right + sum(layouts.lost(planted, text) for planted, text in mine)
            )  # fmt: skip
    return table


def hostile(pages: list[list[str]], chance: random.Random) -> dict[str, tuple[int, int, int]]:
    """A folder of good files, bombs, torn archives and files in old encodings, through the `local` source."""
    from llimba.stages.sources.stage import run as run_sources

    bombs, torn, old = set(), set(), dict[str, str]()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "files"
        folder.mkdir()
        for n, lines in enumerate(pages[:120]):
            text = "\n".join(lines)
            if n % 4 == 0:
                size = chance.randrange(20, 60) * 2**20
                bombs.add(f"{n}.txt.gz")
                (folder / f"{n}.txt.gz").write_bytes(gzip.compress(text.encode() + b"\0" * size, 1))
            elif n % 4 == 1:
                data = (text + " perché").encode(encoding := chance.choice(["cp1252", "utf-16"]), "replace")
                old[f"{n}.txt"] = data.decode(encoding)
                (folder / f"{n}.txt").write_bytes(data)
            elif n % 4 == 2:
                torn.add(f"{n}.txt.gz")
                (folder / f"{n}.txt.gz").write_bytes(gzip.compress(text.encode())[: -chance.randrange(9, 200)])
            else:
                (folder / f"{n}.txt").write_text(text, encoding="utf-8")
        settings = recipe(Path(name))
        source = settings.sources["web"].model_copy(update={"path": folder, "max_quarantined": 1.0})
        (Path(name) / "out").mkdir()
        run_sources(settings.model_copy(update={"sources": {"web": source}}), {}, Path(name) / "out")
        rows = list(read_jsonl(Path(name) / "out" / "quarantine.jsonl"))
        documents = list(read_jsonl(Path(name) / "out" / "documents.jsonl"))
    kept = {row["provenance"].partition(":")[0]: row["text"] for row in documents}
    told = {Path(row["file"]).name: row["reason"].partition(":")[0] for row in rows}
    said_bombs = {file for file, reason in told.items() if reason == "decompression bomb"}
    said_torn = told.keys() - said_bombs
    exact = sum(kept.get(file) == text for file, text in old.items())
    assert not kept.keys() & told.keys()
    return {
        "decompression bombs": (len(bombs & said_bombs), len(bombs), len(said_bombs)),
        "torn archives": (len(torn & said_torn), len(torn), len(said_torn)),
        "files in old encodings, read exactly": (exact, len(old), len(old)),
    }


def synthetic(path: Path, megabytes: float, rows: list[dict[str, str]], seed: int) -> int:
    """Pages of lines whose words are drawn as they occur in the seed text; one page in twenty is a near-copy."""
    chance = random.Random(seed)
    words = [word for row in rows for word in row["sc"].split()]
    written, number, last = 0, 0, [""]
    with path.open("w", encoding="utf-8") as handle:
        while written < megabytes * 1e6:
            if number % 20 == 19:
                lines = replaced(last, 2, chance, words)
            else:
                drawn = chance.choices(words, k=LINES * 45)
                lines = [f"{' '.join(drawn[at : at + 45])}." for at in range(0, len(drawn), 45)]
            last = lines
            text = json.dumps(asdict(page(f"d{number}", lines)), ensure_ascii=False)
            handle.write(text + "\n")
            written += len(text)
            number += 1
    return number


def ours(folder: Path, rows: list[dict[str, str]], evaluation: list[dict[str, str]]) -> dict[str, Any]:
    """The whole stage over `folder/in`."""
    asked = [
        Pair(id=f"e{n}", texts={"sc": row["sc"], "it": row["it"]}, source="scored", role="evaluate", **COMMON)
        for n, row in enumerate(evaluation)
    ]
    write_records(folder / "in" / "pairs.jsonl", asked)
    write_records(folder / "in" / "conversations.jsonl", list[Conversation]())
    started = time.monotonic()
    facts = run_corpus(recipe(folder), {"sources": folder / "in"}, folder / "out")
    return {"seconds": time.monotonic() - started, "counts": facts["counts"]["documents"]}


def stock(folder: Path, tasks: int) -> dict[str, Any]:
    """datatrove's own steps that come nearest: quality and repetition filters, MinHash (14 x 8), line deduplication.

    Left out are decontamination (it needs a package of its own) and the exact check of candidates, which it has not.
    """
    import contextlib
    import os

    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.dedup import minhash, sentence_dedup
    from datatrove.pipeline.filters import GopherQualityFilter, GopherRepetitionFilter
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.writers import JsonlWriter
    from datatrove.utils.word_tokenizers import WhitespaceTokenizer

    class Spaces(WhitespaceTokenizer):  # type: ignore[misc]
        """Words between spaces: what the stock tokenizers add (spaCy) would only make it slower."""

        def word_tokenize(self, text: str) -> list[str]:
            return text.split()

    words: Any = Spaces()
    shards, work = folder / "shards", folder / "stock"
    shards.mkdir()
    handles = [(shards / f"{n:05d}.jsonl").open("w", encoding="utf-8") for n in range(tasks)]
    with (folder / "in" / "documents.jsonl").open(encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            handles[number % tasks].write(line)
    for handle in handles:
        handle.close()
    config = sentence_dedup.SentDedupConfig(n_sentences=1, split_sentences=False, min_doc_words=3, min_num_sentences=1)
    hashes = minhash.MinhashConfig()

    def read(name: str) -> Any:
        return JsonlReader(str(work / name), compression=None)

    def write(name: str) -> Any:
        return JsonlWriter(str(work / name), output_filename="${rank}.jsonl", compression=None)

    quality = GopherQualityFilter(min_stop_words=None, stop_words=[], language=words)
    repetition = GopherRepetitionFilter(language=words)
    lines_left = sentence_dedup.SentenceDedupFilter(str(work / "dups"), config=config, language=words)
    passes: list[tuple[list[Any], int]] = [
        ([JsonlReader(str(shards), compression=None), quality, repetition, write("a")], tasks),
        ([read("a"), minhash.MinhashDedupSignature(str(work / "sig"), hashes, words)], tasks),
        ([minhash.MinhashDedupBuckets(str(work / "sig"), str(work / "buckets"), config=hashes)], hashes.num_buckets),
        ([minhash.MinhashDedupCluster(str(work / "buckets"), str(work / "remove"), hashes)], 1),
        ([read("a"), minhash.MinhashDedupFilter(str(work / "remove")), write("b")], tasks),
        ([read("b"), sentence_dedup.SentenceDedupSignature(str(work / "lines"), config=config, language=words)], tasks),
        ([sentence_dedup.SentenceFindDedups(str(work / "lines"), str(work / "dups"), config=config)], 1),
        ([read("b"), lines_left, write("c")], tasks),
    ]  # fmt: skip
    started = time.monotonic()
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere):
        for number, (steps, count) in enumerate(passes):
            workers = min(count, os.cpu_count() or 1)
            LocalPipelineExecutor(steps, tasks=count, workers=workers, logging_dir=str(work / f"logs{number}")).run()
    kept = sum(1 for path in (work / "c").glob("*.jsonl") for _ in path.open(encoding="utf-8"))
    return {"seconds": time.monotonic() - started, "kept": kept}


def peak_mebibytes() -> dict[str, float]:
    """Peak resident memory of this process, and of the largest of its children."""
    own, child = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return {"main": round(own / 1024), "largest_worker": round(child / 1024)}


def one(given: argparse.Namespace) -> None:
    """What `scale` and `memory` run in a process of its own: one engine over one folder."""
    folder = Path(given.folder)
    if given.engine == "ours":
        facts = ours(folder, [], aligned(given.evaluation, "evaluate"))
    else:
        facts = stock(folder, given.tasks)
    print(json.dumps({**facts, "peak_mebibytes": peak_mebibytes()}))


def apart(engine: str, folder: Path, given: argparse.Namespace, tasks: int = 1) -> dict[str, Any]:
    """Run one engine in a new process, so that its peak memory is its own."""
    command = [sys.executable, __file__, "one", "--engine", engine, "--folder", str(folder), "--tasks", str(tasks)]
    if given.evaluation:
        command += ["--evaluation", str(given.evaluation)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])
    facts: dict[str, Any] = json.loads(done.stdout.strip().split("\n")[-1])
    return facts


def scale(given: argparse.Namespace) -> dict[str, Any]:
    """Both engines over the same synthetic pages."""
    from llimba.stages.corpus.tables import tasks_for

    rows = aligned(given.seed, "train")
    with tempfile.TemporaryDirectory(dir=given.scratch) as name:
        folder = Path(name)
        (folder / "in").mkdir()
        documents = synthetic(folder / "in" / "documents.jsonl", given.megabytes, rows, given.random_seed)
        size, tasks = (
            (folder / "in" / "documents.jsonl").stat().st_size / 1e6,
            tasks_for(folder / "in" / "documents.jsonl"),
        )
        result = {"megabytes": round(size, 1), "documents": documents, "ours": apart("ours", folder, given)}
        shutil.rmtree(folder / "out")
        result["stock"] = apart("stock", folder, given, tasks)
    for name in ("ours", "stock"):
        facts = result[name]
        print(f"{name:6} {size / facts['seconds']:6.2f} MB/s  {facts['seconds']:7.1f} s  {facts['peak_mebibytes']} MiB")
    result["ratio"] = round(result["stock"]["seconds"] / result["ours"]["seconds"], 2)
    print(f"the whole stage takes 1/{result['ratio']} of the stock steps' time, n 1, {size:.0f} MB")
    return result


def memory(given: argparse.Namespace) -> dict[str, Any]:
    """The stage on seed-like text, 1, 10 and 100 times its size."""
    rows = aligned(given.seed, "train")
    once = sum(len(row["sc"].encode()) for row in rows) / 1e6
    result: dict[str, Any] = {}
    for times in (1, 10, 100):
        with tempfile.TemporaryDirectory(dir=given.scratch) as name:
            folder = Path(name)
            (folder / "in").mkdir()
            synthetic(folder / "in" / "documents.jsonl", once * times, rows, given.random_seed)
            result[f"{times}x"] = {"megabytes": round(once * times, 1), **apart("ours", folder, given)}
            print(f"{times:4}x {once * times:7.1f} MB  {result[f'{times}x']['peak_mebibytes']}", flush=True)
    return result


def main() -> None:
    """Run one part, print it, write its figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=["planted", "scale", "memory", "one"])
    parser.add_argument("--seed", type=Path)
    parser.add_argument("--evaluation", type=Path)
    parser.add_argument("--places", type=int, default=500, help="evaluation sentences planted in each layout")
    parser.add_argument("--near", type=float, default=0.7)
    parser.add_argument("--megabytes", type=float, default=1000)
    parser.add_argument("--random-seed", type=int, default=1)
    parser.add_argument("--scratch", help="a folder for the synthetic text and the shards; default: the system's")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--engine", choices=["ours", "stock"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    parser.add_argument("--tasks", type=int, default=1, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.part == "one":
        return one(given)
    result = {"planted": planted, "scale": scale, "memory": memory}[given.part](given)
    if given.out:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
