# The only commands to learn. `make` without a target lists them; `.venv/bin/digits --help` has the same with all their options.
#
# STACK=dev    the stack of every command; one with `digits:cloud: emulator` runs on this machine, on the one emulator of this clone
# FORMAT=…     drift's answer as json or markdown instead of text
# EMULATOR_PORT=…  another port for the emulator than its default; 0 takes a free one
# VERBOSE=1    shows all that a candidate's and a service's server says while it starts
# YES=1        asks nothing, where the answer was given elsewhere: GitHub's approval of a deployment
# FROM=… TO=…, RELEASE=…, IMAGE=…, SERVICE=…, DIRECTORY=…, FORCE=1, KEY=1, OUTCOME=…, CERTIFICATE_VAULT=…  of the commands below that name them
# PULUMI_BACKEND_URL=…, PULUMI_SECRETS_PROVIDER=…  where state lies, and what encrypts the secrets of a stack that is made anew (docs/deploying.md)
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
STACK ?= dev
ifdef TO
override STACK := $(TO)
endif
export STACK
PYTHON ?= $(firstword $(foreach python,python3.11 python3,$(shell command -v $(python))) python3)
ifneq ($(VERBOSE),)
export DIGITS_VERBOSE := 1
endif
# Imports of .venv take half as long from their .pyc files; some machines switch those off for everything.
unexport PYTHONDONTWRITEBYTECODE

python := .venv/bin/python
# The command `digits`, from the files of this folder even if .venv is another copy's.
digits := $(python) -m digits
# A value may come from a form on GitHub, or be any name: only the shell sees it, as one word.
stack = --stack "$$STACK"
release = $(if $(value RELEASE),--release "$$RELEASE")

# `make down Stack=prod` would destroy dev. A name with _ in it may be a variable of what make runs.
known := STACK FROM TO RELEASE IMAGE SERVICE FORMAT DIRECTORY FORCE YES VERBOSE KEY OUTCOME PYTHON
given := $(foreach name,$(.VARIABLES),$(if $(filter command,$(firstword $(origin $(name)))),$(name)))
unknown := $(filter-out $(known),$(foreach name,$(given),$(if $(findstring _,$(name)),,$(name))))
ifneq ($(unknown),)
$(error Nothing reads $(firstword $(unknown))=…: write one of $(known))
endif

.PHONY: help up preview promote releases down walkthrough predict smoke logs drift status env emulator model test check bench certificate comment issue skip lock clean host

help:  ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: .venv/lock  ## from a bare clone to a deployed, evaluated service
	@$(digits) up $(stack) $(if $(VERBOSE),--verbose) $(if $(YES),--yes)

preview: .venv/lock  ## what a change would do, as a comment for a pull request
	@$(digits) preview $(stack) $(release)

promote: .venv/lock  ## take what another stack released: FROM=staging TO=prod [RELEASE=id] [YES=1]
	@[ -n "$${FROM:-}" ] && [ -n "$${TO:-}" ] || { echo 'error: Say which stack takes whose release: make promote FROM=staging TO=prod' >&2; exit 2; }
	@$(digits) promote --from "$$FROM" --to "$$TO" $(release) $(if $(YES),--yes)

releases: .venv/lock  ## what a stack released, newest first, and what is live of it
	@$(digits) releases $(stack)

down: .venv/lock  ## destroy the deployment, and stop the emulator if nothing is left in it
	@$(digits) down $(stack)

walkthrough: .venv/lock  ## play a release's life on three emulated stacks, in a copy: some four minutes
	@PATH="$$($(python) -m tools.pulumi):$$PATH" $(python) -m tools.walkthrough

smoke: .venv/lock  ## evaluate only the deployed service
	@$(digits) evaluate $(stack) $(if $(value DIRECTORY),--directory "$$DIRECTORY")

predict: .venv/lock  ## read the digit in a picture: make predict IMAGE=digit.png
	@[ -n "$${IMAGE:-}" ] || { echo 'error: No picture is named: make predict IMAGE=digit.png' >&2; exit 2; }
	@$(digits) predict $(stack) -- "$$IMAGE"

logs: .venv/lock  ## the service's container log; on a terminal followed until Ctrl-C
	@$(digits) logs $(stack) $(if $(value SERVICE),-- "$$SERVICE")

