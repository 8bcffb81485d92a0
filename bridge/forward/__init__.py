"""The connection to the customer's applications: answers, and notifications that were made durable.

It must not know settings, and it sends only to addresses that the operator configured.
"""
