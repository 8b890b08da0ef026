"""Measures the scoring service against the tutorial's service and other serving frameworks."""
