"""Runs today's code over stored callbacks: derive, compare, verify again, redrive dead letters.

It reads topics through ``reader`` and may write through replay's targets. It knows nothing of calls.
"""
