"""Plivo's side, emulated: calls, and the signed callbacks they cause."""
