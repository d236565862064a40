# `make` alone lists what there is. Everything here works on a fresh checkout
# with Go, Node and a shell; each target installs what it needs, and no more.

FUZZTIME ?= 20s

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z][a-z0-9-]*:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build ## Run the site on http://localhost:3000, with demo data
	@APP_ENV=development exec bin/foyer serve

test: ## Everything: Go tests with the race detector, a real browser, other clients and servers
	@scripts/test.sh all

test-unit: ## The Go tests
	@scripts/test.sh unit

e2e: ## The browser tests; ARGS="-g 'sign out'" picks some
	@scripts/test.sh e2e $(ARGS)

interop: ## Other people's clients, the proxies of deploy/, other servers behind the site and as the referee; ARGS="-g stanza" picks clients
	@scripts/test.sh interop $(ARGS)

patches: ## The proof that each patch of Converse has a test that fails without it; ARGS="words names" picks some
	@scripts/test.sh patches $(ARGS)

bench: tools assets ## Measure it, beside Prosody and ejabberd where they are installed; ARGS="-servers foyer -steps room"
	@scripts/bench.sh -o bench/RESULTS.md $(ARGS)

soak: tools assets ## People who talk beside each attacker in turn, 12 minutes each; ARGS="-soak 1m -steps X-50" is a quick look
	@scripts/bench.sh -soak 10m $(ARGS)

microbench: tools assets ## The Go benchmarks
	go test -run '^$$' -bench . -benchmem ./...

fuzz: tools assets ## Every fuzz target for FUZZTIME (20s); FUZZTIME="--total 30m" shares that among them
	@scripts/fuzz.sh $(FUZZTIME)

lint: tools ## Formatting, vet, staticcheck, the arrows between packages, go.mod, TypeScript
	@scripts/lint.sh

audit: tools ## Known holes in the Go release, the modules and the npm packages
	@scripts/audit.sh

assets: ## Fetch what browsers need, and bundle it: Converse, Turbo, Pico, static/js, static/css
	@scripts/npm.sh run
	@node scripts/assets.mjs

build: tools assets ## The program, bin/foyer
	@CGO_ENABLED=0 go build -trimpath -o bin/foyer .

tools:
	@bash -c '. scripts/lib.sh; need_go'

.PHONY: help run test test-unit e2e interop patches bench soak microbench fuzz lint audit assets build tools
