# `make` lists the targets. CI runs only these targets (.ci/run).

.DEFAULT_GOAL := help
SHELL := /bin/sh
BIN := $(CURDIR)/bin

# A checkout that git cannot read (another owner, no commit yet) must build too: without the revision.
VCS := $(shell git rev-parse --verify --quiet HEAD >/dev/null 2>&1 && echo auto || echo false)
GO_BUILD := go build -buildvcs=$(VCS)

# Static programs. Tests and tools use the same setting, so that Go compiles each package once. Only the race
# detector needs cgo.
export CGO_ENABLED := 0

# TEMPORAL_CLI is the path of the Temporal CLI, for tests and programs that start a Temporal server.
WITH_TEMPORAL = TEMPORAL_CLI="$$(tools/temporal-cli.sh)"
# The connector's tests run the programs that are built before them.
WITH_CONNECTOR = $(WITH_TEMPORAL) BIN=$(BIN)

# Runs `go test`: prints a line per package, and at the end what failed, with its output.
GO_TEST := $(BIN)/gotestsum --format pkgname --hide-summary=skipped --

# Extra arguments of `go test`: make test TESTFLAGS='-run Sync -v'.
TESTFLAGS ?=
# Extra arguments of the target's program: make bench ARGS=--help.
ARGS ?=
# The connector for ConductorOne is a module of its own: what its SDK needs stays out of the worker and the starter.
CONNECTOR := starter/conductorone
# What releases and manifests need stays out of the worker and the starter too.
DEPLOY := deploy
# How many inputs each fuzz target gets, or how long it runs, such as 1m.
FUZZTIME ?= 20000x
# The release whose histories `make histories` records.
export RELEASE

##@ Use

# demo and dev use exec: a signal to make must reach the program, not a shell in between.
.PHONY: help
help: ## list the targets
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-zA-Z_\/-]+:.*## / { printf "  %-20s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo

.PHONY: demo
demo: build bin/demo temporal-cli ## start here: a tour of about 20 seconds on this machine: sync, request, approval, expiry, receipt
	@exec env $(WITH_TEMPORAL) bin/demo $(ARGS)

.PHONY: dev
dev: build bin/demo temporal-cli ## start the stack of the demo and keep it up until Ctrl-C, to try the commands yourself
	@exec env $(WITH_TEMPORAL) bin/demo --keep $(ARGS)

.PHONY: passwords
passwords: ## write random database passwords for docker compose into .env; those that are there stay
	@internal/compose/passwords.sh

.PHONY: build
build: bin/worker bin/starter bin/console-simulator ## build bin/worker, bin/starter and bin/console-simulator (static binaries)

.PHONY: conductorone
conductorone: bin/baton-sentinelone-provisioner ## build bin/baton-sentinelone-provisioner, the connector that ConductorOne drives

.PHONY: connector-files
connector-files: conductorone ## write what the connector's repository says of it: capabilities, settings, docs/connector.mdx
	cd $(CONNECTOR) && BIN=$(BIN) go test -count=1 -run '^TestFiles$$' . -update

##@ Check

.PHONY: check
check: lint workflowcheck test ## lint, workflowcheck and test: run this before each commit

.PHONY: fmt
fmt: bin/golangci-lint ## format every Go file
	bin/golangci-lint fmt ./...
	cd $(CONNECTOR) && $(BIN)/golangci-lint fmt ./...
	cd $(DEPLOY) && $(BIN)/golangci-lint fmt ./...

.PHONY: lint
lint: bin/golangci-lint ## check style, dependency rules, likely mistakes, formatting, and that go.mod is tidy
	bin/golangci-lint run ./...
	go mod tidy -diff
	cd $(CONNECTOR) && $(BIN)/golangci-lint run ./... && go mod tidy -diff
	cd $(DEPLOY) && $(BIN)/golangci-lint run ./... && go mod tidy -diff

