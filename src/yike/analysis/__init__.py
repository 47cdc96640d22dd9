"""Verbs: pure functions from nouns to results."""
