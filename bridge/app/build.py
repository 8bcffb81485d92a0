"""From settings to the parts of a bridge; the spool, and what begins and ends, are in cli/bridge.py."""

import time
from collections.abc import Sequence
from ipaddress import ip_network
from pathlib import Path

import structlog
from pydantic import SecretStr
from starlette.applications import Starlette

from bridge.core import catalogue
from bridge.core.event import Naming
from bridge.core.keyring import Account, Keyring, Subaccount
from bridge.core.nonce_guard import NonceGuard
from bridge.core.parse import Parser
from bridge.core.verify import AcceptV2, Verifier
from bridge.derived.topics import Sizing
from bridge.ingress.clients import Bounds
from bridge.ingress.request import Limits, Publicity
from bridge.ingress.routes import make_app
from bridge.intake.delivery import Durable
from bridge.intake.outcome_log import Ends
from bridge.intake.rate_limit import Bucket
from bridge.intake.rejections import LOOKS_PER_MINUTE_MAX, Rejections
from bridge.intake.walk import Deadlines, Intake
from bridge.publish.connection import Connection, OAuth, Secret, Tls
from bridge.reply.document import BadDocument, Replies
from bridge.settings.accounts import Account as AccountSettings
from bridge.settings.load import Settings
from bridge.telemetry.logs import CallTokens
from bridge.telemetry.metrics import Metrics

log = structlog.get_logger()


def connection(settings: Settings) -> Connection:
    """Return how to reach Kafka."""
    kafka = settings.kafka
    oauth = None
    client_secret = _secret(kafka.sasl_oauth_client_secret, kafka.sasl_oauth_client_secret_file)
    if kafka.sasl_mechanism == "OAUTHBEARER" and client_secret is not None:
        oauth = OAuth(
            token_url=kafka.sasl_oauth_token_url or "",
            client_id=kafka.sasl_oauth_client_id or "",
            client_secret=client_secret,
            scope=kafka.sasl_oauth_scope,
        )
    return Connection(
        bootstrap_servers=kafka.bootstrap_servers,
        client_id=kafka.client_id,
        security_protocol=kafka.security_protocol,
        mechanism=kafka.sasl_mechanism,
        username=kafka.sasl_username,
        password=_secret(kafka.sasl_password, kafka.sasl_password_file),
        oauth=oauth,
        tls=Tls(kafka.tls_ca_file, kafka.tls_certificate_file, kafka.tls_key_file),
    )


def _secret(value: SecretStr | None, file: Path | None) -> Secret | None:
    return value.get_secret_value() if value else file


def sizing(settings: Settings) -> Sizing:
    """Return how topics are to be made."""
    return Sizing(**settings.topics.model_dump())


def naming(settings: Settings) -> Naming:
    """Return the contract's configurable names."""
    return Naming(
        settings.topic_prefix,
        settings.schema_base_url,
        connect_headers=settings.dead_letter_connect_headers,
    )


def accounts(settings: Sequence[AccountSettings]) -> list[Account]:
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
        for account in settings
    ]


def replies(settings: Settings, types: catalogue.Catalogue) -> Replies:
    """Return the replies, every document checked; raises BadDocument with all that is wrong."""
    try:
        return Replies(types, settings.replies)
    except BadDocument as error:
        lines = (f"BRIDGE_REPLIES: {line}" for line in str(error).splitlines())
        raise BadDocument("\n".join(lines)) from error


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
    for doubt in answers.doubts:
        log.warning(
            "reply_doubtful",
            callback_types=doubt.types,
            file=str(doubt.path),
            line=doubt.finding.line,
            element=doubt.finding.element,
            meaning=doubt.finding.meaning,
        )
    if settings.public_url is None and not (settings.trusted_proxies or settings.allowed_hosts):
        log.warning(
            "public_url_not_configured",
            meaning="signatures are checked against the URL as received; behind a proxy none holds",
        )


def application(
    settings: Settings, durable: Durable, metrics: Metrics, keyring: Keyring | None = None
) -> Starlette:
    """Return the application that answers Plivo; raises BadDocument for a reply that cannot be.

    ``keyring`` None makes one of the settings' accounts.
    """
    types = catalogue.load()
    answers = replies(settings, types)
    warn(settings, answers)
    verifier = Verifier(
        keyring or Keyring(accounts(settings.accounts)),
        NonceGuard(),
        accept_v2=AcceptV2(settings.accept_v2),
        accept_agentstack=settings.accept_agentstack_v3,
    )
    names = naming(settings)
    ends = Ends(
        metrics,
        CallTokens(settings.log_key.get_secret_value() if settings.log_key else None),
        strangers=Bucket(settings.log_strangers_per_minute_max, time.monotonic),
        published_every=settings.log_published_every,
    )
    intake = Intake(
        verifier=verifier,
        policy=settings.verification,
        parser=Parser(types, settings.context_parameters),
        durable=durable,
        deadlines=Deadlines(
            notification_s=settings.kafka.ack_timeout_s,
            control_s=settings.kafka.control_ack_timeout_s,
        ),
        rejections=Rejections(
            sample=Bucket(settings.rejected_per_minute_max, time.monotonic),
            looks=Bucket(LOOKS_PER_MINUTE_MAX, time.monotonic),
            verifier=verifier,
            publisher=durable.publisher,
            naming=names,
            metrics=metrics,
        ),
        replies=answers,
        naming=names,
        metrics=metrics,
        ends=ends,
        parameters_max=settings.parameters_max,
    )
    return make_app(
        catalogue=types,
        intake=intake,
        limits=Limits(
            body_bytes_max=settings.body_bytes_max,
            url_bytes_max=settings.url_bytes_max,
            parameters_max=settings.parameters_max,
            in_flight_max=settings.in_flight_max,
            in_flight_bytes_max=settings.in_flight_bytes_max,
        ),
        publicity=Publicity(
            settings.public_url,
            tuple(ip_network(one) for one in settings.trusted_proxies),
            tuple(settings.allowed_hosts),
        ),
        metrics=metrics,
        ends=ends,
    )


def bounds(settings: Settings) -> Bounds:
    """Return the most a client may have of the bridge."""
    return Bounds(
        connections_max=settings.connections_max,
        url_bytes_max=settings.url_bytes_max,
        read_timeout_s=settings.read_timeout_s,
        log_lines_per_minute_max=settings.log_strangers_per_minute_max,
    )
