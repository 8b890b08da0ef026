"""What promotion asks of the Pulumi CLI: outputs, history, configuration, previews and deployments of a stack."""

from digits.cli import children

import json
from subprocess import PIPE
from typing import Any

from digits.promotion.record import PromotionError


def ask(*arguments: str) -> Any:  # noqa: ANN401 - JSON is any
    """Return what the CLI prints as JSON, None where it prints nothing; raises PromotionError with its own words."""
    done = children.run(["pulumi", *arguments], stdout=PIPE, stderr=PIPE)
    if done.returncode != 0:
        said = _last(done.stderr or done.stdout)
        if "no stack named" in said and "--stack" in arguments:
            stack = arguments[arguments.index("--stack") + 1]
            raise PromotionError(f"There is no stack '{stack}' yet: `make up STACK={stack}` makes and deploys it.")
        raise PromotionError(f"`pulumi {' '.join(arguments[:2])}` failed: {said}")
    return json.loads(done.stdout) if done.stdout.strip() else None


def show(*arguments: str) -> int:
    """Run the CLI with this terminal and return its exit status."""
    return children.hand_over(["pulumi", *arguments])


def _last(printed: str) -> str:
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    return lines[-1].removeprefix("error: ") if lines else "it said nothing"
