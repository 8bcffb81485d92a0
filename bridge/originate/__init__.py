"""The client of Plivo's Make-a-call API: requests, their outcome, and the calls they make.

It must not know settings, and it never repeats a request that dials.
"""
