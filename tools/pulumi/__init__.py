"""Gets the Pulumi CLI: the one on PATH, the one kept, the official release, or one built from Go modules."""
