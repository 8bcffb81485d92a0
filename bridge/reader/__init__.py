"""Read records from topics by assigned partitions, without joining a consumer group.

It knows neither what a replay, an audit nor a call is.
"""
