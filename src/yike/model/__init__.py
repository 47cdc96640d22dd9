"""Nouns: what a city, its streets and a standard are. No analysis happens here."""
