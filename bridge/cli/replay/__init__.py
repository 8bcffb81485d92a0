"""The ``replay`` commands: their options, their run and their output.

What a replay does is in the rooms ``replay`` and ``audit``.
"""
