"""Deploys the digit classifier of the selected stack: `pulumi up`."""

import atexit
import gc

from infra.event_loop import pause_between_looks
from infra.program import deploy
from infra.settings import Settings

# The azure-native SDK defines thousands of classes that live as long as this process, a few seconds: looking through
# them for garbage, last of all at exit, was a third of an unchanged preview's time.
gc.disable()
atexit.register(gc.freeze)
pause_between_looks()

deploy(Settings.from_stack())
