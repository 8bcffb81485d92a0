"""The answer to a callback: documents, and the rules of Plivo's XML elements.

It must not know HTTP, settings or Kafka.
"""
