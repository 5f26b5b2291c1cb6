# Breakwater. `make` alone lists the targets. STACK=name picks a stack (default: local), OFFSET=n its ports.
STACK ?= local
BREAKWATER = .venv/bin/breakwater
SHELL := /bin/sh
.DEFAULT_GOAL := help

.PHONY: help up down status logs ask env test lint tools lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {sub("[$$][$$]", "$$", $$2); printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: .venv/.ready tools ## bring the stack up, load the sample documents, answer a question
	@$(BREAKWATER) up --stack $(STACK) $(if $(OFFSET),--offset $(OFFSET))

down: .venv/.ready ## stop the stack; its data stays (PURGE=1 deletes it)
	@$(BREAKWATER) down --stack $(STACK) $(if $(PURGE),--purge)

status: .venv/.ready ## what runs, how healthy it is, where a stand-in differs
	@$(BREAKWATER) status --stack $(STACK)

logs: .venv/.ready ## the components' logs (C=query for one, F=1 to follow)
	@$(BREAKWATER) logs --stack $(STACK) $(if $(F),--follow) $(C)

ask: .venv/.ready ## ask the stack a question (Q="why is there a breaker?")
	@$(BREAKWATER) ask --stack $(STACK) $(if $(Q),"$(Q)")

env: .venv/.ready ## what prepares a shell for `pulumi`: eval "$$(make env)"
	@$(BREAKWATER) env --stack $(STACK)

test: .venv/.ready tools ## format, lint, types, every test layer, coverage floors
	@tests/run

lint: .venv/.ready ## format, lint and types only
	@tests/run lint

tools: .venv/.ready ## build Toxiproxy and, where there is no pulumi, the Pulumi CLI
	@tools/build

lock: .venv/.ready ## resolve requirements.lock anew from pyproject.toml
	.venv/bin/uv pip compile -q pyproject.toml --group dev --python-version 3.11 --generate-hashes --no-annotate --no-header -o requirements.lock

clean: ## remove what was installed and built here (not the stacks' data)
	rm -rf .venv .tools

.venv/.ready: requirements.lock pyproject.toml tools/setup
	@tools/setup
