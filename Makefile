# The only commands to learn. `make` alone lists them.
#
# STACK=dev    the stack of every command; one with `digits:cloud: emulator` runs on this machine, on the one emulator of this clone
# FORMAT=…     drift's answer as json or markdown instead of text
# EMULATOR_PORT=…  another port for the emulator than its default; 0 takes a free one
# VERBOSE=1    shows all that a candidate's and a service's server says while it starts
# YES=1        asks nothing, where the answer was given elsewhere: GitHub's approval of a deployment
# PULUMI_BACKEND_URL=…, PULUMI_SECRETS_PROVIDER=…  where state lies, and what encrypts the secrets of a stack that is made anew (docs/deploying.md)
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
STACK ?= dev
ifdef TO
override STACK := $(TO)
endif
PYTHON ?= $(firstword $(foreach python,python3.11 python3,$(shell command -v $(python))) python3)
# Without the attributes that the CLI would write beside each file in place: killed there, it leaves an unreadable state.
PULUMI_BACKEND_URL ?= file://$(CURDIR)/.state?metadata=skip
# What the stack's file says, where make itself has to know: $(call config,name)
config = $(shell sed -n "s/^ *$(1): *[\"']\{0,1\}\([^\"' ]*\).*/\1/p" Pulumi.$(STACK).yaml 2>/dev/null)
EMULATED := $(filter emulator,$(call config,digits:cloud))
SOURCE := $(call config,digits:promoteFrom)
ifneq ($(VERBOSE),)
export DIGITS_VERBOSE := 1
endif
# Imports of .venv take half as long from their .pyc files; some machines switch those off for everything.
unexport PYTHONDONTWRITEBYTECODE

python := .venv/bin/python
comma := ,
# Before anything is done: what is wrong in the stack's file, and a stack on Azure whose state would lie here.
stack stack-file: .venv/lock
	@$(python) -m digits.stack $(STACK) $(if $(filter stack,$@),--backend '$(PULUMI_BACKEND_URL)')

# In two steps, because a failing command inside eval would go unnoticed.
settings = settings="$$($(MAKE) --no-print-directory -s env STACK=$(STACK))"; eval "$$settings"
# The emulator's stacks have no secret that is worth a provider.
provider := $(if $(EMULATED),,$(if $(PULUMI_SECRETS_PROVIDER),--secrets-provider '$(PULUMI_SECRETS_PROVIDER)'))
# Where nothing changed, another machine may have evaluated it.
show = [ ! -f reports/$(STACK)/evaluation.json ] || $(python) -m digits.evaluation show reports/$(STACK)/evaluation.json
# A policy asks about a resource when it is declared, which is too late for the last one; an `up` on Azure previews by itself.
hold_policies = [ -z "$${PULUMI_OPTION_POLICY_PACK:-}" ] || ! echo 'Holding the change against the policies' || previewed="$$(pulumi preview --stack $(STACK) 2>&1)" || { sed -e '/Loading policy packs/d' -e '/an unhandled error occurred/d' <<< "$$previewed" | cat -s >&2; exit 1; }
# RELEASE may come from a form on GitHub: only the shell sees it, and as one word.
release = $(if $(value RELEASE),--release "$$RELEASE")
# What is asked about a deployment needs one; `started` runs before the emulator's settings are asked for.
never = { echo "Nothing is deployed in stack '$(STACK)': run \`make up$(patsubst %, STACK=%,$(filter-out dev,$(STACK)))\` first." >&2; exit 2; }
started = $(if $(EMULATED),[ -e "$${AZUREML_EMULATOR_STATE:-.emulator}/emulator.json" ] || $(never),true)
deployed = $(settings); said="$$(pulumi stack select $(STACK) 2>&1)" || { [[ "$$said" != *'no stack named'* ]] || $(never); echo "$$said" >&2; exit 2; }
# The CLI ends what it is at and says nothing of use.
say_interrupted = { status=$$?; [ -z "$${interrupted:-}" ] || { echo "Interrupted: \`make status STACK=$(STACK)\` says what is live and whether it was released; \`make up STACK=$(STACK)\` goes on from there." >&2; exit 130; }; exit $$status; }
select = pulumi stack select --create $(STACK) $(provider) >/dev/null

.PHONY: help up preview promote releases down walkthrough predict smoke logs drift status env emulator model test chromium check bench certificate comment issue skip lock clean host stack stack-file

