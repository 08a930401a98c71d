# Thin on purpose: a target is a script or two. `make` alone says what there is.
PREFIX ?= /usr/local
MAKEFLAGS += --no-print-directory
build = packaging/configure.sh build -Dprefix=$(PREFIX) -Dtests=disabled && ninja -C build --quiet
setup = $(if $(filter no,$(SETUP)),true,packaging/setup.sh)

.PHONY: help all run test bench install uninstall torture fuzz mutants models lint arm64 clean

help: ## this list
	@echo 'Switchgear. Targets:'
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile
	@echo 'Variables:'
	@echo '  CC=clang  SANITIZE=address,undefined|thread  HOLD=1  PREFIX=/usr/local  DESTDIR='
	@echo '  YES=1: set up without asking   SETUP=no: use what is installed'

all: ## build the library, the program, the adapters and the examples into build/
	@$(setup) run
	@$(build)

run: ## an outage to watch: four processes, one failing server, with and without protection (HOLD=1 keeps it going)
	@$(setup) run
	@$(build)
	@build/examples/outage $(if $(filter 1,$(HOLD)),--hold)

test: ## everything this machine can run (SANITIZE=... for one sanitizer only)
	@$(setup) test
	@tests/run.sh $(if $(SANITIZE),sanitize)

bench: ## speed, as ratios against baselines measured in the same run; writes build/bench.json
	@$(setup) bench
	@$(build)
	@build/bench/bench --json build/bench.json
	@if [ -x build/bench/driver ]; then bench/agent/measure.py build --json build/bench.json; fi

install: ## library, headers, program, man pages, completion below DESTDIR/PREFIX
	@$(setup) install
	@$(build)
	@DESTDIR='$(DESTDIR)' meson install -C build --no-rebuild --quiet
	@if [ -z '$(DESTDIR)' ] && [ "$$(id -u)" -eq 0 ]; then ldconfig; fi

uninstall: ## take away what install put there
	@$(build)
	@packaging/uninstall.sh '$(DESTDIR)'

torture: ## kill -9 torture until stopped
	@$(setup) test
	@tests/run.sh --unbounded torture

fuzz: ## fuzz the panel file until stopped
	@$(setup) test
	@tests/run.sh --unbounded fuzz

mutants: ## build each known-wrong variant and show which check turns red
	@$(setup) test
	@tests/run.sh mutants

models: ## model-check the algorithms with spin
	@$(setup) test
	@tests/run.sh models

arm64: ## cross-build for arm64 and run the unit tests under qemu-user
	@$(setup) test
	@tests/run.sh arm64

lint: ## clang-format and clang-tidy
	@$(setup) lint
	@tests/lint.sh

clean: ## remove build/
	@rm -rf build build.log
