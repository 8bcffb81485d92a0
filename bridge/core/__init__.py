"""The core: from a request to the records that Kafka stores, as pure functions.

It knows no clock, no network, no log and no settings: time, randomness and ids are arguments.
"""
