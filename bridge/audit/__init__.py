"""Run today's code over stored callbacks: derive, compare, verify again, redrive dead letters.

It knows no command and no settings, and changes nothing unless a target is given.
"""
