# `make demo` and `make test` are all a newcomer needs; both set up first what is missing.
.PHONY: setup setup-test demo test bench lint

setup:
	@tools/setup.sh demo

setup-test:
	@tools/setup.sh test

# Serve a real study and its results until Ctrl-C; `make demo ONCE=1` checks all outputs and exits.
demo: setup
	@.venv/bin/airgate demo $(if $(filter-out 0 no,$(ONCE)),--once)

# Much of the time is spent waiting for servers, so four at once on two cores, the long files first.
test: setup-test
	@.venv/bin/pytest -n 4 --dist loadfile --no-loadscope-reorder

# A report with ratios against a naive script and Orthanc's DICOMweb plug-in; not a timed test.
bench: setup-test
	@.venv/bin/python -m tests.bench

lint: setup-test
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/pyright
