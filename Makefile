# Breakwater. `make` alone lists the targets. STACK=name picks a stack (default: local), OFFSET=n its ports.
STACK ?= local
BREAKWATER = .venv/bin/breakwater
CHAOS = .venv/bin/python -m chaos
LOAD = .venv/bin/python -m loadtests
CONFORMANCE = .venv/bin/python -m conformance
BENCH = .venv/bin/python -m benchmarks
COMPILE = .venv/bin/uv pip compile -q --python-version 3.11 --generate-hashes --no-annotate --no-header
SHELL := /bin/sh
export OFFLINE # tools/setup and tools/build read it
.DEFAULT_GOAL := help

.PHONY: help up down plan policy status logs ask token env chaos chaos-list chaos-heal chaos-diff chaos-replay chaos-sabotage bench bench-guard load loads report rotate rollout rollouts rollout-resume rollout-abort replicas cluster schema drift conformance images bundle test lint tools lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {sub("[$$][$$]", "$$", $$2); printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: .venv/.ready tools ## bring the stack up, load the sample documents, answer a question (REPAIR=1: and repair what drifted; OFFLINE=1: from a bundle)
	@$(BREAKWATER) up --stack $(STACK) $(if $(OFFSET),--offset $(OFFSET)) $(if $(REPAIR),--repair) $(if $(OFFLINE),--offline)

down: .venv/.ready ## stop the stack; its data stays (PURGE=1 deletes it)
	@$(BREAKWATER) down --stack $(STACK) $(if $(PURGE),--purge)

plan: .venv/.ready tools ## what `up` would do: restarts, their order, downtime, extra memory; touches nothing
	@$(BREAKWATER) plan --stack $(STACK)

policy: .venv/.ready ## hold what a stack is to consist of to the rules: budget, images, isolation, secrets, ports
	@$(BREAKWATER) policy --stack $(STACK)

status: .venv/.ready ## what runs, how healthy it is, where a stand-in differs
	@$(BREAKWATER) status --stack $(STACK)

logs: .venv/.ready ## the components' logs (C=query for one, F=1 to follow)
	@$(BREAKWATER) logs --stack $(STACK) $(if $(F),--follow) $(C)

ask: .venv/.ready ## ask the stack a question (Q="why is there a breaker?")
	@$(BREAKWATER) ask --stack $(STACK) $(if $(Q),"$(Q)")

token: .venv/.ready ## a token for a day: export TOKEN=$$(make -s token) (CONSUMER=name for another consumer's)
	@$(BREAKWATER) token --stack $(STACK) $(if $(CONSUMER),--consumer $(CONSUMER))

env: .venv/.ready ## what prepares a shell for `pulumi`: eval "$$(make env)"
	@$(BREAKWATER) env --stack $(STACK)

chaos: .venv/.ready tools ## break a stack on purpose and prove that it survives (QUICK=1: 5 minutes; ONLY=expression)
	@$(CHAOS) run $(if $(QUICK),--quick) $(if $(ONLY),--only "$(ONLY)") $(if $(SEED),--seed $(SEED)) $(if $(KEEP),--keep)

chaos-list: .venv/.ready ## the experiments, and what each proves
	@$(CHAOS) list

chaos-heal: .venv/.ready ## undo what a killed chaos run left in force
	@$(CHAOS) heal

chaos-diff: .venv/.ready ## compare two chaos runs (A=folder B=folder)
	@.venv/bin/python -m chaos.scorecard diff "$(A)" "$(B)"

chaos-replay: .venv/.ready tools ## run a random schedule of an earlier run again (RUN=id/name)
	@$(CHAOS) replay "$(RUN)"

chaos-sabotage: .venv/.ready tools ## put defects into a stack and see the chaos suite notice each
	@$(CHAOS) sabotage

bench: .venv/.ready tools ## measure, as ratios against bounds (ONLY="names", QUICK=1); a record in reports/bench
	@$(BENCH) run $(if $(QUICK),--quick) $(ONLY)

bench-guard: .venv/.ready tools ## hold the cheap ratios to the committed baseline; fails on a drop beyond noise
	@$(BENCH) guard

report: .venv/.ready tools ## what cache, breakers and cluster change, measured: docs/proposals (QUICK=1 to try it)
	@.venv/bin/python -m benchmarks.before_after $(if $(QUICK),--quick) $(if $(SEED),--seed $(SEED))

load: .venv/.ready tools ## load a stack and hold it to its promises (SHAPE=sustained, see `make loads`; RATE=, WORKERS=, UI=1)
	@$(LOAD) run --shape $(or $(SHAPE),smoke) $(if $(RATE),--rate $(RATE)) $(if $(SECONDS),--seconds $(SECONDS)) $(if $(WORKERS),--workers $(WORKERS)) $(if $(UI),--ui 8089) $(if $(KEEP),--keep) $(if $(filter command environment,$(word 1,$(origin STACK))),--stack $(STACK))

loads: .venv/.ready ## the shapes of load, and what is asked in what shares
	@$(LOAD) list

rotate: .venv/.ready ## change the services' secret without a failed request (WHAT=tokens: the consumers')
	@$(BREAKWATER) rotate --stack $(STACK) $(if $(WHAT),--what $(WHAT)) $(if $(RETIRE),--retire)

rollout: .venv/.ready tools ## bring a new release to a stack step by step (RELEASE=folder or wheel, STRATEGY=canary, BAKE=60, WEIGHTS=, SERVICES=, CONFIRM=1)
	@$(BREAKWATER) rollout --stack $(STACK) --release "$(RELEASE)" $(if $(STRATEGY),--strategy $(STRATEGY)) $(if $(BAKE),--bake $(BAKE)) $(if $(WEIGHTS),--weights $(WEIGHTS)) $(if $(SERVICES),--services $(SERVICES)) $(if $(CONFIRM),--confirm)

rollout-resume: .venv/.ready tools ## go on with a rollout that is paused, or whose engine was stopped or killed
	@$(BREAKWATER) rollout resume --stack $(STACK)

rollout-abort: .venv/.ready tools ## take a rollout back, wherever it is
	@$(BREAKWATER) rollout abort --stack $(STACK)

rollouts: .venv/.ready ## the past rollouts of a stack (ID=one tells what happened in it)
	@$(BREAKWATER) rollouts --stack $(STACK) $(ID)

replicas: .venv/.ready ## compare the vector nodes' contents (REPAIR=1 makes them equal)
	@$(BREAKWATER) replicas --stack $(STACK) $(if $(REPAIR),--repair)

cluster: .venv/.ready ## the vector cluster; DO=single and DO=replicate switch to one node and back
	@$(BREAKWATER) cluster --stack $(STACK) $(DO)

drift: .venv/.ready ## where a running stack differs from what is wanted of it, why, and what repairs it
	@$(BREAKWATER) drift --stack $(STACK)

schema: .venv/.ready ## the database's migrations; DO=migrate, DO=rollback (the last one), DO="drop --yes"
	@$(BREAKWATER) schema --stack $(STACK) $(DO)

conformance: .venv/.ready ## whether a stack does what it has to, seen from outside (ONLY=text; OUTPUTS=file)
	@$(CONFORMANCE) $(if $(OUTPUTS),--outputs $(OUTPUTS),--stack $(STACK)) $(if $(ONLY),--only "$(ONLY)")

images: .venv/.ready ## build the images of services and jobs (RELEASE=, REGISTRY=, PUSH=1, BASE=, NETWORK=)
	@$(BREAKWATER) images --stack $(STACK) $(if $(RELEASE),--release $(RELEASE)) $(if $(REGISTRY),--registry $(REGISTRY)) $(if $(BASE),--base $(BASE)) $(if $(NETWORK),--network $(NETWORK)) $(if $(PUSH),--push)

bundle: .venv/.ready tools ## one archive that brings a stack up where there is no network (OUT=file, UNCOMMITTED=1)
	@$(BREAKWATER) bundle --stack $(STACK) $(if $(OUT),--output $(OUT)) $(if $(UNCOMMITTED),--uncommitted)

test: .venv/.ready tools ## format, lint, types, every test layer, coverage floors
	@tests/run

lint: .venv/.ready ## format, lint and types only
	@tests/run lint

tools: .venv/.ready ## build Toxiproxy and, where there is no pulumi, the Pulumi CLI
	@tools/build

lock: .venv/.ready ## resolve requirements.lock anew from pyproject.toml, and from it the images' locks
	$(COMPILE) pyproject.toml --group dev -o requirements.lock
	for of in services ingestion jobs; do $(COMPILE) images/$$of.in -c requirements.lock -o images/$$of.lock || exit; done

clean: ## remove what was installed and built here (not the stacks' data)
	rm -rf .venv .tools

.venv/.ready: requirements.lock pyproject.toml tools/setup
	@tools/setup
