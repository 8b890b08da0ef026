"""Tests of the emulator with the real SDK, and of the scoring package in the real inference server."""
