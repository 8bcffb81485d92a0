"""Build the parts of a bridge from its settings; ``process`` starts and stops them."""

import time
from ipaddress import ip_network

import structlog
from starlette.routing import Router

from bridge.app.parts import make_accounts, make_naming
from bridge.app.rules_file import LoadedReplies, load_replies, log_rule_warnings
from bridge.core import catalogue
from bridge.core.keyring import Keyring
from bridge.core.nonce_guard import NonceGuard
from bridge.core.parse import Parser
from bridge.core.verify import AcceptV2, Verifier
from bridge.ingress.clients import ConnectionLimits
from bridge.ingress.load import Load
from bridge.ingress.request import PublicUrlPolicy, RequestLimits
from bridge.ingress.routes import EndpointParts, make_app
from bridge.intake.asking import Asking
from bridge.intake.delivery import Delivery
from bridge.intake.outcome_log import OutcomeRecorder
from bridge.intake.preparation import Preparation, Stations
from bridge.intake.rate_limit import RateLimiter
from bridge.intake.rejections import DIAGNOSES_PER_MINUTE_MAX, RejectionSampler
from bridge.intake.walk import AckTimeouts, Intake, IntakeParts
from bridge.reply.applications import Applications, NoApplications
from bridge.reply.replies import Replies
from bridge.settings.load import Settings
from bridge.telemetry.logs import CallTokens
from bridge.telemetry.metrics import Metrics

log = structlog.get_logger()


def log_warnings(settings: Settings, loaded: LoadedReplies) -> None:
    """Log settings that are valid but will surprise an operator."""
    if settings.verification != "enforce":
        log.warning(
            "verification_not_enforced",
            verification=settings.verification,
            meaning="anyone who finds the URL can put events on the topics",
        )
    without_rule = loaded.replies.rules.without_rule
    if without_rule:
        log.warning(
            "reply_not_configured",
            callback_types=without_rule,
            meaning="callbacks of these types that no rule matches get an empty <Response/>, which ends "
            "the call; write rules for them in the file of BRIDGE_REPLIES_FILE",
        )
    log_rule_warnings(loaded.warnings)
    known = {account.auth_id for account in settings.accounts}
    known |= {inner.auth_id for account in settings.accounts for inner in account.subaccounts}
    for rule in loaded.replies.rules.rules:
        for auth_id in sorted((rule.accounts or known) - known):
            log.warning(
                "reply_rule_account_unknown",
                rule=rule.name,
                account=auth_id,
                meaning="no callback is of an account that is not in BRIDGE_ACCOUNTS",
            )
    if settings.public_url is None and not (settings.trusted_proxies or settings.allowed_hosts):
        log.warning(
            "public_url_not_configured",
            meaning="signatures are checked against the URL as received; behind a proxy none is valid",
        )


def make_application(  # noqa: PLR0913 (wired once, by name)
    settings: Settings,
    delivery: Delivery,
    metrics: Metrics,
    *,
    keyring: Keyring | None = None,
    asking: Asking | None = None,
    loaded: LoadedReplies | None = None,
) -> Router:
    """Return the application that answers Plivo; raises RulesRefused for faulty reply rules.

    ``keyring`` None: one is made of the accounts in ``settings``. ``asking`` None: no customer's
    application can be asked. ``loaded`` None: the rules are read.
    """
    types = catalogue.load_catalogue()
    if loaded is None:
        loaded = load_replies(settings.replies_file, types)
    log_warnings(settings, loaded)
    recorder = OutcomeRecorder(
        metrics,
        CallTokens(settings.log_key.get_secret_value() if settings.log_key else None),
        unverified_limiter=RateLimiter(settings.log_unverified_per_minute_max, time.monotonic),
        published_every=settings.log_published_every,
    )
    parts = EndpointParts(
        intake=_make_intake(
            settings,
            delivery,
            metrics,
            parser=Parser(types, settings.context_parameters),
            replies=loaded.replies,
            keyring=keyring or Keyring(make_accounts(settings.accounts)),
            asking=asking or make_asking(settings, NoApplications(), delivery, metrics),
        ),
        limits=RequestLimits(
            body_bytes_max=settings.body_bytes_max,
            url_bytes_max=settings.url_bytes_max,
            parameters_max=settings.parameters_max,
        ),
        load=Load(callbacks_max=settings.in_flight_max, bytes_max=settings.in_flight_bytes_max),
        public_url_policy=make_public_url_policy(settings),
        metrics=metrics,
        recorder=recorder,
    )
    return make_app(types, parts, loaded.replies.find_application)


def make_public_url_policy(settings: Settings) -> PublicUrlPolicy:
    """Return how the URL that Plivo called is found."""
    return PublicUrlPolicy(
        settings.public_url,
        tuple(ip_network(one) for one in settings.trusted_proxies),
        tuple(settings.allowed_hosts),
    )


def make_asking(
    settings: Settings, applications: Applications, delivery: Delivery, metrics: Metrics
) -> Asking:
    """Return what asks the customer's applications, and stores their answers."""
    return Asking(
        applications, delivery, ack_timeout_s=settings.kafka.ack_timeout_s, metrics=metrics
    )


def _make_intake(  # noqa: PLR0913 (wired once, by name)
    settings: Settings,
    delivery: Delivery,
    metrics: Metrics,
    *,
    parser: Parser,
    replies: Replies,
    keyring: Keyring,
    asking: Asking,
) -> Intake:
    verifier = Verifier(
        keyring,
        NonceGuard(),
        accept_v2=AcceptV2(settings.accept_v2),
        accept_agentstack=settings.accept_agentstack_v3,
    )
    names = make_naming(settings)
    stations = Stations(
        verifier=verifier,
        parser=parser,
        replies=replies,
        naming=names,
        policy=settings.verification,
        parameters_max=settings.parameters_max,
    )
    parts = IntakeParts(
        preparation=Preparation(stations, metrics),
        rejections=RejectionSampler(
            samples=RateLimiter(settings.rejected_per_minute_max, time.monotonic),
            diagnoses=RateLimiter(DIAGNOSES_PER_MINUTE_MAX, time.monotonic),
            verifier=verifier,
            publisher=delivery.publisher,
            naming=names,
            metrics=metrics,
        ),
        delivery=delivery,
        asking=asking,
        ack_timeouts=AckTimeouts(
            ack_timeout_s=settings.kafka.ack_timeout_s,
            control_ack_timeout_s=settings.kafka.control_ack_timeout_s,
        ),
        replies=replies,
        naming=names,
    )
    return Intake(parts, metrics)


def make_connection_limits(settings: Settings) -> ConnectionLimits:
    """Return the limits of client connections."""
    return ConnectionLimits(
        connections_max=settings.connections_max,
        url_bytes_max=settings.url_bytes_max,
        read_timeout_s=settings.read_timeout_s,
        log_lines_per_minute_max=settings.log_unverified_per_minute_max,
    )
