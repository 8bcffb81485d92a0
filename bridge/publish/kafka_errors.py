"""Translate Kafka's error codes: which are the fault of one record, which of one topic."""

from typing import Final

from aiokafka.errors import (
    BrokerResponseError,
    CorruptRecordException,
    InvalidTimestampError,
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    PolicyViolationError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    kafka_errors,
)

from bridge.publish import RecordRefused, RecordTooLarge, TopicUnavailable


class InvalidRecord(BrokerResponseError):
    """The broker's INVALID_RECORD. aiokafka does not know the code, and raises UnknownError for it."""

    errno = 87
    message = "INVALID_RECORD"


kafka_errors.setdefault(InvalidRecord.errno, InvalidRecord)

# The broker refuses a batch, because of one of its records or because of the time stamps of all.
RECORD_ERRORS: Final = (
    CorruptRecordException,
    InvalidRecord,
    InvalidTimestampError,
    MessageSizeTooLargeError,
    PolicyViolationError,
    RecordListTooLargeError,
)
# The broker refuses all records of a topic.
TOPIC_ERRORS: Final = (
    InvalidTopicError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)


def translate(topic: str, error: KafkaError) -> TopicUnavailable | RecordRefused:
    """Return our error for one of RECORD_ERRORS or TOPIC_ERRORS."""
    match error:
        case MessageSizeTooLargeError() | RecordListTooLargeError():
            return RecordTooLarge("over the limit of the topic", topic=topic)
        case CorruptRecordException() | InvalidRecord():
            return RecordRefused("record_invalid", "invalid, says the broker", topic=topic)
        case PolicyViolationError():
            return RecordRefused("policy_violation", "against a policy of the cluster", topic=topic)
        case InvalidTimestampError():
            # Not the record's fault: the broker takes it as soon as the clocks agree again.
            return TopicUnavailable(topic, "refusing the time: our clock is ahead of the broker's")
        case TopicAuthorizationFailedError():
            return TopicUnavailable(topic, "closed to us")
        case _:
            return TopicUnavailable(topic, "missing")
