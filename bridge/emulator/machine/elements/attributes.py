"""Read the attributes of an element. A value that Plivo could not read counts as absent."""

from bridge.reply.tree import Node


def read_integer(node: Node, name: str, default: int) -> int:
    """Return a whole number."""
    text = node.attributes.get(name, "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else default  # noqa: PLR2004


def read_flag(node: Node, name: str, *, default: bool) -> bool:
    """Return true or false."""
    text = node.attributes.get(name, "").strip().lower()
    return text == "true" if text in {"true", "false"} else default


def read_url(node: Node, name: str, method_name: str = "method") -> tuple[str, str]:
    """Return a URL and its method; an empty URL if there is none."""
    method = node.attributes.get(method_name, "").strip().upper() or "POST"
    return node.attributes.get(name, "").strip(), method
