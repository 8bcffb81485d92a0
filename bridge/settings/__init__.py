"""The settings: declared, read once from environment and files, and refused by name when they are wrong.

Only ``app`` and ``cli`` read them; every other room gets plain values.
"""
