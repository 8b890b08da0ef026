"""Deploys the digit classifier of the selected stack: `pulumi up`."""

from infra.program import deploy
from infra.settings import Settings

deploy(Settings.from_stack())
