# Short names for CONTRIBUTING.md's commands.

.PHONY: build wheels test proofs lint docs bench coverage sanitize sanitize-threads \
	fuzz soak emulated nightly

build: # the core, in place
	python setup.py -q build_ext --inplace

test: build
	python -m pytest -q

proofs: build # the tests that take a minute or more
	python -m pytest -q -m slow

wheels: # dist/*.whl for Linux, by each CPython of this machine; see tests/support/wheels.py
	python tests/support/wheels.py

lint:
	ruff check . && ruff format --check . && mypy
	clang-format --dry-run --Werror src_c/*.h src_c/*/*.[ch] src_c/*/*.inc tests/support/*.c tests/support/*.inc fuzz/*.c fuzz/*.inc

docs: build # docs/_build/index.html
	python -m sphinx -W --keep-going -q -b html docs docs/_build

bench: build
	python -m pytest bench

coverage: # the lines and branches of src_c that its tests reach
	tests/support/coverage.sh 98 75

sanitize: # the core's tests under AddressSanitizer and UndefinedBehaviorSanitizer
	tests/support/sanitize.sh

sanitize-threads: # the team and its gangs under ThreadSanitizer
	GRU_C_TEST_CFLAGS="-fsanitize=thread -g -O1" python -m pytest -q tests/core/test_guards.py

MINUTES = 30

fuzz: build # the core's entry points and each reader of files, for MINUTES each
	fuzz/run.sh $(MINUTES)

soak: build # mixed work in one process, for MINUTES; nothing may grow
	PYTHONPATH=. python tests/support/soak.py $(MINUTES)

emulated: # the core on other machines, under QEMU
	tests/support/emulated.sh

nightly: proofs sanitize sanitize-threads coverage emulated fuzz soak # all that takes long