help:  ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: .venv/lock stack $(if $(SOURCE),,model) $(if $(EMULATED),emulator)  ## from a bare clone to a deployed, evaluated service
	@$(settings); $(python) -m tools.state $(STACK); $(select); $(if $(EMULATED),$(hold_policies);) trap interrupted=1 INT; \
	$(if $(SOURCE),$(python) -m digits.promotion up $(STACK) --,pulumi up --stack $(STACK)) --refresh --suppress-outputs $(if $(VERBOSE),,--suppress-progress) $(if $(EMULATED),--yes --skip-preview,$(if $(YES),--yes)) || $(say_interrupted); \
	$(show)
	@echo; echo 'Next:'
	@echo '  make smoke                  evaluate the live service again'
	@echo '  $$EDITOR scoring/score.py    then `make up`: the service is updated in place and evaluated'
	@echo '  eval "$$(make -s env)"       then `pulumi preview --diff`, `pulumi stack output`, … work in this shell'

preview: .venv/lock stack $(if $(SOURCE),,model) $(if $(EMULATED),emulator)  ## what a change would do, as a comment for a pull request
	@$(settings); $(python) -m tools.state $(STACK); $(if $(EMULATED),$(select);) \
	$(python) -m digits.preview $(STACK) $(release) --output reports/$(STACK)/preview.md

promote: .venv/lock stack $(if $(EMULATED),emulator)  ## take what another stack released: FROM=staging TO=prod [RELEASE=id] [YES=1]
	@$(if $(and $(FROM),$(TO)),,echo 'Say which stack takes whose release: make promote FROM=staging TO=prod' >&2; exit 2)
	@$(settings); $(python) -m tools.state $(STACK); $(select); \
	$(python) -m digits.promotion promote --from $(FROM) --to $(TO) $(release) $(if $(YES),--yes); \
	$(show)

releases: .venv/lock  ## what a stack released, newest first, and what is live of it
	@$(started); $(deployed); $(python) -m digits.promotion releases $(STACK)

down: .venv/lock stack $(if $(EMULATED),emulator)  ## destroy the deployment, and stop the emulator if nothing is left in it
	@$(if $(filter true,$(call config,digits:protectData)),echo "Stack '$(STACK)' is protected: write digits:protectData: false and digits:policyEnabled: false in Pulumi.$(STACK).yaml and run \`make up STACK=$(STACK)\` first." >&2; exit 2)
	@$(settings); $(python) -m tools.state $(STACK); if pulumi stack select $(STACK) 2>/dev/null; then pulumi destroy --stack $(STACK) --refresh $(if $(EMULATED),--yes --skip-preview); fi
	@$(if $(EMULATED),$(python) -m emulator stop --if-empty)

walkthrough: .venv/lock  ## play a release's life on three emulated stacks, in a copy: some four minutes
	@PATH="$$($(python) -m tools.pulumi):$$PATH" $(python) -m tools.walkthrough

smoke: .venv/lock  ## evaluate the deployed service alone
	@$(started); $(deployed); pulumi stack output --stack $(STACK) --json --show-secrets | \
	  $(python) -m digits.evaluation --outputs - --report reports/$(STACK)/smoke $(if $(DIRECTORY),--directory $(DIRECTORY))

# The picture's name goes through the environment, so that any name is one.
predict: .venv/lock  ## read the digit in a picture: make predict IMAGE=digit.png
	@[ -n "$${IMAGE:-}" ] || { echo 'No picture is named: make predict IMAGE=digit.png' >&2; exit 2; }
	@$(started); $(deployed); pulumi stack output --stack $(STACK) --json --show-secrets | \
	  $(python) -m digits.evaluation predict --outputs - -- "$$IMAGE"

logs: .venv/lock  ## the service's container log; on a terminal followed until Ctrl-C
	@$(started); $(deployed); pulumi stack export --stack $(STACK) | $(python) -m infra.logs $(SERVICE)

drift: .venv/lock stack  ## what was changed outside Pulumi, and what the next up would do about it
	@$(started); $(if $(EMULATED),$(MAKE) --no-print-directory -s emulator >&2;) $(deployed); $(python) -m digits.drift $(STACK) --report reports/$(STACK)/drift.md $(if $(FORMAT),--$(FORMAT))

status: .venv/lock  ## what runs on the emulator, and whether what is live was released
	@$(if $(EMULATED),$(python) -m emulator status)
	@$(settings); $(python) -m digits.promotion status $(STACK)

env: .venv/lock stack  ## print what puts the CLI and the stack's cloud into a shell: eval "$(make -s env)"
	@mkdir -p .state
	@$(if $(EMULATED),$(python) -m emulator env; echo 'export PULUMI_CONFIG_PASSPHRASE= PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION=true')
	@cli="$$($(python) -m tools.pulumi)"; echo "export PATH='$$cli:$(CURDIR)/.venv/bin':\"\$$PATH\""
	@echo "export PULUMI_SKIP_UPDATE_CHECK=true PULUMI_BACKEND_URL='$(PULUMI_BACKEND_URL)'"
	@$(python) infra/policy/switch.py $(STACK)

