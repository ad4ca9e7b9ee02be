# The front door. Every target is a line or two of CMake or a script; `make help` lists them.

PRESET  ?= dev
PREFIX  ?= /usr/local
DESTDIR ?=
SECONDS ?= 60
REPOSITORIES ?= packferry=.
JOBS    ?= $(shell nproc)

.DEFAULT_GOAL := help
.PHONY: help setup build release test test-all integration integration-slow format tidy layers asan tsan faults simulate fuzz bench coverage install deb clean

help: ## this list
	@sed -n 's/^\([a-z][a-z-]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | awk -F'\t' '{printf "  make %-16s %s\n", $$1, $$2}'

setup: ## install what Debian 12 needs to build, run and test
	scripts/bootstrap

build: ## build program and tests (PRESET=dev, JOBS=all cores)
	cmake --preset $(PRESET)
	cmake --build build/$(PRESET) -j $(JOBS)

release: ## build what is installed
	cmake --preset release
	cmake --build build/release -j $(JOBS)

test: build ## unit tests and house rules: the everyday one, under two minutes
	ctest --test-dir build/$(PRESET) -j $(JOBS) --output-on-failure -LE 'integration|packaging'

integration: build ## the program between real servers on loopback
	ctest --test-dir build/$(PRESET) -j $(JOBS) --output-on-failure -L integration

integration-slow: build deb ## the printed buildspecs in an empty Debian, as CodeBuild runs them; needs root, five minutes
	PACKFERRY=$(CURDIR)/build/$(PRESET)/packferry PACKFERRY_DEB=$$(ls -t $(CURDIR)/dist/*.deb | head -1) \
	  PACKFERRY_CLEAN_ROOT=$(CURDIR)/build/clean-root python3 tests/integration/buildspec_test.py

test-all: ## everything that CI runs, under 25 minutes on two cores
	scripts/test-all

format: ## clang-format over all sources
	git ls-files -co --exclude-standard '*.h' '*.cc' | xargs clang-format -i

tidy: ## clang-tidy over src/
	scripts/tidy

layers: ## who includes whom, and third-party headers in their places
	scripts/check-layers

asan: ## all tests under AddressSanitizer and UBSan
	$(MAKE) build PRESET=asan
	ctest --test-dir build/asan -j $(JOBS) --output-on-failure -LE packaging

tsan: ## all tests under ThreadSanitizer
	$(MAKE) build PRESET=tsan
	ctest --test-dir build/tsan -j $(JOBS) --output-on-failure -LE packaging

faults: ## connections cut, bytes flipped, programs killed, for SECONDS=60 (FAULTS=--full for every byte: hours)
	$(MAKE) build
	scripts/faults --seconds $(SECONDS) $(FAULTS)

simulate: ## random histories, backed up, pruned, damaged, restored, against a model, for SECONDS=60
	$(MAKE) build
	scripts/simulate $(SECONDS)

fuzz: ## every fuzz target for SECONDS=60
	scripts/fuzz $(SECONDS)

bench: release ## side by side with git, on this machine (REPOSITORIES='NAME=PATH …')
	bench/replicate $(REPOSITORIES)
	bench/backup $(REPOSITORIES)

coverage: ## line and branch coverage of the unit tests, as text and as build/coverage/index.html
	$(MAKE) build PRESET=coverage
	ctest --test-dir build/coverage -j $(JOBS) --output-on-failure -LE packaging
	gcovr --root . --filter src/ --exclude '.*_test\.cc' --html-details build/coverage/index.html --txt --print-summary build/coverage

install: release ## install to $(DESTDIR)$(PREFIX)
	DESTDIR=$(DESTDIR) cmake --install build/release --prefix $(PREFIX) --strip

deb: release ## dist/packferry_VERSION_ARCH.deb
	cd build/release && cpack -G DEB -B $(CURDIR)/dist

clean: ## remove what was built
	rm -rf build dist
