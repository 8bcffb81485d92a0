"""From settings to the parts of a running bridge."""

from dataclasses import dataclass
from ipaddress import ip_network

import structlog
from starlette.applications import Starlette

from bridge import __version__, catalogue
from bridge.derived.topics import Sizing, plan
from bridge.event import Naming
from bridge.ingress.app import make_app
from bridge.ingress.health import make_management_app
from bridge.ingress.request import Limits, Publicity
from bridge.intake import Intake
from bridge.metrics import Metrics
from bridge.parse import Parser
from bridge.publish import Publisher
from bridge.publish.connection import Connection, OAuth, Tls
from bridge.publish.kafka import KafkaPublisher
from bridge.reply.document import Replies
from bridge.settings import Settings
from bridge.verify import Account, Keyring, NonceGuard, Subaccount, Verifier

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Bridge:
    """The parts of one process."""

    app: Starlette
    management_app: Starlette
    publisher: KafkaPublisher
    metrics: Metrics


def connection(settings: Settings) -> Connection:
    """Return how to reach Kafka."""
    kafka = settings.kafka
    oauth = None
    if kafka.sasl_mechanism == "OAUTHBEARER" and kafka.sasl_oauth_client_secret is not None:
        oauth = OAuth(
            token_url=kafka.sasl_oauth_token_url or "",
            client_id=kafka.sasl_oauth_client_id or "",
            client_secret=kafka.sasl_oauth_client_secret.get_secret_value(),
            scope=kafka.sasl_oauth_scope,
        )
    return Connection(
        bootstrap_servers=kafka.bootstrap_servers,
        client_id=kafka.client_id,
        security_protocol=kafka.security_protocol,
        mechanism=kafka.sasl_mechanism,
        username=kafka.sasl_username,
        password=kafka.sasl_password.get_secret_value() if kafka.sasl_password else None,
        oauth=oauth,
        tls=Tls(kafka.tls_ca_file, kafka.tls_certificate_file, kafka.tls_key_file),
    )


def sizing(settings: Settings) -> Sizing:
    """Return how topics are to be made."""
    return Sizing(**settings.topics.model_dump())


def naming(settings: Settings) -> Naming:
    """Return the contract's configurable names."""
    return Naming(settings.topic_prefix, settings.schema_base_url)


def accounts(settings: Settings) -> list[Account]:
    """Return the accounts with their tokens in the clear: for the verifier alone."""
    return [
        Account(
            auth_id=account.auth_id,
            zone=account.timezone,
            tokens=tuple(token.get_secret_value() for token in account.auth_tokens),
            subaccounts=tuple(
                Subaccount(
                    auth_id=inner.auth_id,
                    tokens=tuple(token.get_secret_value() for token in inner.auth_tokens),
                    zone=inner.timezone,
                )
                for inner in account.subaccounts
            ),
        )
        for account in settings.accounts
    ]


def replies(settings: Settings, types: catalogue.Catalogue) -> Replies:
    """Return the replies, every document checked; raises BadDocument."""
    return Replies(types, settings.replies)


def warn(settings: Settings, answers: Replies) -> None:
    """Say what will surprise an operator later."""
    if settings.verification != "enforce":
        log.warning(
            "verification_not_enforced",
            verification=settings.verification,
            meaning="anyone who finds the URL can put events on the topics",
        )
    if answers.unanswered:
        log.warning(
            "reply_not_configured",
            callback_types=answers.unanswered,
            meaning="an empty <Response/> is sent, which ends the call; set BRIDGE_REPLIES",
        )
    if settings.public_url is None and not settings.trusted_proxies:
        log.warning(
            "public_url_not_configured",
            meaning="signatures are checked against the URL as received; behind a proxy none holds",
        )


def application(settings: Settings, publisher: Publisher, metrics: Metrics) -> Starlette:
    """Return the application that answers Plivo; raises BadDocument for a reply that cannot be."""
    types = catalogue.load()
    answers = replies(settings, types)
    warn(settings, answers)
    intake = Intake(
        verifier=Verifier(Keyring(accounts(settings)), NonceGuard(), settings.accept_v2),
        policy=settings.verification,
        parser=Parser(types, settings.context_parameters),
        publisher=publisher,
        replies=answers,
        naming=naming(settings),
        metrics=metrics,
    )
    return make_app(
        catalogue=types,
        intake=intake,
        limits=Limits(settings.body_bytes_max, settings.url_bytes_max, settings.parameters_max),
        publicity=Publicity(
            settings.public_url, tuple(ip_network(one) for one in settings.trusted_proxies)
        ),
        metrics=metrics,
    )


def build(settings: Settings) -> Bridge:
    """Return the parts of a bridge that publishes to Kafka, not yet started."""
    metrics = Metrics(__version__)
    publisher = KafkaPublisher(
        connection(settings),
        idempotence=settings.kafka.idempotence,
        ack_timeout_s=settings.kafka.ack_timeout_s,
        topics=[
            one.name for one in plan(catalogue.load(), settings.topic_prefix, sizing(settings))
        ],
        on_available=lambda available: metrics.set("kafka_available", int(available)),
    )
    app = application(settings, publisher, metrics)
    management = make_management_app(ready=lambda: publisher.available, metrics=metrics)
    return Bridge(app, management, publisher, metrics)
