"""The command line: one file a command, and everything that is printed.

It must not know what the other rooms do inside: a command reads its options, calls, and prints.
"""
