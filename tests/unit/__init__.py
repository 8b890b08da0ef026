"""Tests without I/O outside a temporary folder."""
