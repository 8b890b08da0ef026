"""Promotion: a stack takes what another one released, by digest; here are the releases and their evidence."""
