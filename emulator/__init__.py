"""An emulator of Azure ML, the Azure Resource Manager and ACI, for the unmodified Azure ML SDK v1 and Pulumi."""

from importlib.metadata import version

__version__ = version("digits")
