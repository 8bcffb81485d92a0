"""Connecting to a Kafka with TLS and authentication."""

import asyncio
import base64
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs

import jwt
import orjson
import pytest

from bridge.core.record import Record
from bridge.publish import PublishRules, Unavailable
from bridge.publish.connection import KafkaConnection, OAuth, Tls
from bridge.publish.publisher import KafkaPublisher
from bridge.publish.topics import Provisioner, ProvisioningRefused
from tests.kafka.cluster import Listener, Node
from tests.support.kafka import ACK_TIMEOUT_S, make_topics, planned, read_back, running
from tests.support.waiting import until

pytest_plugins = ("tests.support.kafka_fixtures",)
pytestmark = pytest.mark.kafka

WRITER: Final = "writer"
PASSWORD: Final = "correct-horse"
TOKEN_LIFE_S: Final = 3600
RECOVERY_S: Final = 15
_KAFKA: Final = "org.apache.kafka.common.security"


def certificates(folder: Path) -> tuple[Path, Path]:
    """Return an authority's certificate, and a key store of a broker on loopback it vouches for."""
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    # By openssl's defaults a request with -x509 is an authority's.
    _openssl(folder, "req", "-x509", *key, "-subj", "/CN=ca", "-keyout", "ca.key", "-out", "ca.pem")
    _openssl(folder, "req", *key, "-subj", "/CN=broker", "-keyout", "broker.key", "-out", "csr")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    signed_by = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names"]
    _openssl(folder, "x509", "-req", "-in", "csr", *signed_by, "-out", "broker.pem")
    # Kafka wants one file: the key (PKCS#8), then the chain.
    parts = [(folder / name).read_bytes() for name in ("broker.key", "broker.pem", "ca.pem")]
    store = folder / "broker.keystore.pem"
    store.write_bytes(b"".join(parts))
    return folder / "ca.pem", store


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def listeners(key_store: Path) -> list[Listener]:
    plain_login = f'{_KAFKA}.plain.PlainLoginModule required user_{WRITER}="{PASSWORD}";'
    oauth_module = f"{_KAFKA}.oauthbearer.OAuthBearerLoginModule"
    oauth_login = f"{oauth_module} required unsecuredLoginStringClaim_sub=broker;"
    return [
        Listener(
            "SASL_SSL",
            "SASL_SSL",
            {
                "ssl.keystore.type": "PEM",
                "ssl.keystore.location": str(key_store),
                "sasl.enabled.mechanisms": "SCRAM-SHA-512",
                "scram-sha-512.sasl.jaas.config": f"{_KAFKA}.scram.ScramLoginModule required;",
            },
        ),
        Listener(
            "SASL_PLAINTEXT",
            "SASL_PLAINTEXT",
            {
                "sasl.enabled.mechanisms": "PLAIN,OAUTHBEARER",
                "plain.sasl.jaas.config": plain_login,
                # Without a handler of one's own Kafka takes unsigned tokens: only good for tests.
                "oauthbearer.sasl.jaas.config": oauth_login,
            },
        ),
    ]


@pytest.fixture(scope="module")
def authority_and_node(
    kafka_libs: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, Node]]:
    folder = tmp_path_factory.mktemp("secure")
    authority, key_store = certificates(folder)
    node = Node(
        kafka_libs,
        folder / "node",
        listeners=listeners(key_store),
        scram_users={WRITER: PASSWORD},
    )
    try:
        asyncio.run(node.start())
        yield authority, node
    finally:
        node.kill()


class TokenHandler(BaseHTTPRequestHandler):
    """An identity provider's token endpoint: one client, one grant, an unsigned token."""

    out_of_order = False

    def do_POST(self) -> None:
        if TokenHandler.out_of_order:
            self._answer(503, {"error": "temporarily_unavailable"})
            return
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        login = base64.b64encode(f"{WRITER}:{PASSWORD}".encode()).decode()
        granted = parse_qs(body).get("grant_type") == ["client_credentials"]
        if not granted or self.headers["authorization"] != f"Basic {login}":
            self._answer(401, {"error": "invalid_client"})
            return
        issued_s = int(time.time())  # noqa: TID251 (a token has a life in real time)
        claims = {"sub": WRITER, "iat": issued_s, "exp": issued_s + TOKEN_LIFE_S}
        token = jwt.encode(claims, key=None, algorithm="none")
        self._answer(200, {"access_token": token, "token_type": "Bearer"})

    def _answer(self, status: int, document: dict[str, str]) -> None:
        content = orjson.dumps(document)
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def token_url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), TokenHandler)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/token"
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


