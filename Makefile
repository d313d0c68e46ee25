# Type `make` to see what there is. CI runs these targets and nothing else (.ci/run).

.DEFAULT_GOAL := help
SHELL := /bin/sh
BIN := $(CURDIR)/bin

# A checkout that git refuses to read (another owner, no commit yet) must still build: then without the revision.
VCS := $(shell git rev-parse --verify --quiet HEAD >/dev/null 2>&1 && echo auto || echo false)
GO_BUILD := go build -buildvcs=$(VCS)

# Static programs. For tests and tools too, so that nothing is compiled twice; the race detector alone needs cgo.
export CGO_ENABLED := 0

# Tests and programs that need a Temporal server get the path of the CLI in TEMPORAL_CLI.
WITH_TEMPORAL = TEMPORAL_CLI="$$(tools/temporal-cli.sh)"

# Handed to `go test` as they are: make test TESTFLAGS='-run Sync -v'.
TESTFLAGS ?=
# Handed to the program of the target: make bench ARGS=--help.
ARGS ?=
# Which release histories are recorded of.
export RELEASE

##@ Use

# demo and dev are exec'ed: whoever stops make must reach them, not a shell between.
.PHONY: help
help: ## print this
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-zA-Z_\/-]+:.*## / { printf "  %-20s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo

.PHONY: demo
demo: build bin/demo temporal-cli ## see it work: simulated console, Temporal, worker; a sync, a role for five seconds, its consent and receipt; then stop
	@exec env $(WITH_TEMPORAL) bin/demo $(ARGS)

.PHONY: dev
dev: build bin/demo temporal-cli ## the same stack, kept up until Ctrl-C, with the web UI's address
	@exec env $(WITH_TEMPORAL) bin/demo --keep $(ARGS)

.PHONY: build
build: bin/worker bin/starter bin/console-simulator ## bin/worker, bin/starter and bin/console-simulator, static binaries

##@ Check

.PHONY: check
check: lint workflowcheck test ## what a commit needs

.PHONY: fmt
fmt: bin/golangci-lint ## format every Go file
	bin/golangci-lint fmt ./...

.PHONY: lint
lint: bin/golangci-lint ## style, dependency rules, likely mistakes, formatting, a tidy go.mod
	bin/golangci-lint run ./...
	go mod tidy -diff

.PHONY: workflowcheck
workflowcheck: bin/workflowcheck ## no clock, goroutine, channel or random source in workflow code
	bin/workflowcheck ./workflows/...

.PHONY: test
test: build bin/demo temporal-cli ## everything that proves the project; at most ten minutes on 2 cores
	$(WITH_TEMPORAL) go test -timeout 20m $(TESTFLAGS) ./...

.PHONY: race
race: build temporal-cli ## the same under the race detector (needs gcc)
	$(WITH_TEMPORAL) CGO_ENABLED=1 go test -race -timeout 40m $(TESTFLAGS) ./...

.PHONY: replay
replay: ## committed histories against the workflows as they are now
	go test -count=1 -run Replay $(TESTFLAGS) ./workflows/...

.PHONY: cover
cover: build bin/demo temporal-cli ## test coverage by function; the profile is coverage.out
	$(WITH_TEMPORAL) go test -timeout 30m -coverpkg=./... -coverprofile=coverage.out $(TESTFLAGS) ./...
	go tool cover -func=coverage.out | tail -n 40

##@ Deep

.PHONY: soak
soak: build temporal-cli ## what takes longer: many kills, large consoles (tests named TestSoak…, build tag soak)
	$(WITH_TEMPORAL) go test -tags soak -run '^TestSoak' -count=1 -timeout 60m $(TESTFLAGS) ./...

.PHONY: bench
bench: build temporal-cli ## what syncs and grants cost beside the least they could: make bench ARGS=--help
	@$(WITH_TEMPORAL) go run ./internal/bench $(ARGS)

##@ Make

.PHONY: histories
histories: temporal-cli ## record workflow histories of code that has landed, for replay: make histories RELEASE=0.1.0
	$(WITH_TEMPORAL) go test -tags record -run '^TestRecordHistories$$' -count=1 -v ./internal/e2e

.PHONY: search-attributes
search-attributes: temporal-cli ## make the Temporal server at TEMPORAL_ADDRESS know our search attributes (workers do it where they may)
	@cli="$$(tools/temporal-cli.sh)"; for a in State:Keyword Kind:Keyword RoleId:Keyword Console:Keyword Deadline:Datetime; do \
		"$$cli" operator search-attribute create --name SentinelOne$${a%:*} --type $${a#*:} || exit 1; done

.PHONY: tidy
tidy: ## make go.mod and go.sum say what the code needs
	go mod tidy

.PHONY: image
image: ## the container image, as docker-compose.yaml builds it
	docker build --tag sentinelone-provisioner:local .

.PHONY: tools
tools: bin/golangci-lint bin/workflowcheck bin/temporal ## build every pinned tool into bin/

# Go decides whether there is anything to do, so these always ask it.
.PHONY: bin/worker bin/starter bin/console-simulator bin/demo
bin/worker:
	@$(GO_BUILD) -o $(BIN)/worker ./worker
bin/starter:
	@$(GO_BUILD) -o $(BIN)/starter ./starter
bin/console-simulator:
	@$(GO_BUILD) -o $(BIN)/console-simulator ./internal/consoletest/console-simulator
bin/demo:
	@$(GO_BUILD) -o $(BIN)/demo ./internal/demo

bin/temporal: tools/go.mod tools/go.sum ## the official Temporal CLI, from the version pinned in tools/go.mod
	@echo "building the Temporal CLI into bin/temporal: once, and it takes some minutes"
	@cd tools && go build -o $(BIN)/temporal \
		-ldflags "-s -w -X github.com/temporalio/cli/temporalcli.Version=$$(go list -m -f '{{slice .Version 1}}' github.com/temporalio/cli)" \
		github.com/temporalio/cli/cmd/temporal

bin/golangci-lint: tools/lint/go.mod tools/lint/go.sum
	@echo "building golangci-lint into bin/: once, and it takes some minutes"
	@cd tools/lint && go build -o $(BIN)/ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

bin/workflowcheck: tools/lint/go.mod tools/lint/go.sum
	@echo "building workflowcheck into bin/"
	@cd tools/lint && go build -o $(BIN)/ go.temporal.io/sdk/contrib/tools/workflowcheck

# The Temporal CLI of the machine serves if it is recent enough; else ours is built.
.PHONY: temporal-cli
temporal-cli:
	@cli="$$(tools/temporal-cli.sh)" && case "$$cli" in "$(BIN)/temporal") $(MAKE) --no-print-directory bin/temporal ;; esac

##@ Care

.PHONY: clean
clean: ## remove what was built, but not the tools that take minutes to build
	rm -rf bin/worker bin/starter bin/console-simulator bin/demo .demo coverage.out

.PHONY: clean-tools
clean-tools: ## remove the built tools too
	rm -f bin/temporal bin/golangci-lint bin/workflowcheck
