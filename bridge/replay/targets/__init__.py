"""Where a replay writes: topics, files and URLs, each behind the Target protocol.

It knows neither plans nor options of a command.
"""
