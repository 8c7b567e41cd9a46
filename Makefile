# The commands of this house. `make` alone lists them.
#
# Go 1.26 and git are all that must be there; every other tool is pinned below,
# compiled by `go run` and cached by Go. Only the race detector needs gcc.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

GO ?= go
GOLANGCI := $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
HELM := $(GO) run helm.sh/helm/v3/cmd/helm@v3.22.0
HELM_DOCS := $(GO) run github.com/norwoodj/helm-docs/cmd/helm-docs@v1.14.2 \
	--chart-search-root charts/cdrelay --sort-values-order file --skip-version-footer
# Its module has a replace directive, which go run module@version refuses; so the
# version and all sums stand in a go.mod of its own. Service discovery is left out.
PROMTOOL := $(GO) run -modfile=.ci/promtool.mod -tags=remove_all_sd github.com/prometheus/prometheus/cmd/promtool

# Modules of their own: the product's go.mod names only what the product is made of.
# The tests of TESTBED start the binary or need other things than the product does.
TESTBED := internal/testbed
MODULES := .ci/ship charts/tests $(TESTBED)

# One static binary; the tests under the race detector alone switch cgo on.
export CGO_ENABLED := 0

# Without the paths in it, what one checkout has compiled serves all others, and the
# tests and the linters share it with the binary.
export GOFLAGS := $(strip $(filter-out -trimpath,$(GOFLAGS)) -trimpath)

# The same commit gives the same binary: no paths, no VCS stamp of Go's own, and
# the version from git. Without git (a source archive) the version is "devel".
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
BUILD := -trimpath -buildvcs=false -ldflags '-s -w -X main.version=$(VERSION)'

# How long each fuzz target runs; `make verify` takes a short look only.
FUZZTIME ?= 30s

# Reads `go test -json`, and leaves the counts and ends of the tests in bin/tally:
# for .ci/run, and for `make complete`.
TALLY := $(GO) run ./.ci -name

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: ## show the whole thing at work: receive, convert, route, retry, deliver; leaves the server up
	@echo "==> run: the demo, with stand-in sinks and sample callbacks; Ctrl-C ends it"
	@$(GO) run ./cmd/cdrelay demo

# The Dockerfile and .ci/ship build by this, too, for other platforms and places.
OUT ?= bin/cdrelay

.PHONY: build
build: ## build the static binary bin/cdrelay
	@echo "==> build: $(OUT), version $(VERSION)"
	@$(GO) build $(BUILD) -o $(OUT) ./cmd/cdrelay

SHIP := $(GO) run -C .ci/ship .

.PHONY: image
image: ## build the image with docker, for this machine, as cdrelay:$(VERSION)
	@echo "==> image: cdrelay:$(VERSION)"
	@SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct 2>/dev/null || echo 0) docker build -t cdrelay:$(VERSION) \
		--build-arg SOURCE_DATE_EPOCH --build-arg GO_VERSION=$$($(GO) env GOVERSION | sed 's/^go//') \
		--build-arg VERSION=$(VERSION) --build-arg REVISION=$$(git rev-parse HEAD 2>/dev/null || echo unknown) .

.PHONY: image-oci
image-oci: ## write the image for amd64 and arm64 as an OCI archive into bin, without a container engine
	@echo "==> image-oci: linux/amd64 and linux/arm64, version $(VERSION)"
	@$(SHIP) image -version '$(VERSION)'

.PHONY: release
release: ## write all that a release hands out into bin/release; nothing is uploaded
	@echo "==> release: archives, bills of materials, image, chart, notes and checksums of $(VERSION)"
	@rm -rf bin/release
	@$(SHIP) release -version '$(VERSION)' -helm '$(HELM)'
	@cd bin/release && sha256sum --check --quiet SHA256SUMS && ls -sh

.PHONY: ship
ship: ## test the image, run what is in it with nothing around it, and rehearse a release
	@echo "==> ship: the image and the release"
	@CDRELAY_HELM='$(HELM)' $(GO) test -C .ci/ship -json -count=1 ./... | $(TALLY) ship

