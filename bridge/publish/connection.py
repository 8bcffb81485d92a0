"""Connection options that all our Kafka clients share."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from aiokafka.abc import AbstractTokenProvider
from aiokafka.errors import KafkaConnectionError

from bridge.telemetry.masking import mask_path, mask_url

SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
SaslMechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"]

_TOKEN_TIMEOUT_S = 10.0

Secret = str | Path
"""A secret, or the file that contains it. The file is read at each connect, so it can be renewed."""


@dataclass(frozen=True, slots=True)
class Tls:
    """Files for TLS to the brokers. Without ``ca_file`` the system's authorities apply."""

    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None


@dataclass(frozen=True, slots=True)
class OAuth:
    """Where OAUTHBEARER tokens come from: the client credentials grant of RFC 6749, section 4.4."""

    token_url: str
    client_id: str
    client_secret: Secret
    scope: str | None = None


@dataclass(frozen=True, slots=True)
class KafkaConnection:
    """The address of Kafka, and the credentials for it."""

    bootstrap_servers: str
    client_id: str = "callback-bridge"
    security_protocol: SecurityProtocol = "PLAINTEXT"
    mechanism: SaslMechanism = "PLAIN"
    username: str | None = None
    password: Secret | None = None
    oauth: OAuth | None = None
    tls: Tls = Tls()

    def options(self) -> dict[str, Any]:
        """Return the arguments that aiokafka's producer, consumer and admin client share.

        Raises BadConnection.
        """
        options: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap_servers,
            "client_id": self.client_id,
            "security_protocol": self.security_protocol,
        }
        if self.security_protocol in {"SSL", "SASL_SSL"}:
            options["ssl_context"] = self._ssl_context()
        if self.security_protocol.startswith("SASL"):
            options["sasl_mechanism"] = self.mechanism
            if self.oauth is not None:
                options["sasl_oauth_token_provider"] = TokenEndpoint(self.oauth)
            else:
                options["sasl_plain_username"] = self.username
                options["sasl_plain_password"] = (
                    _read_secret(self.password) if self.password else None
                )
        return options

    def _ssl_context(self) -> ssl.SSLContext:
        tls = self.tls
        try:
            context = ssl.create_default_context(cafile=str(tls.ca_file) if tls.ca_file else None)
        except OSError as error:
            message = f"{_path_text(tls.ca_file)}: {error.strerror or error}"
            raise BadConnection(message) from error
        if tls.certificate_file is not None:
            try:
                context.load_cert_chain(tls.certificate_file, tls.key_file)
            except OSError as error:
                files = f"{_path_text(tls.certificate_file)}, {_path_text(tls.key_file)}"
                message = f"{files}: {error.strerror or error}"
                raise BadConnection(message) from error
        return context


class BadConnection(Exception):
    """A file of the connection cannot be used. The text says which one and why."""


def describe_error(error: Exception) -> str:
    """Return why Kafka could not be reached.

    aiokafka's own text shows the addresses as Python objects; our callers name them.
    """
    if isinstance(error, KafkaConnectionError) and "Unable to bootstrap" in str(error):
        return "no broker answers there"
    return str(error)


def _path_text(path: Path | None) -> str:
    return mask_path(path) if path is not None else "the system's authorities"


def _read_secret(secret: Secret) -> str:
    """Return the text of a secret; raises BadConnection if its file cannot be read."""
    if isinstance(secret, str):
        return secret
    try:
        return secret.read_text().strip()
    except OSError as error:
        message = f"{mask_path(secret)}: {error.strerror or error}"
        raise BadConnection(message) from error
    except UnicodeDecodeError as error:
        message = f"{mask_path(secret)}: not text"
        raise BadConnection(message) from error


class TokenEndpoint(AbstractTokenProvider):
    """Fetches an access token for each new connection to a broker."""

    def __init__(self, oauth: OAuth) -> None:
        self._oauth = oauth

    async def token(self) -> str:
        """Return an access token; raises KafkaConnectionError, like any failed login."""
        import httpx  # noqa: PLC0415 (slow to import, and only OAuth needs it)

        form = {"grant_type": "client_credentials"}
        if self._oauth.scope:
            form["scope"] = self._oauth.scope
        try:
            async with httpx.AsyncClient(timeout=_TOKEN_TIMEOUT_S) as client:
                answer = await client.post(
                    self._oauth.token_url,
                    data=form,
                    auth=(self._oauth.client_id, _read_secret(self._oauth.client_secret)),
                )
            answer.raise_for_status()
            return str(answer.json()["access_token"])
        except BadConnection as error:
            raise KafkaConnectionError(str(error)) from error
        except (httpx.HTTPError, httpx.InvalidURL, KeyError, TypeError, ValueError) as error:
            message = f"no token from {mask_url(self._oauth.token_url)}: {type(error).__name__}"
            raise KafkaConnectionError(message) from error
