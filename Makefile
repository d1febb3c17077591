# Thin targets over the CMake presets.  `make run` and `make test` do everything a fresh
# Debian 12 machine needs, the installation of packages included.
JOBS ?= $(shell nproc)
PREFIX ?= /usr/local
BUILD := build/release
PYTHON := /usr/bin/python3

.PHONY: all run test bench install docs clean setup build symbols coverage fuzz sanitize clang kissfft

all: build

setup:
	@tools/setup build

build: setup
	@mkdir -p build
	@cmake --preset release >build/configure.log 2>&1 || { cat build/configure.log; exit 1; }
	@cmake --build --preset release -j $(JOBS)

# Build, run all reproductions on embedded data, say where the report is.
run: build
	@$(BUILD)/norma reproduce all --quick --out norma-report $(if $(DATA),--data $(DATA))
	@echo
	@echo "The report: file://$(CURDIR)/norma-report/index.html"
	@echo "Next: $(BUILD)/norma list     $(BUILD)/norma help softmax"

test:
	@tools/setup test
	@$(MAKE) --no-print-directory build
	ctest --preset release -j $(JOBS)

# One more build, tested: make clang, make sanitize, make kissfft (whose own code is the FFT alone).
KISSFFT_TARGETS := test_fft test_ops_fft test_subspace
clang sanitize kissfft:
	@tools/setup test
	cmake --preset $@ >/dev/null
	cmake --build --preset $@ -j $(JOBS) $(if $(filter kissfft,$@),--target $(KISSFFT_TARGETS))
	ctest --preset $@ -j $(JOBS) $(CTEST_FLAGS)

# Named peers in a virtual environment, then every benchmark, as tables and bench/results/*.json.
bench: build
	@tools/setup bench
	bench/run $(BENCH)

# Every fuzz target for FUZZ_SECONDS, starting from its corpus.
FUZZ_SECONDS ?= 30
fuzz:
	@tools/setup test
	cmake --preset fuzz >/dev/null
	cmake --build --preset fuzz -j $(JOBS) --target fuzz_targets
	tools/fuzz build/fuzz $(FUZZ_SECONDS)

coverage:
	@tools/setup test
	cmake --preset coverage >/dev/null
	cmake --build --preset coverage -j $(JOBS)
	@# One case limits the size of files, which the counters of an instrumented program exceed.
	-ctest --preset coverage -j $(JOBS) -E 'python|reproduce|consumer|new_method'
	gcovr --root . --filter src/ --object-directory build/coverage --print-summary \
	  --html build/coverage/coverage.html --exclude-unreachable-branches
	@echo "Line by line: file://$(CURDIR)/build/coverage/coverage.html"

install: build
	cmake --install $(BUILD) --prefix $(PREFIX)

# Pages and lists that are made from the descriptors and the symbols, and kept in git.
docs: build
	$(BUILD)/norma reference docs/reference
	NORMA_LIBRARY=$(BUILD)/libnorma.so PYTHONPATH=python $(PYTHON) -m norma.stubs
symbols: build
	tools/symbols $(BUILD)/libnorma.so >cmake/symbols.txt

clean:
	rm -rf build norma-report
