"""Drift: what was changed outside Pulumi since the last `up`, and what the next one would do about it."""
