"""Runs a scoring package here: conda.yml → a venv, the real inference server on loopback, its health and log."""
