# `make demo` shows adjudge at work, `make test` runs everything that CI runs, `make help` lists the rest.

VENV ?= .venv
# The Python that the venv is made with: the first of these that is 3.11 or newer. `make demo PYTHON=/path/to/python` names one.
PYTHON ?= python3.13 python3.12 python3.11 python3 python
BIN := $(VENV)/bin
BASE := $(VENV)/.adjudge-base
DEV := $(VENV)/.adjudge-dev
# Processes that the tests run in; a file stays in one of them.
JOBS ?= 2
INSTALL := $(BIN)/python -m pip install --quiet --constraint constraints.txt

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo install dev test check lint types fast-tests bench peers docs site embedded build clean distclean venv

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: $(BASE) ## install the base package in .venv (no torch) and run `adjudge demo`
	@$(BIN)/adjudge demo

install: $(BASE) ## install the base package in .venv

dev: $(DEV) ## install what tests, benchmarks and builds need (torch included)

test: lint types ## lint, types and every test, the slow ones last
	@echo "==> pytest: all tests"
	@$(BIN)/python -m pytest -m "not network" --numprocesses $(JOBS) --dist loadfile

check: lint types fast-tests ## lint, types and the fast tests

lint: $(DEV)
	@echo "==> ruff"
	@$(BIN)/python -m ruff check .

types: $(DEV)
	@echo "==> mypy --strict"
	@$(BIN)/python -m mypy

fast-tests: $(DEV)
	@echo "==> pytest: fast tests"
	@$(BIN)/python -m pytest -m "not slow and not network" --numprocesses $(JOBS) --dist loadfile

bench: $(DEV) ## measure cold start and speed, into benchmarks/results: make bench DATA=FOLDER (see benchmarks/README.md)
	@echo "==> cold start"
	@$(BIN)/python -m benchmarks.cold_start $(if $(DATA),--data $(DATA))
	@echo "==> speed"
	@$(BIN)/python -m benchmarks.speed $(if $(DATA),--data $(DATA))

peers: $(DEV) ## the environments of the libraries that bench compares with, about 6 GB
	@$(BIN)/python -m benchmarks.make_peers

docs: $(DEV) ## write docs/cli.md again from the commands' own --help
	@echo "==> docs/cli.md"
	@$(BIN)/python -m adjudge.cli.docs docs/cli.md
	@$(BIN)/python docs/theme/field_tables.py docs/protocols.md

site: $(DEV) ## build the documentation site into site/
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

