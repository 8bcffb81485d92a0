"""Numbers and registrations. No page names the fields of these callbacks, so none is declared.

The path gives the type, and all parameters are kept in ``undeclared``.
"""
