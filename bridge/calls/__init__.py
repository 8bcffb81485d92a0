"""Finds everything stored about one call, message or request, and describes it.

It only reads, through ``reader``, and derives missing events with ``audit``; it writes nothing.
"""
