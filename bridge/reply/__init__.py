"""What a callback is answered, where Plivo executes the answer."""
