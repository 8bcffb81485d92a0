"""Scenarios: YAML files that say who calls whom, and what the people on the call do.

They must not know how a call is executed: they become orders and persons of the call machine.
"""
