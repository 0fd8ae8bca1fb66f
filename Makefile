# The same words on a laptop and in CI. `make demo` and `make test` need Python >= 3.11 and nothing else.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test check format lint types imports tests bench lock clean

demo: $(VENV)/.installed
	@$(BIN)/mlops-console demo $(ARGS)

test: check

check: $(VENV)/.installed-dev lint types imports tests

format: $(VENV)/.installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.installed-dev
	$(BIN)/mypy

imports: $(VENV)/.installed-dev
	$(BIN)/lint-imports

# Three on two cores: a test that waits for a process leaves its core to another.
tests: $(VENV)/.installed-dev
	$(BIN)/pytest -n 3 --dist loadgroup

bench: $(VENV)/.installed-dev
	@for each in tests/benchmarks/*.py; do echo "== $$each"; $(BIN)/python $$each; done

# requirements.lock pins every package that was tested; `make lock` writes it anew.
# uv installs in a tenth of pip's time; where it cannot be had or does not reach the index, pip does it.
define install
@$(BIN)/uv pip install --quiet --python $(BIN)/python $(1) 2>/dev/null \
	|| $(BIN)/pip install --quiet --disable-pip-version-check $(2)
endef

$(VENV)/.installed: pyproject.toml requirements.lock
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check 'uv>=0.8' 2>/dev/null || true
	$(call install,--compile-bytecode -r requirements.lock,-r requirements.lock)
	$(call install,--no-deps --editable .,--no-deps --editable .)
	@$(BIN)/python -m compileall -q console storage
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.lock
	$(call install,-r requirements-dev.lock,-r requirements-dev.lock)
	@touch $@

lock:
	rm -rf build/lock && $(PYTHON) -m venv build/lock
	build/lock/bin/pip install --quiet .
	build/lock/bin/pip freeze --exclude mlops-console --exclude pip --exclude setuptools > requirements.lock
	build/lock/bin/pip install --quiet --upgrade 'pip>=25.1' && build/lock/bin/pip install --quiet --group dev '.[dask,optuna]'
	build/lock/bin/pip freeze --exclude mlops-console --exclude pip --exclude setuptools > build/all.lock
	grep -vxFf requirements.lock build/all.lock > requirements-dev.lock

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
