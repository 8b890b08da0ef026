"""Runs what still has a command line of its own."""

import runpy
import subprocess
import sys


def delegate(module: str, *words: str | None) -> None:
    """Run a module's command line with these words."""
    sys.argv = [module, *(word for word in words if word is not None)]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def make(target: str, **variables: object) -> int:
    """Run a target of the Makefile."""
    given = [f"{name}={value}" for name, value in variables.items() if value]
    return subprocess.run(["make", "-s", target, *given], check=False).returncode
