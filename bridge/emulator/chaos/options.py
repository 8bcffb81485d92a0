"""How much goes wrong."""

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Chaos:
    """Shares of the requests, each from 0 to 1, to which something happens; and limits in seconds.

    Only callbacks whose answer Plivo ignores are late, lost or reordered. ``cut`` and ``slow`` need a
    body, so they leave a GET alone.
    """

    duplicated: float = 0.0
    """Sent again within ``duplicate_s_max``: with the same nonces, or signed anew."""
    late: float = 0.0
    """Sent up to ``late_s_max`` later."""
    lost: float = 0.0
    """Never sent, although Plivo takes it as delivered."""
    reordered: float = 0.0
    """Sent after the next callback about the same subject, or after ``reorder_s_max``."""
    old_fields: float = 0.0
    """Sent with names, values and gaps of older generations."""
    undocumented_fields: float = 0.0
    """Sent with parameters that no page names."""
    skewed: float = 0.0
    """Made on a server whose clock is wrong by up to ``skew_s_max`` either way."""
    cut: float = 0.0
    """The connection is closed in the middle of the request."""
    slow: float = 0.0
    """The body arrives in small pieces."""
    duplicate_s_max: float = 5.0
    late_s_max: float = 30.0
    reorder_s_max: float = 10.0
    skew_s_max: float = 90.0

    def __post_init__(self) -> None:
        """Raise ValueError if a value is out of its range."""
        for one in fields(self):
            value, most = getattr(self, one.name), 3_600 if one.name.endswith("_max") else 1
            if not 0 <= value <= most:
                message = f"{one.name} must be between 0 and {most}"
                raise ValueError(message)


SOME_OF_EVERYTHING = Chaos(
    duplicated=0.05,
    late=0.05,
    lost=0.02,
    reordered=0.05,
    old_fields=0.2,
    undocumented_fields=0.1,
    skewed=0.05,
    cut=0.01,
    slow=0.02,
)
