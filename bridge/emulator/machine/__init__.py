"""The call machine: what happens on Plivo's side of a call, as a pure function of its inputs.

It must not know clocks, sockets, threads, or randomness without a seed: adapters around it have them.
"""
