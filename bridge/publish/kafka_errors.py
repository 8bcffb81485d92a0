"""What Kafka's refusals mean: of one record, of one topic."""

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
    """The broker's INVALID_RECORD, which aiokafka does not know and would take for anything."""

    errno = 87
    message = "INVALID_RECORD"


kafka_errors.setdefault(InvalidRecord.errno, InvalidRecord)

# Of a batch, for one record in it or for the time stamps of all.
RECORD_ERRORS: Final = (
    CorruptRecordException,
    InvalidRecord,
    InvalidTimestampError,
    MessageSizeTooLargeError,
    PolicyViolationError,
    RecordListTooLargeError,
)
# Of a topic, whatever the record.
TOPIC_ERRORS: Final = (
    InvalidTopicError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)


def translate(topic: str, error: KafkaError) -> TopicUnavailable | RecordRefused:
    """Return what to raise of a refusal that is of one record, or of its topic."""
    match error:
        case MessageSizeTooLargeError() | RecordListTooLargeError():
            return RecordTooLarge("over the limit of the topic", topic=topic)
        case CorruptRecordException() | InvalidRecord():
            return RecordRefused("record_invalid", "invalid, says the broker", topic=topic)
        case PolicyViolationError():
            return RecordRefused(
                "policy_violation", "against a policy of the cluster's", topic=topic
            )
        case InvalidTimestampError():
            # No fault of the record's: it is taken as soon as the clocks agree again.
            return TopicUnavailable(topic, "refusing the time: our clock is ahead of the broker's")
        case TopicAuthorizationFailedError():
            return TopicUnavailable(topic, "closed to us")
        case _:
            return TopicUnavailable(topic, "missing")
