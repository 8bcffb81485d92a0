"""Reading the topics back."""
