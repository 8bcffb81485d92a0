"""What Plivo sends: one declaration per callback type, one line per parameter, and no logic.

A declaration must not know where its callback goes: HTTP, signatures, Kafka and settings are not
its concern.
"""