drift: .venv/lock  ## what was changed outside Pulumi, and what the next up would do about it
	@case "$${FORMAT:-json}" in json | markdown) ;; *) echo 'error: FORMAT is json or markdown, or it is left out for text.' >&2; exit 2 ;; esac
	@$(digits) drift $(stack) $(if $(value FORMAT),--"$$FORMAT")

status: .venv/lock  ## what runs on the emulator, and whether what is live was released
	@$(digits) status $(stack)

env: .venv/lock  ## print what leads a shell to the CLI and the stack's cloud: eval "$(make -s env)"
	@$(digits) env $(stack)

emulator: .venv/lock  ## start the emulator, if it is not running, and add the stack's subscription
	@$(digits) emulator $(stack)

model: .venv/lock  ## train the model, unless it is up to date: FORCE=1 trains it all the same
	@$(digits) train $(stack) $(if $(FORCE),--force)

test: .venv/lock  ## all tests: no I/O, the emulator with the real SDK, the real engine end to end
	@$(python) -m tools.chromium
	@PATH="$$($(python) -m tools.pulumi):$$PATH" $(python) -m pytest -n 2 --dist loadfile --no-loadscope-reorder --durations=10 tests

check: .venv/lock  ## lint, types, workflows and the fast tests
	@.venv/bin/ruff format --check -q . && .venv/bin/ruff check -q . && .venv/bin/mypy && $(python) -m tools.actionlint && $(python) -m pytest -n 2 --dist loadfile tests/unit

bench: .venv/lock  ## measure deployment and scoring, and compare the service with other servers
	@PATH="$$($(python) -m tools.pulumi):$$PATH" $(python) -m benchmarks.lifecycle
	@$(python) -m benchmarks.serving --markdown benchmarks/RESULTS.md $(if $(DIRECTORY),--mnist $(DIRECTORY))
	@$(python) -m benchmarks.serving.load --markdown benchmarks/RESULTS.md
	@$(python) -m benchmarks.evaluation

comment: .venv/lock  ## on GitHub: reports/STACK/preview.md as a comment on the pull request, updated in place
	@$(digits) comment "reports/$$STACK/preview.md"

issue: .venv/lock  ## on GitHub: reports/STACK/drift.md as an issue, opened or closed by OUTCOME=failure or success
	@$(digits) issue "reports/$$STACK/drift.md" --title "Drift in $$STACK" --outcome "$${OUTCOME:-}"

# Anyone who previews reads the certificate; anyone who deploys (KEY=1) reads its key too.
certificate: .venv/lock  ## on Azure: fetch the stack's certificate out of the key vault CERTIFICATE_VAULT, with KEY=1 its key too
	@$(digits) certificate $(stack) --vault "$${CERTIFICATE_VAULT:-}" $(if $(KEY),--key)

host: .venv/lock  ## on Azure: print the web service's own host name, to which the CNAME of sslCname leads
	@$(digits) host $(stack)

skip: .venv/lock  ## on GitHub: say in the run's summary why a stack has no preview
	@$(digits) skip $(stack)

lock:  ## resolve requirements.in into requirements.txt
	@.venv/bin/uv pip compile requirements.in -o requirements.txt --generate-hashes --python-version 3.11 \
	  --universal --no-emit-index-url --no-annotate --custom-compile-command 'make lock' -q

clean:  ## delete what was made here, but not the user's cache (refuses what would be lost)
	@[ ! -e .venv/lock ] || $(digits) leftovers
	rm -rf .venv .emulator .state model reports

# uv comes from PyPI by the lock's own hash and installs the rest in seconds.
.venv/lock: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "This needs Python 3.11 or newer and $(PYTHON) is " + sys.version.split()[0] + ": install it, or name one with `make PYTHON=/path/to/python3.11`.")'
	@echo 'Installing the locked packages into .venv'
	@$(PYTHON) -m venv .venv
	@sed -n '/^uv==/,/[^\\]$$/p' requirements.txt > .venv/uv.txt
	@$(python) -m pip install -q --disable-pip-version-check --require-hashes -r .venv/uv.txt
	@.venv/bin/uv pip sync -q --python $(python) --require-hashes requirements.txt
	@.venv/bin/uv pip install -q --python $(python) --offline --no-deps --no-build-isolation --editable .
	@touch $@