@pytest.fixture(params=["SCRAM over TLS", "PLAIN", "OAUTHBEARER"])
def connection(
    request: pytest.FixtureRequest, authority_and_node: tuple[Path, Node], token_url: str
) -> KafkaConnection:
    """Each way in, with what it takes to get in."""
    authority, node = authority_and_node
    known = KafkaConnection("", username=WRITER, password=PASSWORD)
    if request.param == "SCRAM over TLS":
        return replace(
            known,
            bootstrap_servers=node.address("SASL_SSL"),
            security_protocol="SASL_SSL",
            mechanism="SCRAM-SHA-512",
            tls=Tls(ca_file=authority),
        )
    sasl = replace(
        known,
        bootstrap_servers=node.address("SASL_PLAINTEXT"),
        security_protocol="SASL_PLAINTEXT",
    )
    if request.param == "PLAIN":
        return replace(sasl, mechanism="PLAIN")
    return replace(sasl, mechanism="OAUTHBEARER", oauth=OAuth(token_url, WRITER, PASSWORD))


def with_the_wrong_password(connection: KafkaConnection) -> KafkaConnection:
    wrong = "battery-staple"
    oauth = replace(connection.oauth, client_secret=wrong) if connection.oauth else None
    return replace(connection, password=wrong, oauth=oauth)


def publisher_on(connection: KafkaConnection) -> KafkaPublisher:
    return KafkaPublisher(connection, PublishRules(idempotence=True, ack_timeout_s=ACK_TIMEOUT_S))


async def test_a_client_with_the_right_credentials_creates_topics_and_publishes(
    connection: KafkaConnection, authority_and_node: tuple[Path, Node], prefix: str
) -> None:
    topic = planned(prefix + "records")
    record = Record(topic.name, b"call", b"value", (), 1_772_884_800_000)
    await make_topics(connection, topic)
    async with running(publisher_on(connection)) as publisher:
        await publisher.publish([record])
    assert read_back(authority_and_node[1].address(), [topic.name]) == [record]


# aiokafka leaves the socket of a login that failed to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_wrong_password_is_refused_with_a_text_that_names_it(
    connection: KafkaConnection,
) -> None:
    with pytest.raises(ProvisioningRefused, match="credentials"):
        async with Provisioner(with_the_wrong_password(connection)):
            pass


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_publisher_with_a_wrong_password_stays_unavailable(
    connection: KafkaConnection,
) -> None:
    publisher = publisher_on(with_the_wrong_password(connection))
    publisher.start()
    await asyncio.sleep(1.5)
    assert not publisher.available
    with pytest.raises(Unavailable):
        await publisher.publish([Record("any", b"k", b"v", (), 0)])
    await publisher.stop(flush_timeout_s=1)


async def test_a_broker_of_an_unknown_authority_is_not_believed(
    authority_and_node: tuple[Path, Node],
) -> None:
    connection = KafkaConnection(
        authority_and_node[1].address("SASL_SSL"),
        security_protocol="SASL_SSL",
        mechanism="SCRAM-SHA-512",
        username=WRITER,
        password=PASSWORD,
    )
    with pytest.raises(ProvisioningRefused, match="authority"):
        async with Provisioner(connection):
            pass


async def test_an_authority_file_that_is_missing_is_refused_with_its_name(
    authority_and_node: tuple[Path, Node], tmp_path: Path
) -> None:
    connection = KafkaConnection(
        authority_and_node[1].address("SASL_SSL"),
        security_protocol="SASL_SSL",
        mechanism="SCRAM-SHA-512",
        username=WRITER,
        password=PASSWORD,
        tls=Tls(ca_file=tmp_path / "missing.pem"),
    )
    with pytest.raises(ProvisioningRefused, match=r"missing\.pem"):
        async with Provisioner(connection):
            pass


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_publisher_outlives_a_token_endpoint_that_is_out_of_order(
    authority_and_node: tuple[Path, Node],
    token_url: str,
    prefix: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    node = authority_and_node[1]
    topic = planned(prefix + "records")
    record = Record(topic.name, b"call", b"value", (), 1_772_884_800_000)
    await make_topics(KafkaConnection(node.address()), topic)
    connection = KafkaConnection(
        node.address("SASL_PLAINTEXT"),
        security_protocol="SASL_PLAINTEXT",
        mechanism="OAUTHBEARER",
        oauth=OAuth(token_url, WRITER, PASSWORD),
    )
    publisher = KafkaPublisher(connection, PublishRules(idempotence=True, ack_timeout_s=2))
    async with running(publisher):
        monkeypatch.setattr(TokenHandler, "out_of_order", True)
        node.kill()
        with pytest.raises(Unavailable):
            await publisher.publish([record])
        await node.start()
        await asyncio.sleep(3)  # the publisher tries, and is not let in
        with pytest.raises(Unavailable):
            await publisher.publish([record])
        monkeypatch.setattr(TokenHandler, "out_of_order", False)
        async with asyncio.timeout(RECOVERY_S):
            await until(lambda: publisher.available)
        await publisher.publish([record], deadline_s=ACK_TIMEOUT_S)
