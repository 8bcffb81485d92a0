"""One Plivo value in, one unambiguous value out. Pure: no clock, no settings, no logging."""
