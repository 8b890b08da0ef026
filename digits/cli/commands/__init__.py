"""The commands of `digits`: each imports its work when it runs, so that help and completion answer at once."""

from digits.cli.command import create_group
from digits.cli.commands import (
    asking,
    deploying,
    drifting,
    elsewhere,
    evaluating,
    modelling,
    previewing,
    releasing,
    setting_up,
)

_ROOMS = (deploying, previewing, drifting, evaluating, asking, releasing, modelling, setting_up, elsewhere)

digits = create_group(
    "digits",
    "Deploy the digit classifier, look after what is deployed, and make its model.\n\n"
    "Each command works in the project's folder, on the stack that --stack names.",
    examples=[
        ("digits up", "from trained model to deployed, evaluated service, on this machine"),
        ("digits preview --stack staging", "what a change would do to the stack"),
        ("digits promote --from staging --to prod", "take what another stack released"),
    ],
    commands=[each for room in _ROOMS for each in room.COMMANDS],
)