.PHONY: test
test: ## run all tests
	@echo "==> test: go test ./..., here and in $(TESTBED)"
	@$(MAKE) --no-print-directory --keep-going -j2 test-product test-testbed

.PHONY: test-product test-testbed
test-product:
	@$(GO) test -timeout 20m ./...
test-testbed:
	@$(GO) test -C $(TESTBED) -timeout 20m ./...

.PHONY: verify
verify: FUZZTIME := 3s
verify: fmt-check tidy-check vet lint test-race test-static fuzz monitoring chart ship browser crm complete vuln ## everything that CI checks
	@echo "==> verify: all checks passed"

.PHONY: fmt
fmt: ## format the code
	@echo "==> fmt: gofumpt and import order"
	@$(GOLANGCI) fmt

.PHONY: fmt-check
fmt-check: ## fail where `make fmt` would change something
	@echo "==> fmt-check: gofumpt and import order"
	@$(GOLANGCI) fmt --diff

.PHONY: lint
lint: ## run the linters of .golangci.yml
	@echo "==> lint: golangci-lint"
	@$(GOLANGCI) run ./... ./.ci
	@for m in $(MODULES); do (cd $$m && $(GOLANGCI) run ./...); done

.PHONY: vet
vet: ## run go vet
	@echo "==> vet: go vet ./..."
	@$(GO) vet ./...
	@for m in $(MODULES); do $(GO) vet -C $$m ./...; done

.PHONY: tidy-check
tidy-check: ## fail where `go mod tidy` would change something
	@echo "==> tidy-check: go.mod and go.sum"
	@$(GO) mod tidy -diff
	@for m in $(MODULES); do $(GO) mod tidy -C $$m -diff; done

# Each test runs once in `make verify`. Its name says where:
#
#   …NoRace          without the race detector: it measures the memory or the speed
#                    of the binary that is shipped, builds it, or computes for long
#                    in one goroutine
#   TestBrowser…     in `make browser`
#   TestMonitoring…  in `make monitoring`
#   all others       under the race detector
#
# and TestScripts a second time, since names and certificates are looked up in
# another way without cgo. `make complete` compares what ran with what there is.
NORACE := NoRace$$
TWICE := ^TestScripts$$
ELSEWHERE := ^TestBrowser|^TestMonitoring

# SQLite is C that was translated to Go, with locks of its own: the race detector
# makes it ten times slower and sees nothing of ours in it.
RACE := -race -gcflags=modernc.org/...=-race=false

# SEED=<number> repeats the kills and power cuts of a run, as far as processes can be
# repeated.
CRASH_ENV = CDRELAY_CRASH_SEED=$(SEED) CDRELAY_CRASH_KILLS=$(KILLS) CDRELAY_CRASH_CUTS=$(CUTS)

# The tests that start the binary take the one that this names and build none.
BINARY = CDRELAY_BINARY='$(CURDIR)/bin/$(1)'

# A process that has found a race ends at once. At its end each waits for races of its
# last moment: a tenth of a second and not a whole one, because the scripts start some
# hundred commands.
GORACE := halt_on_error=1 atexit_sleep_ms=100

.PHONY: test-race
test-race race-product race-testbed: export CGO_ENABLED := 1
test-race race-product race-testbed: KILLS ?= 20
test-race race-product race-testbed: CUTS ?= 20
test-race: ## run the tests under the race detector (needs gcc): SEED=… KILLS=20 CUTS=20
	@echo "==> test-race: the tests under the race detector"
	@$(GO) build $(RACE) -buildvcs=false -o bin/race/cdrelay ./cmd/cdrelay
	@$(MAKE) --no-print-directory --keep-going -j2 race-product race-testbed

# The testbed waits most of the time, and looks at how long things take: the other
# tests run beside it and make way. They wait, too: three packages at a time keep two
# processors busy. `make vet` has looked at all of them; no result is one from before,
# which does not know of another binary.
RACE_TESTS = $(call BINARY,race/cdrelay) GORACE='$(GORACE)' $(CRASH_ENV) \
	$(GO) test $(1) $(RACE) -vet=off -count=1 -skip '$(NORACE)|$(ELSEWHERE)' -parallel 4 -timeout 20m -json