emulator: .venv/lock stack-file  ## start the emulator, if it is not running, and add the stack's subscription
	@$(if $(EMULATED),,echo "Stack '$(STACK)' is on Azure and has no emulator: write digits:cloud: emulator in Pulumi.$(STACK).yaml for one." >&2; exit 2)
	@$(python) -m emulator start --subscription $(call config,azure-native:subscriptionId) $(addprefix --port ,$(EMULATOR_PORT))

model: .venv/lock stack-file  ## train the model, unless it is up to date: FORCE=1 trains it all the same
	@$(python) -m digits.training $(if $(EMULATED),--dataset digits,--dataset mnist) \
	  $(addprefix --model-file ,$(call config,digits:modelFile)) $(if $(FORCE),--force)

test: .venv/lock chromium  ## all tests: no I/O, the emulator with the real SDK, the real engine end to end
	@PATH="$$($(python) -m tools.pulumi):$$PATH" $(python) -m pytest -n 2 --dist loadfile --no-loadscope-reorder --durations=10 tests

# The report is looked at in a real browser; Debian's needs no download of its own.
chromium:
	@command -v chromium chromium-browser google-chrome >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
	  echo 'Installing Chromium, in which the tests open the report' && apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null; } || \
	  { echo 'The tests open the report in Chromium, which is not on this machine: install it, on Debian with apt-get install chromium.' >&2; exit 2; }

check: .venv/lock  ## lint, types, workflows and the fast tests
	@.venv/bin/ruff format --check -q . && .venv/bin/ruff check -q . && .venv/bin/mypy && $(python) -m tools.actionlint && $(python) -m pytest -n 2 --dist loadfile tests/unit

bench: .venv/lock  ## measure: what deploying takes, how fast the service answers, beside its peers
	@PATH="$$($(python) -m tools.pulumi):$$PATH" $(python) -m benchmarks.lifecycle
	@$(python) -m benchmarks.serving --markdown benchmarks/RESULTS.md $(if $(DIRECTORY),--mnist $(DIRECTORY))
	@$(python) -m benchmarks.serving.load --markdown benchmarks/RESULTS.md
	@$(python) -m benchmarks.evaluation

comment: .venv/lock  ## on GitHub: reports/STACK/preview.md as a comment on the pull request, updated in place
	@$(python) -m digits.github comment reports/$(STACK)/preview.md

issue: .venv/lock  ## on GitHub: reports/STACK/drift.md as an issue, opened or closed by OUTCOME=failure or success
	@$(python) -m digits.github issue reports/$(STACK)/drift.md --title 'Drift in $(STACK)' --outcome $(OUTCOME)

# Whoever previews reads the certificate, whoever deploys (KEY=1) its key too: as a secret it is both, in PEM form.
certificate:  ## on Azure: fetch the stack's certificate out of the key vault CERTIFICATE_VAULT, with KEY=1 its key too
	@mkdir -p certificates; rm -f certificates/$(STACK).pem; umask 077; \
	az keyvault certificate download --vault-name '$(CERTIFICATE_VAULT)' --name digits-$(STACK) --encoding PEM --file certificates/$(STACK).pem; \
	$(if $(KEY),pem="$$(az keyvault secret show --vault-name '$(CERTIFICATE_VAULT)' --name digits-$(STACK) --query value --output tsv)"; \
	sed -n '/-BEGIN CERT/$(comma)/-END CERT/p' <<< "$$pem" > certificates/$(STACK).pem; \
	sed -n '/-BEGIN.*PRIVATE KEY/$(comma)/-END.*PRIVATE KEY/p' <<< "$$pem" > certificates/$(STACK).key)

host: .venv/lock stack-file  ## on Azure: print the web service's own host name, to which the CNAME of sslCname leads
	@$(python) -m infra.host_name $(STACK)

skip:  ## on GitHub: say in the run's summary why a stack has no preview
	@echo 'The preview of $(STACK) is skipped, because this run gets no credentials for Azure: pull requests from forks and from Dependabot get none, and nobody does before docs/deploying.md was followed.' | tee -a "$${GITHUB_STEP_SUMMARY:-/dev/null}"

lock:  ## resolve requirements.in into requirements.txt
	@.venv/bin/uv pip compile requirements.in -o requirements.txt --generate-hashes --python-version 3.11 \
	  --universal --no-emit-index-url --no-annotate --custom-compile-command 'make lock' -q

clean:  ## delete what was made here, but not the user's cache (refuses what would be lost)
	@[ ! -e .venv/lock ] || $(python) -m tools.leftovers
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
