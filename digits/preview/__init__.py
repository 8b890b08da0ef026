"""What a change would do to a stack, in machine-learning terms, as one comment for a pull request."""
