# Two lines for everybody (demo, test), one for developers (check). Each sets up .venv from nothing.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

.PHONY: demo srd-135m test check format soak fuzz serve-load corpus-bench clean

demo: $(VENV)/.installed
	$(BIN)/llimba run recipes/demo.yaml --fallback recipes/demo-hub.yaml

# The best recipe for a CPU beside its plain twin, on text of yours: make srd-135m DATA=FOLDER (recipes/srd-135m.yaml).
DATA ?= data
srd-135m: $(VENV)/.installed
	@test -f $(DATA)/seed/train.jsonl || { echo "DATA=$(DATA): there is no seed/train.jsonl; recipes/srd-135m.yaml says what belongs there."; exit 1; }
	@test -e data || ln -s $(abspath $(DATA)) data
	$(BIN)/llimba run recipes/srd-135m.yaml
	$(BIN)/llimba run recipes/srd-135m-plain.yaml
	$(BIN)/llimba compare recipes/srd-135m-plain.yaml recipes/srd-135m.yaml

test: $(VENV)/.installed
	$(BIN)/python -m pytest

check: $(VENV)/.installed
	$(BIN)/ruff format --check src tests benchmarks tools
	$(BIN)/ruff check src tests benchmarks tools
	$(BIN)/mypy
	$(BIN)/python -m pytest

# Kill runs at random moments, a hundred times through all stages of a tiny model, KILLS times through those of a real one
# that train; each must end in the same bytes as one left alone.
KILLS ?= 30
soak: $(VENV)/.installed
	$(BIN)/python -m tests.soak --tiny --kills 100
	$(BIN)/python -m tests.soak --kills $(KILLS)

# Ten thousand mutated files through every reader, ten thousand odd ones through three stages, five thousand recipes,
# twenty thousand requests to the server.
fuzz: $(VENV)/.installed
	$(BIN)/python -m tests.stages.sources.fuzz 10000
	$(BIN)/python -m tests.stages.fuzz_stages 10000
	$(BIN)/python -m tests.recipe.fuzz 5000
	$(BIN)/python -m tests.use.serving.fuzz 20000

# llimba serve for SECONDS under 64 clients, a third of them hostile, and 1,000 silent connections (MODEL=FOLDER: a real one).
SECONDS ?= 600
serve-load: $(VENV)/.installed
	$(BIN)/python -m benchmarks.serve $(MODEL) --seconds $(SECONDS)

# Planted defects found by the corpus stage, recall and precision per class. TEXT="--seed F.jsonl --evaluation G.jsonl"
corpus-bench: $(VENV)/.installed
	$(BIN)/python benchmarks/corpus.py planted $(TEXT)

format: $(VENV)/.installed
	$(BIN)/ruff format src tests benchmarks tools
	$(BIN)/ruff check --fix src tests benchmarks tools

# torch first and by its exact pin, so that nothing else can pull another build of it.
$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info < (3, 14) else "llimba needs Python 3.11, 3.12 or 3.13; set PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet $$(grep '^torch==' constraints.txt)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache
