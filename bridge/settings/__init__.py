"""Settings: declared, read once from environment and files, and checked with a message for every fault.

Only ``app`` and ``cli`` read them; every other room gets plain values.
"""
