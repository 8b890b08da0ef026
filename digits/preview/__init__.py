"""The effect of a change on a stack, in machine-learning terms, as one comment for a pull request."""
