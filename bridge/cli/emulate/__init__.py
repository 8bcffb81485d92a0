"""The ``emulate`` commands: their options and their output.

The room ``emulator`` contains the emulated Plivo.
"""
