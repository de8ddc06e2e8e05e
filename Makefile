# Every target installs what is missing into .venv first; nothing outside the checkout is touched.
export UV_SYSTEM_CERTS := 1
# Tests and demo start hundreds of processes: where a shell forbids it, each would compile again all that it imports.
unexport PYTHONDONTWRITEBYTECODE
SHELL := /bin/sh
PYTHON := .venv/bin/python
STAMP := .venv/.installed
# Three on two cores: those that kill and wait leave one idle.
BY_THREE := -n 3 --dist loadfile --no-loadscope-reorder
BY_TWO := -n 2 --dist loadfile --no-loadscope-reorder
TOOL := $(shell command -v uv 2>/dev/null || echo .venv/bin/uv)

.DEFAULT_GOAL := help
.PHONY: help demo run check contract test prove bench lock

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(STAMP) ## Import a list of old enquiries and work it for three weeks, with nothing configured
	@$(PYTHON) -m entrypoints.demo $(ARGS)

run: $(STAMP) ## Serve everything until Ctrl-C (ARGS="--workers 2")
	@exec $(PYTHON) -m entrypoints.cli up $(ARGS)

check: $(STAMP) ## Format, lint, types, the layers' borders, and the line of migrations
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy
	.venv/bin/lint-imports
	$(PYTHON) -m pytest --noconftest tests/architecture/test_migrations.py

contract: $(STAMP) ## One suite a port, on its sandbox and on its real adapters
	@$(PYTHON) -m pytest tests/contracts -rs $(BY_TWO) $(ARGS); status=$$?; [ $$status -eq 5 ] || exit $$status

test: $(STAMP) ## All tests but the contracts and the long proofs
	$(PYTHON) -m pytest tests --ignore tests/contracts -m "not prove" $(BY_THREE) $(ARGS)

prove: $(STAMP) ## The promises at full numbers; at most 40 minutes
	@said=$$(mktemp); $(PYTHON) -m pytest tests -rs -m "prove and lasting" $(ARGS) >$$said 2>&1 & lasting=$$!; \
		trap "kill $$lasting 2>/dev/null; rm -f $$said" EXIT; trap 'exit 130' INT TERM; \
		$(PYTHON) -m pytest tests -rs -m "prove and not alone and not lasting" $(BY_TWO) $(ARGS); together=$$?; \
		wait $$lasting; lasted=$$?; cat $$said; \
		$(PYTHON) -m pytest tests -rs -m "prove and alone" $(ARGS); alone=$$?; \
		for status in $$together $$lasted $$alone; do [ $$status -eq 0 ] || [ $$status -eq 5 ] || exit $$status; done

bench: $(STAMP) ## The figures of speed, each beside its bare counterpart
	$(PYTHON) -m benchmarks $(ARGS)

lock: $(STAMP) ## Pin what pyproject.toml asks for, with hashes, for every platform
	$(TOOL) pip compile pyproject.toml --universal --generate-hashes --all-extras --no-header --no-emit-index-url \
		--python-version 3.11 --output-file requirements.lock $(ARGS)

$(STAMP): requirements.lock
	@if command -v uv >/dev/null 2>&1; then \
		[ -x $(PYTHON) ] || uv venv --quiet --allow-existing --python '>=3.11' .venv; \
	else \
		[ -x $(PYTHON) ] || python3 -m venv .venv || { \
			rm -rf .venv; \
			echo "Install uv, or Python 3.11 or newer with its venv module (Debian: apt install python3-venv)." >&2; exit 1; }; \
		$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
			rm -rf .venv; echo "Install Python 3.11 or newer, or uv, which brings its own." >&2; exit 1; }; \
		[ -x .venv/bin/uv ] || { $(PYTHON) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m ensurepip >/dev/null; \
			$(PYTHON) -m pip install --quiet --disable-pip-version-check uv; }; \
	fi
	@$(TOOL) pip install --quiet --python $(PYTHON) --require-hashes -r requirements.lock
	@$(TOOL) pip install --quiet --python $(PYTHON) --no-build-isolation --no-deps -e .
	@touch $@
