"""The program: what is deployed, one file a noun; only here is pulumi imported."""
