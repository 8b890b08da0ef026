"""Lints the workflows in .github/workflows with actionlint, built from the Go module in this folder."""
