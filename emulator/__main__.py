"""`azureml-emulator`: Azure ML, ACI and the Azure Resource Manager on this machine."""

from digits.cli import interrupt

import sys


def main() -> int:
    """Run the command line and return its exit code."""
    from digits.cli import command  # Ctrl-C is one line from here on

    from emulator.cli import azureml_emulator

    return command.run(azureml_emulator)


if __name__ == "__main__":
    sys.exit(main())