.PHONY: race-product race-testbed
race-product:
	@$(call RACE_TESTS,-p 3) -exec 'nice -n 10' ./... | $(TALLY) race
race-testbed:
	@$(call RACE_TESTS,-C $(TESTBED)) ./... | $(TALLY) race-testbed

.PHONY: test-static
test-static: build ## run the tests named …NoRace, as the binary is built
	@echo "==> test-static: tests without cgo and race detector"
	@$(MAKE) --no-print-directory --keep-going -j2 static-product static-testbed

STATIC_TESTS = $(call BINARY,cdrelay) $(GO) test $(1) -vet=off -count=1 -run '$(NORACE)|$(TWICE)' -timeout 20m -json
.PHONY: static-product static-testbed
static-product:
	@$(call STATIC_TESTS,) -exec 'nice -n 10' $$(grep -rlE --include='*_test.go' 'func Test(\w*NoRace|Scripts)\(' adapter cmd internal sinks | \
		grep -v '^$(TESTBED)/' | xargs dirname | sort -u | sed 's|^|./|') | $(TALLY) static
static-testbed:
	@$(call STATIC_TESTS,-C $(TESTBED)) ./crash | $(TALLY) static-testbed

.PHONY: complete
complete: ## compare the tests that there are with those that the parts of `make verify` ran
	@echo "==> complete: every test ran in some part"
	@$(GO) run ./.ci -complete . $(MODULES)

.PHONY: crash
crash: KILLS ?= 500
crash: CUTS ?= 200
crash: IDLE ?= 10000
crash: ## run the long crash tests: SEED=… KILLS=500 CUTS=200 IDLE=10000
	@echo "==> crash: $(KILLS) kills, $(CUTS) power cuts, $(IDLE) idle connections, clocks, overload; about 15 minutes"
	@mkdir -p bin
	@$(CRASH_ENV) CDRELAY_CRASH_IDLE=$(IDLE) CDRELAY_CRASH_LONG=1 $(GO) test -C $(TESTBED) -v -run Crash -count=1 -timeout 2h ./crash | \
		tee bin/crash.log

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME (30s) each
	@echo "==> fuzz: every fuzz target, $(FUZZTIME) each"
	@GO='$(GO)' .ci/fuzz $(FUZZTIME)

.PHONY: chart
chart: build ## test the charts and docs/install: render, decode, run what is rendered
	@echo "==> chart: charts/tests, a module of its own"
	@$(PROMTOOL) --version >/dev/null # both are compiled before the tests' time runs
	@$(HELM_DOCS) --help >/dev/null
	@$(call BINARY,cdrelay) CDRELAY_PROMTOOL='$(PROMTOOL)' CDRELAY_HELM_DOCS='$(HELM_DOCS)' $(GO) test -C charts/tests -json -count=1 ./... | $(TALLY) chart

.PHONY: manifests
manifests: ## write docs/install/kubernetes/cdrelay.yaml, the chart's schema of the configuration and its golden files
	@echo "==> manifests: what the chart renders now; read the change"
	@$(GO) test -C charts/tests -count=1 -run '^(TestGolden|TestManifest|TestSchemaOfConfiguration)$$' ./... -update

.PHONY: chart-readme
chart-readme: ## make the chart's README and its copies of alerts and dashboard anew
	@echo "==> chart-readme: charts/cdrelay"
	@cp docs/monitoring/alerts.yaml docs/monitoring/grafana.json charts/cdrelay/files/
	@$(HELM_DOCS) --log-level warning

.PHONY: monitoring
monitoring: ## check alerts, their tests and the dashboard's queries with promtool
	@echo "==> monitoring: promtool over docs/monitoring"
	@CDRELAY_PROMTOOL='$(PROMTOOL)' $(GO) test -json -run '^TestMonitoring' -count=1 -timeout 30m ./internal/house ./internal/app | $(TALLY) monitoring

