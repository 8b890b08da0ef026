"""Shows a stack's reports where a team looks: on the pull request, in an issue, in the run's summary."""
