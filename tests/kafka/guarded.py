"""A Kafka with authentication, and a login with the rights that the test gives it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from bridge.publish.connection import KafkaConnection
from tests.kafka.cluster import Listener, Node

_LOGIN: Final = "SASL_PLAINTEXT"
_PASSWORD: Final = "correct-horse"
_MODULE: Final = "org.apache.kafka.common.security.plain.PlainLoginModule"
_USERS: Final = tuple(f"auditor{number}" for number in range(9))


@dataclass
class Guarded:
    """The cluster: everybody on its plain listener may do everything, a login only what it was given."""

    node: Node
    _logins: int = 0

    @property
    def open(self) -> KafkaConnection:
        return KafkaConnection(self.node.address())

    def login(self, rights: dict[str, str], *, group: str | None = None) -> KafkaConnection:
        """Return the connection of a login that has these rights alone, on topics named so far.

        ``group`` is a consumer group that it may join too.
        """
        user = _USERS[self._logins]
        self._logins += 1
        admin = AdminClient({"bootstrap.servers": self.node.address()})
        bindings = [
            AclBinding(
                ResourceType.TOPIC,
                topic.removesuffix("*"),
                ResourcePatternType.PREFIXED
                if topic.endswith("*")
                else ResourcePatternType.LITERAL,
                f"User:{user}",
                "*",
                AclOperation[right],
                AclPermissionType.ALLOW,
            )
            for topic, names in rights.items()
            for right in names.split()
        ]
        if group is not None:
            bindings.append(
                AclBinding(
                    ResourceType.GROUP,
                    group,
                    ResourcePatternType.LITERAL,
                    f"User:{user}",
                    "*",
                    AclOperation.READ,
                    AclPermissionType.ALLOW,
                )
            )
        for made in admin.create_acls(bindings).values() if bindings else ():
            made.result()
        return KafkaConnection(
            self.node.address(_LOGIN),
            security_protocol="SASL_PLAINTEXT",
            username=user,
            password=_PASSWORD,
        )


def guarded_node(libs: Path, folder: Path) -> Node:
    """Return a node whose logins may do nothing until they are given a right."""
    users = " ".join(f'user_{user}="{_PASSWORD}"' for user in _USERS)
    login = f"{_MODULE} required {users};"
    return Node(
        libs,
        folder,
        listeners=[
            Listener(
                _LOGIN,
                _LOGIN,
                {"sasl.enabled.mechanisms": "PLAIN", "plain.sasl.jaas.config": login},
            )
        ],
        settings={
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
        },
    )
