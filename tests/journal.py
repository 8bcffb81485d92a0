"""The way back: from a journal record to the callback it is of."""

import base64
from datetime import datetime
from typing import Any

from bridge.raw import RawCallback


def body_of(value: dict[str, Any]) -> bytes:
    if "body" in value:
        text: str = value["body"]
        return text.encode()
    return base64.b64decode(value["body_base64"], validate=True)


def from_journal(value: dict[str, Any]) -> RawCallback:
    """Return the callback that a journal record's JSON is of, from it alone."""
    return RawCallback(
        method=value["method"],
        origin=value["url_received"].removesuffix(
            value["path"] + (f"?{value['query']}" if value["query"] else "")
        ),
        public_origin=value["public_origin"],
        path=value["path"],
        query=value["query"],
        headers=tuple((name, text) for name, text in value["headers"]),
        body=body_of(value),
        remote_address=value["remote_address"],
        received_at=datetime.fromisoformat(value["received_at"]),
    )
