"""Measurements of Yike against other libraries on the same streets and the same question."""
