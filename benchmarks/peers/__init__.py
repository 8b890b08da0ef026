"""Other servers with the same model, each run by its own environment's Python."""