# axe-core judges contrast, labels and headings. Its licence is MPL-2.0, so that
# it is fetched and not kept here.
AXE := 4.10.3

.PHONY: vuln
vuln: ## look for known vulnerabilities in what the binary calls (needs their database)
	@echo "==> vuln: govulncheck"
	@GO='$(GO)' .ci/vuln

.PHONY: crm
crm: ## hold the requests of the CRM presets against the types of the vendors' SDKs (needs npm)
	@echo "==> crm: golden requests, compiled by tsc"
	@.ci/crm

.PHONY: browser
browser: ## test the dashboard in a headless Chromium; pictures are left in bin/screenshots
	@echo "==> browser: every page, mended and replayed by clicks, keyboard, contrast"
	@mkdir -p bin/axe
	@if [ ! -e bin/axe/axe-$(AXE).min.js ] && command -v npm >/dev/null; then \
		cd bin/axe && npm pack --silent axe-core@$(AXE) >/dev/null && tar -xzOf axe-core-$(AXE).tgz package/axe.min.js >axe.part && \
		mv axe.part axe-$(AXE).min.js && rm axe-core-$(AXE).tgz || echo "axe-core could not be fetched"; fi
	@CDRELAY_BROWSER=1 $(GO) test -C $(TESTBED) -json -run '^TestBrowser' -count=1 -timeout 4m ./pages | $(TALLY) browser

# Generator, sink and rivals are processes of their own, which this program starts.
BENCH := $(GO) build -C $(TESTBED) -o ../../bin/bench/bench ./bench && bin/bench/bench

.PHONY: bench
bench: ROUNDS ?= 3
bench: FOR ?= 2s
bench: BACKLOG ?= 1000000
bench: ## measure cdrelay against its budgets, about five minutes: ROUNDS=3 FOR=2s BACKLOG=1000000
	@echo "==> bench: intake, end to end, backlog, memory, start, against rivals in turn; figures in bin/bench"
	@$(BENCH) run -rounds $(ROUNDS) -for $(FOR) -backlog $(BACKLOG)

.PHONY: bench-growth
bench-growth: ROUNDS ?= 3
bench-growth: FOR ?= 2s
bench-growth: STORED ?= 1000000
bench-growth: ## measure how costs grow with history, sinks, rules, bodies: ROUNDS=3 FOR=2s STORED=1000000
	@echo "==> bench-growth: CPU time per callback; figures and plot in bin/bench"
	@$(BENCH) growth -rounds $(ROUNDS) -for $(FOR) -stored $(STORED)

# The benchmarks of long queues and of a million calls are left out: they fill a
# file for minutes.
GO_BENCHED := ./adapter/... ./internal/call ./internal/delivery ./internal/expr ./internal/intake ./internal/outbound ./internal/route ./internal/spool/sqlite ./sinks/...

.PHONY: bench-go
bench-go: COUNT ?= 6
bench-go: ## run the Go benchmarks with allocations into bin/bench/go.txt: COUNT=6
	@echo "==> bench-go: go test -bench, $(COUNT) times"
	@mkdir -p bin/bench
	@$(GO) test -run '^$$' -bench . -skip "BenchmarkBacklog|BenchmarkListing" -benchmem -benchtime 300ms -count $(COUNT) $(GO_BENCHED) | tee bin/bench/go.part
	@mv bin/bench/go.part bin/bench/go.txt

.PHONY: bench-compare
bench-compare: NEW ?= bin/bench/go.txt
bench-compare: ## compare two runs of bench-go with benchstat: OLD=before.txt NEW=bin/bench/go.txt
	@$(GO) run golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da $(OLD) $(NEW)

.PHONY: bench-docs
bench-docs: ## measure all of it, on a quiet machine, and set the figures into docs/performance.md
	@$(MAKE) bench
	@$(MAKE) bench-growth
	@$(MAKE) bench-go
	@echo "==> bench-docs: docs/performance.md and its plot"
	@$(BENCH) docs
