"""Answers to API requests that were made asynchronously."""
