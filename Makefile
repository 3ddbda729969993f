# Ten words: demo test lint type docs bench zoo web clean help. Each sets up what it needs in .venv on its first run.
# Choose the interpreter with `make demo PYTHON=python3.12`; hand options to pytest with `make test ARGS="-k split"`.

PYTHON ?=
ARGS ?=
BIN := .venv/bin
# Written by .ci/install when the set of packages is complete: enough to run, and all that developers need.
RUN := .venv/.installed-run
DEV := .venv/.installed-dev
# The studies whose bundles are shipped; the others are for the benchmarks.
ZOO := fna idc lung cytology-grade recurrence nuclei
# Those of them that are shipped as they were trained; of the others large weights are kept as float16.
EXACT := fna recurrence nuclei
PINS := pyproject.toml constraints.txt .ci/install

.DEFAULT_GOAL := help
.PHONY: demo test lint type docs bench zoo web clean help

demo: $(RUN)  ## Train, evaluate and predict on the Wisconsin table, scan a made slide; offline, under two minutes
	$(BIN)/cancernet demo

test: $(DEV)  ## Run every test that needs nothing but this checkout (and ../shared/data where it is)
	$(BIN)/pytest -n 2 --dist loadfile $(ARGS)

lint: $(DEV)  ## Check style, format and the order of the rooms
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports

type: $(DEV)  ## Check the types of the source
	$(BIN)/mypy

docs: $(DEV)  ## Build the documentation into docs/_build; a warning is an error
	@rm -rf docs/reference/generated
	$(BIN)/sphinx-build -q -E -W --keep-going docs docs/_build
	@echo "Read docs/_build/index.html"

bench: $(DEV)  ## Measure the numbers that docs/benchmarks.md quotes
	$(BIN)/python -m benchmarks $(ARGS)

zoo: $(DEV)  ## Train the shipped bundles again, one per file in studies/
	@set -e; for name in $(ZOO); do study=studies/$$name.toml; \
	  CANCERNET_DATA="$${CANCERNET_DATA:-../shared/data}" $(BIN)/cancernet train "$$study" --out "build/zoo/$$name" --force; \
	  case " $(EXACT) " in \
	    *" $$name "*) rm -rf "src/cancernet/zoo/$$name"; cp -R "build/zoo/$$name/bundle" "src/cancernet/zoo/$$name";; \
	    *) $(BIN)/cancernet export "build/zoo/$$name/bundle" --format float16 --out "src/cancernet/zoo/$$name" --force;; \
	  esac; \
	done

web:  ## Build the slide viewer (nothing to build yet)
	@echo "There is no viewer yet: it comes with the server room (docs/architecture.md). Nothing was built."

clean:  ## Remove what these words made; runs/ and .venv stay
	rm -rf build dist demo docs/_build docs/reference/generated .import_linter_cache .mypy_cache .pytest_cache .ruff_cache \
	  .hypothesis
	find src tests docs benchmarks studies -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

help:  ## Say what the words do
	@awk -F ':.*  ## ' '/^[a-z]+:.*  ## / {printf "make %-6s%s\n", $$1, $$2}' Makefile

$(RUN): $(PINS)
	@PYTHON="$(PYTHON)" .ci/install run

$(DEV): $(PINS)
	@PYTHON="$(PYTHON)" .ci/install dev
