"""Numbers and registrations, whose callbacks carry fields that no page's text names.

They are open: the path tells the type, and everything that comes is kept in ``undeclared``.
"""
