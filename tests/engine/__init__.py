"""Tests through the real Pulumi engine, from end to end."""