.PHONY: workflowcheck
workflowcheck: bin/workflowcheck ## check that workflow code uses no clock, goroutine, channel or random source
	bin/workflowcheck ./workflows/...

.PHONY: test
test: build bin/demo conductorone bin/baton bin/gotestsum temporal-cli ## run all tests; some twenty minutes on 2 cores
	$(WITH_TEMPORAL) $(GO_TEST) -timeout 40m $(TESTFLAGS) ./...
	$(WITH_CONNECTOR); export TEMPORAL_CLI BIN; cd $(CONNECTOR) && $(GO_TEST) -timeout 40m $(TESTFLAGS) ./...
	cd $(DEPLOY) && $(GO_TEST) $(TESTFLAGS) ./...

.PHONY: race
race: build conductorone bin/baton bin/gotestsum temporal-cli ## run all tests under the race detector (needs gcc)
	$(WITH_TEMPORAL) CGO_ENABLED=1 $(GO_TEST) -race -timeout 40m $(TESTFLAGS) ./...
	$(WITH_CONNECTOR) CGO_ENABLED=1; export TEMPORAL_CLI BIN CGO_ENABLED; cd $(CONNECTOR) && $(GO_TEST) -race -timeout 40m $(TESTFLAGS) ./...

.PHONY: replay
replay: ## replay the committed histories against the current workflow code
	go test -count=1 -run Replay $(TESTFLAGS) ./workflows/...

.PHONY: cover
cover: build bin/demo temporal-cli ## measure test coverage by function; the profile is coverage.out
	$(WITH_TEMPORAL) go test -timeout 30m -coverpkg=./... -coverprofile=coverage.out $(TESTFLAGS) ./...
	go tool cover -func=coverage.out | tail -n 40

##@ Long runs

.PHONY: soak
soak: build bin/gotestsum temporal-cli fuzz ## run the long tests: every fuzz target, many kills, large consoles, an adversary, chaos (tests named TestSoak…, build tag soak)
	$(WITH_TEMPORAL) $(GO_TEST) -tags soak -run '^TestSoak' -p 1 -count=1 -timeout 60m $(TESTFLAGS) ./...

.PHONY: fuzz
fuzz: ## run every fuzz target: make fuzz FUZZTIME=1m
	tools/fuzz.sh $(FUZZTIME)

.PHONY: bench
bench: build temporal-cli ## measure syncs and grants against their lower bounds: make bench ARGS=--help
	@$(WITH_TEMPORAL) go run ./internal/bench $(ARGS)

##@ Maintain

.PHONY: histories
histories: temporal-cli ## record workflow histories of merged code, for replay: make histories RELEASE=0.4.0
	$(WITH_TEMPORAL) go test -tags record -run '^TestRecordHistories$$' -count=1 -v ./internal/e2e

