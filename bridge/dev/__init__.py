"""Everything a developer needs in place of Plivo and a Kafka cluster. Nothing here serves calls."""
