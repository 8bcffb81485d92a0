"""Everything that is stored about one call or message.

It only reads; it knows no command and prints nothing.
"""
