"""For consumers: records off the topics as typed events, each once, in order. No client, no clock."""
