"""How fast the scoring service is, beside the tutorial's and stock serving frameworks."""
