"""Build the parts that commands and the bridge share, from the settings.

They are not in ``build``, because importing ``build`` imports the whole server.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import SecretStr

from bridge.core.event import ContractNames
from bridge.core.keyring import Account, Subaccount
from bridge.derived.topics import Sizing
from bridge.publish.connection import KafkaConnection, OAuth, Secret, Tls
from bridge.settings.accounts import AccountSettings
from bridge.settings.load import Settings


def make_replay_connection(settings: Settings) -> KafkaConnection:
    """Return how a replay reaches Kafka: with a client id of its own.

    Kafka's quotas and metrics by client id then tell a replay from the bridge.
    """
    connection = make_connection(settings)
    return replace(connection, client_id=f"{connection.client_id}-replay")


def make_connection(settings: Settings) -> KafkaConnection:
    """Return the connection to Kafka."""
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
    return KafkaConnection(
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


def make_sizing(settings: Settings) -> Sizing:
    """Return the sizes of topics to create."""
    return Sizing(**settings.topics.model_dump())


def make_naming(settings: Settings) -> ContractNames:
    """Return the configurable names of the published contract."""
    return ContractNames(settings.topic_prefix, settings.schema_base_url)


def make_accounts(settings: Sequence[AccountSettings]) -> list[Account]:
    """Return the accounts with their tokens in plain text: only for the verifier."""
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
