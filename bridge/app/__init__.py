"""From settings to a running process: the parts of a bridge, and the order in which they start and stop.

It knows no command and prints nothing.
"""
