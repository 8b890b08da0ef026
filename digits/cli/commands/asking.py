"""The commands that ask the live service: predict, logs."""

from digits.cli.command import Command, answer_as_json, name_stack
from digits.cli.commands import judged, shell, stacks

import json
import sys
from pathlib import Path

import click

_SECTION = "Every day"


@click.command(
    cls=Command,
    section=_SECTION,
    examples=[
        ("digits predict digit.png", "read the digit in a picture, by the dev stack's service"),
        ("digits predict --uri https://localhost/score -- -1.png", "by any service with this contract"),
        ("digits predict digit.png --json", "the label and how sure the service is, for a program"),
    ],
    epilog="Exit codes: 0 read, 2 could not be read, 130 interrupted.",
)
@click.argument("image", type=Path)
@judged.name_service
@answer_as_json
def predict(  # noqa: PLR0913 - one for each option
    image: Path, stack: str | None, uri: str | None, outputs: str | None, *, json_body: bool, as_json: bool
) -> None:
    """Read the digit in a picture of any size, dark on light or light on dark."""
    from digits.cli.commands import services

    from digits.evaluation import image_file
    from digits.evaluation.scoring_answers import percent
    from digits.evaluation.scoring_client import Client
    from digits.evaluation.terminal import draw

    service = services.find(stack, uri, outputs)
    pixels, doubts = image_file.examine(image)
    with Client(service.uri, service.key, "json" if json_body else "uint8") as client:
        (label,) = client.score(pixels[None])
        ((_, probability),) = client.probabilities(pixels[None], [label])
    if as_json:
        print(json.dumps({"label": label, "probability": probability, "doubts": list(doubts)}))
        return
    draw(pixels)
    print(label if probability is None else f"{label}, {percent(probability)} sure")
    for doubt in doubts:
        print(f"Warning: {doubt}", file=sys.stderr)


@click.command(
    cls=Command,
    section=_SECTION,
    examples=[
        ("digits logs", "the container log of the dev stack's web service, followed until Ctrl-C"),
        ("digits logs --stack staging --no-follow", "what is there now"),
    ],
)
@click.argument("service", required=False)
@name_stack
@click.option(
    "--follow/--no-follow", default=None, help="Go on with what is new, until Ctrl-C (default: on a terminal)."
)
def logs(service: str | None, stack: str, *, follow: bool | None) -> None:
    """Show the web service's container log."""
    stacks.enter_deployed(shell.require_usable(stack))
    from infra import logs as container_logs  # the SDK takes a second

    workspace, name = container_logs.find_service(stacks.export(stack), service)
    for line in container_logs.read(workspace, name, is_followed=sys.stdout.isatty() if follow is None else follow):
        print(line, flush=True)


COMMANDS = (predict, logs)
