"""The error text for a Kafka that cannot be reached: readable, and without a secret."""

from pathlib import Path

import pytest
from aiokafka.errors import KafkaConnectionError, KafkaTimeoutError

from bridge.dev.broker import free_port
from bridge.publish.connection import (
    BadConnection,
    KafkaConnection,
    OAuth,
    Tls,
    TokenEndpoint,
    describe_error,
)
from tests.support.cli import run

SECRET = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            KafkaConnectionError("Unable to bootstrap from [('kafka', 9092, <AddressFamily...>)]"),
            "no broker answers there",
        ),
        (KafkaConnectionError("wrong password"), "KafkaConnectionError: wrong password"),
        (KafkaTimeoutError(), "KafkaTimeoutError"),
        (BadConnection("/etc/ca.pem: No such file"), "/etc/ca.pem: No such file"),
    ],
)
def test_why_kafka_cannot_be_reached_is_said_in_words(error: Exception, words: str) -> None:
    assert describe_error(error) == words


def test_a_kafka_that_is_away_is_named_without_objects_of_python() -> None:
    nobody = f"127.0.0.1:{free_port()}"
    done = run("topics", "check", kafka_bootstrap_servers=nobody)
    assert done.returncode == 3
    assert done.stderr == (
        f"{nobody}: no broker answers there; wrong address, credentials or certificate authority?\n"
    )


WRONG = [
    KafkaConnection(
        bootstrap_servers="a:1", security_protocol="SASL_PLAINTEXT", password=Path(SECRET)
    ),
    KafkaConnection(bootstrap_servers="a:1", security_protocol="SSL", tls=Tls(Path(SECRET))),
    KafkaConnection(
        bootstrap_servers="a:1",
        security_protocol="SSL",
        tls=Tls(None, Path(SECRET), Path(SECRET)),
    ),
]


@pytest.mark.parametrize("connection", WRONG)
def test_a_secret_in_place_of_a_file_is_not_shown(connection: KafkaConnection) -> None:
    with pytest.raises(BadConnection, match="No such file or directory") as refused:
        connection.options()
    assert SECRET not in str(refused.value)


async def test_a_password_in_the_url_of_the_token_endpoint_is_not_shown() -> None:
    oauth = OAuth(f"http://user:{SECRET}@127.0.0.1:1/token", "client", "secret")
    with pytest.raises(KafkaConnectionError) as failed:
        await TokenEndpoint(oauth).token()
    assert "no token from http://***@127.0.0.1:1/token" in str(failed.value)
    assert SECRET not in str(failed.value)
