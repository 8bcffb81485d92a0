"""The answer to a callback: rules that choose it, documents, and the rules of Plivo's XML elements.

It must not know HTTP, settings or Kafka.
"""
