"""Stand-ins for development: an embedded broker for Kafka, and an account for the emulated Plivo.

Production code must not need it: `serve` works without this room.
"""
