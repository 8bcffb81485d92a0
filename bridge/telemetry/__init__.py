"""Logs and metrics of a process.

It knows nothing of callbacks, Kafka or HTTP.
"""