embedded: $(DEV) ## make the embedded model anew, hours on a CPU: make embedded DATA=FOLDER EVAL=FOLDER WORK=FOLDER [DIAL=1.0] (see recipes/embedded/README.md)
	@test -n "$(DATA)" -a -n "$(EVAL)" -a -n "$(WORK)" || { echo "make embedded needs DATA=FOLDER EVAL=FOLDER WORK=FOLDER; see recipes/embedded/README.md" >&2; exit 2; }
	@mkdir -p "$(WORK)"
	@echo "==> 1 base"
	@test -e "$(WORK)/e5/model.safetensors" || $(BIN)/python -m recipes.embedded.base "$(WORK)"
	@echo "==> 2 vocabulary"
	@test -e "$(WORK)/base/adjudge.json" || $(BIN)/python -m recipes.embedded.prune "$(WORK)" --keep-like src/adjudge/models/embedded/tokenizer.json
	@echo "==> 3 judgement groups, subjects, crossings, plain answers and simple facts, 4 hard negatives"
	@$(BIN)/python -m recipes.embedded.judgements "$(DATA)" "$(WORK)"
	@$(BIN)/python -m recipes.embedded.subjects "$(WORK)"
	@$(BIN)/python -m recipes.embedded.crossings "$(WORK)"
	@$(BIN)/python -m recipes.embedded.plain "$(WORK)"
	@$(BIN)/python -m recipes.embedded.facts "$(WORK)"
	@test -e "$(WORK)/groups/train.jsonl.gz" || $(BIN)/python -m recipes.embedded.mine "$(DATA)" "$(WORK)" --dial $(or $(DIAL),1.0) --model "$(WORK)/base"
	@echo "==> 5 training (interrupted, it goes on where it was)"
	@$(BIN)/python -m recipes.embedded.train "$(WORK)" --dial $(or $(DIAL),1.0)
	@$(BIN)/python -m recipes.embedded.train "$(WORK)" --dial $(or $(DIAL),1.0) --phase second
	@$(BIN)/python -m recipes.embedded.train "$(WORK)" --dial $(or $(DIAL),1.0) --phase third
	@$(BIN)/python -m recipes.embedded.average "$(WORK)/run-second/best" "$(WORK)/run-third/best" "$(WORK)/judge"
	@test -e "$(WORK)/groups/across.jsonl.gz" || $(BIN)/python -m recipes.embedded.across "$(DATA)" "$(WORK)" --judge "$(WORK)/judge" --model "$(WORK)/base"
	@$(BIN)/python -m recipes.embedded.train "$(WORK)" --dial $(or $(DIAL),1.0) --phase fourth
	@$(BIN)/python -m recipes.embedded.average "$(WORK)/judge" "$(WORK)/run-fourth/best" "$(WORK)/judge-fourth" --phase fourth
	@test -e "$(WORK)/groups/beside.jsonl.gz" || $(BIN)/python -m recipes.embedded.beside "$(DATA)" "$(WORK)" --judge "$(WORK)/judge" --model "$(WORK)/base"
	@test -e "$(WORK)/groups/faq.jsonl.gz" || $(BIN)/python -m recipes.embedded.faq "$(WORK)" --judge "$(WORK)/judge" --model "$(WORK)/base"
	@$(BIN)/python -m recipes.embedded.train "$(WORK)" --dial $(or $(DIAL),1.0) --phase fifth
	@$(BIN)/python -m recipes.embedded.average "$(WORK)/judge" "$(WORK)/run-fifth/best" "$(WORK)/judge-fifth" --phase fifth
	@$(BIN)/python -m recipes.embedded.train "$(WORK)" --dial $(or $(DIAL),1.0) --phase sixth
	@$(BIN)/python -m recipes.embedded.train "$(WORK)" --dial $(or $(DIAL),1.0) --phase seventh
	@$(BIN)/python -m recipes.embedded.train "$(WORK)" --dial $(or $(DIAL),1.0) --phase eighth
	@$(BIN)/python -m recipes.embedded.train "$(WORK)" --dial $(or $(DIAL),1.0) --phase ninth
	@$(BIN)/python -m recipes.embedded.average "$(WORK)/judge-fifth" "$(WORK)/run-ninth/best" "$(WORK)/judge-ninth" --phase ninth
	@echo "==> 6 int8, 7 calibration"
	@$(BIN)/python -m recipes.embedded.pack "$(WORK)/judge-ninth" "$(WORK)/packed"
	@$(BIN)/python -m recipes.embedded.calibrate "$(WORK)" "$(WORK)/packed"
	@echo "==> 8 evaluation, $(or $(QUERIES),200) queries a set"
	@$(BIN)/python -m recipes.embedded.evaluate "$(EVAL)" "$(WORK)/scores" --model "$(WORK)/packed" --first-stage "$(WORK)/packed" --queries $(or $(QUERIES),200)
	@$(BIN)/python -m recipes.embedded.probes "$(WORK)" "$(EVAL)" "$(WORK)/probes.json" --model "$(WORK)/packed" --float "$(WORK)/judge-ninth"
	@$(BIN)/python -m recipes.embedded.report "$(WORK)/scores" --json "$(WORK)/report.json"

build: $(DEV) ## wheel and sdist, into dist
	@echo "==> dist"
	@rm -rf dist
	@$(BIN)/python -m build --no-isolation --outdir dist .

clean: ## remove what builds and tests left behind
	@rm -rf dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find src tests examples benchmarks recipes -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean ## ... and the venv
	@test ! -e $(VENV) || test -f $(VENV)/pyvenv.cfg || { echo "$(VENV) is not a virtual environment; not removed" >&2; exit 1; }
	@rm -rf $(VENV)

# A stamp is written only after its install succeeded, so an interrupted one is done again.
$(BASE): pyproject.toml constraints.txt
	@echo "==> $(VENV): installing adjudge (the first time downloads about 90 MB)"
	@$(INSTALL) --editable .
	@touch $@

$(DEV): pyproject.toml constraints.txt
	@echo "==> $(VENV): installing adjudge[dev] (the first time downloads torch and more)"
	@$(INSTALL) --editable ".[dev]"
	@touch $(BASE) $@

# No venv, or one that was interrupted or has lost its Python: make it anew before anything is installed in it.
HEALTHY := $(shell $(BIN)/python -c 'import sys, importlib.util as u; print(sys.version_info >= (3, 11) and u.find_spec("pip") is not None)' 2>/dev/null)
ifneq ($(HEALTHY),True)
$(BASE) $(DEV): venv
endif

venv:
	@if test -e $(VENV) && ! test -f $(VENV)/pyvenv.cfg; then \
	  echo "$(VENV) exists and is not a virtual environment; move it away or choose another: make VENV=..." >&2; exit 1; fi
	@for python in $(PYTHON); do \
	  version=$$($$python -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null) || continue; \
	  found="$$found $$python is $$version."; \
	  $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' || continue; \
	  $$python -c 'import ensurepip, venv' 2>/dev/null || { found="$$found It has no venv."; continue; }; \
	  echo "==> $(VENV): Python $$version ($$python)"; \
	  exec $$python -m venv --clear $(VENV); \
	done; \
	echo "adjudge needs Python 3.11 or newer with venv and pip.$${found:- No Python was found.}" >&2; \
	echo "Debian, Ubuntu: apt install python3 python3-venv    macOS: brew install python    others: https://www.python.org/downloads" >&2; \
	echo "Or name one that is elsewhere: make demo PYTHON=/path/to/python3.13" >&2; \
	exit 1
