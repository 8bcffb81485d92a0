"""Plivo's side: emulated calls, and their signed callbacks.

It must not know the bridge's own side: Kafka, settings, or how a callback is processed. It shares
Plivo's element rules with the replies.
"""
