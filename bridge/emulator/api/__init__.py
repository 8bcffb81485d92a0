"""Plivo's REST API, as its official SDKs call it.

It must not know sockets or Kafka: an endpoint is a function of a machine and a request. Only the
application around the endpoints knows HTTP.
"""
