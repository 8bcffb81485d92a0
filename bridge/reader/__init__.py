"""Reads topics by offset: without a consumer group, so no other consumer notices, or as a member of one.

It does not know what its records are used for: nothing of replay, audit, calls or forwarding.
"""
