"""Finds everything stored about one call or message, and describes it.

It only reads, through ``reader``, and derives missing events with ``audit``; it writes nothing.
"""
