"""Verify: one-time passwords."""
