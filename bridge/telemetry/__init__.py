"""Logs and metrics of a process, and what a log line or a message may show.

It knows nothing of callbacks, Kafka or HTTP.
"""
