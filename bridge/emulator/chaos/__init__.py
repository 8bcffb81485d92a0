"""Faults between Plivo and a receiver: callbacks repeated, late, lost, reordered, changed, cut.

It must not know clocks and sockets: it is pure, and a seed repeats it.
"""
