"""From a request to its one outcome: verify, parse, make durable, record the outcome.

It knows neither HTTP nor settings, and uses Kafka and disk only through ``publish`` and ``spool``.
"""
