"""The ``emulate`` commands: their options and their output.

What an emulated Plivo does is in the room ``emulator``.
"""
