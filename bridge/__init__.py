"""The callback bridge: Plivo's callbacks in, verified and normalised events on Kafka out."""

__version__ = "0.1.0"