.PHONY: search-attributes
search-attributes: temporal-cli ## register our search attributes at TEMPORAL_ADDRESS (workers do this if they have the permission)
	@cli="$$(tools/temporal-cli.sh)"; for a in State:Keyword Kind:Keyword RoleId:Keyword Console:Keyword Deadline:Datetime Pending:Keyword; do \
		"$$cli" operator search-attribute create --name SentinelOne$${a%:*} --type $${a#*:} || exit 1; done

.PHONY: tidy
tidy: ## update go.mod and go.sum to what the code imports
	go mod tidy
	cd $(CONNECTOR) && go mod tidy
	cd $(DEPLOY) && go mod tidy

.PHONY: image
image: ## build the container images: the one of docker-compose.yaml, and the connector's
	docker build --tag sentinelone-provisioner:local .
	docker build --target connector --tag baton-sentinelone-provisioner:local .

.PHONY: release
release: ## build a release of the commit into dist/: static programs for amd64 and arm64, SBOMs, images as files, checksums
	@go run -C $(DEPLOY) ./release --root .. --out $(CURDIR)/dist $(ARGS)

.PHONY: tools
tools: bin/golangci-lint bin/workflowcheck bin/temporal ## build every pinned tool into bin/

# Always run: Go itself decides whether it must build anything.
.PHONY: bin/worker bin/starter bin/console-simulator bin/demo bin/baton-sentinelone-provisioner
bin/worker:
	@$(GO_BUILD) -o $(BIN)/worker ./worker
bin/starter:
	@$(GO_BUILD) -o $(BIN)/starter ./starter
bin/console-simulator:
	@$(GO_BUILD) -o $(BIN)/console-simulator ./internal/consoletest/console-simulator
bin/demo:
	@$(GO_BUILD) -o $(BIN)/demo ./internal/demo

bin/baton-sentinelone-provisioner:
	@cd $(CONNECTOR) && $(GO_BUILD) -o $(BIN)/baton-sentinelone-provisioner .

bin/baton: $(CONNECTOR)/go.mod $(CONNECTOR)/go.sum ## build the baton CLI, at the version pinned in starter/conductorone/go.mod
	@echo "building the baton CLI into bin/baton: only once, takes a minute"
	@cd $(CONNECTOR) && go build -o $(BIN)/baton github.com/conductorone/baton-sdk/cmd/baton

# The program says which of the two it is, and how long it takes, before it starts.
bin/temporal: tools/go.mod tools/go.sum tools/temporal-cli.pins ## download the official Temporal CLI, pinned in tools/; build it where it cannot be had, or with TEMPORAL_CLI_DOWNLOAD=never
	@[ "$$(go run -buildvcs=false ./internal/temporalcli --out $(BIN)/temporal)" = done ] || { cd tools && go build -o $(BIN)/temporal \
		-ldflags "-s -w -X github.com/temporalio/cli/temporalcli.Version=$$(go list -m -f '{{slice .Version 1}}' github.com/temporalio/cli)" \
		github.com/temporalio/cli/cmd/temporal || { echo "The Temporal CLI can be neither downloaded nor built (see above): install it" \
		"(https://docs.temporal.io/cli), 1.3 or newer, on PATH or as TEMPORAL_CLI=FILE, or set TEMPORAL_CLI_DOWNLOAD to the URL of a mirror" >&2; \
		exit 1; }; }

.PHONY: temporal-cli-pins
temporal-cli-pins: ## write tools/temporal-cli.pins for the version in tools/go.mod, from the checksums of its release
	go run -buildvcs=false ./internal/temporalcli \
		--pin "$$(cd tools && go list -m -f '{{.Version}}' github.com/temporalio/cli)"

bin/golangci-lint: tools/lint/go.mod tools/lint/go.sum
	@echo "building golangci-lint into bin/: only once, takes some minutes"
	@cd tools/lint && go build -o $(BIN)/ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

bin/workflowcheck: tools/lint/go.mod tools/lint/go.sum
	@echo "building workflowcheck into bin/"
	@cd tools/lint && go build -o $(BIN)/ go.temporal.io/sdk/contrib/tools/workflowcheck

bin/gotestsum: tools/test/go.mod tools/test/go.sum
	@echo "building gotestsum into bin/"
	@cd tools/test && go build -o $(BIN)/ gotest.tools/gotestsum

# Use the machine's Temporal CLI if it is recent enough; else build ours.
.PHONY: temporal-cli
temporal-cli:
	@cli="$$(tools/temporal-cli.sh)" && case "$$cli" in "$(BIN)/temporal") $(MAKE) --no-print-directory bin/temporal ;; esac

##@ Clean up

.PHONY: clean
clean: ## remove what was built, except the tools, which take minutes to build
	rm -rf bin/worker bin/starter bin/console-simulator bin/demo bin/baton-sentinelone-provisioner .demo coverage.out dist

.PHONY: clean-tools
clean-tools: ## remove the built tools too
	rm -f bin/temporal bin/golangci-lint bin/workflowcheck bin/baton
