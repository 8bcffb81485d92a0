"""HTTP: reads requests within bounds, hands callbacks to ``intake``, and answers.

It is the only room that knows status codes. It knows neither Kafka nor the spool nor settings.
"""
