"""The commands of `azureml-emulator`."""

from digits.cli.command import create_group

from emulator.cli import looking, starting

azureml_emulator = create_group(
    "azureml-emulator",
    "Azure ML, ACI and the Azure Resource Manager on this machine, for the unmodified Azure ML SDK v1 and Pulumi.",
    examples=[
        ("azureml-emulator start", "start it in the background"),
        ('eval "$(azureml-emulator env)"', "lead this shell's programs to it, login included"),
        ("azureml-emulator status", "what runs, and what was asked that it does not do"),
    ],
    commands=[*starting.COMMANDS, *looking.COMMANDS],
)
