"""Drift: the changes made outside Pulumi since the last `up`, and the operations of the next one."""
