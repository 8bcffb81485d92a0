"""What Plivo sends: declarations only, one file a type. What follows from them is derived."""
