"""The laptop's Azure: ARM, Azure ML and ACI on loopback, for the unmodified SDK and the real Pulumi engine."""

__version__ = "0.1.0"
