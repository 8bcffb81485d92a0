"""Reads records from topics by offset, without a consumer group, so no other consumer notices.

It does not know what its records are used for: nothing of replay, audit or calls.
"""
