"""Actions on a call that goes on: Plivo's pages on transfer and recording."""

from typing import Literal, NamedTuple

Legs = Literal["aleg", "bleg", "both"]
Method = Literal["GET", "POST"]


class Recording(NamedTuple):
    """A recording that goes on, and where its file will be."""

    recording_id: str
    url: str


class Transfer(NamedTuple):
    """Where the legs of a call go on: absolute URLs of Plivo XML. Empty: that leg stays."""

    aleg_url: str = ""
    aleg_method: Method = "POST"
    bleg_url: str = ""
    bleg_method: Method = "POST"

    @property
    def legs(self) -> Legs:
        """Return which legs are transferred. Raises ValueError if none is."""
        if not (self.aleg_url or self.bleg_url):
            message = "a transfer needs aleg_url, bleg_url, or both"
            raise ValueError(message)
        if self.aleg_url and self.bleg_url:
            return "both"
        return "aleg" if self.aleg_url else "bleg"

    def to_body(self) -> dict[str, object]:
        """Return Plivo's JSON."""
        given: dict[str, object] = {"legs": self.legs}
        if self.aleg_url:
            given |= {"aleg_url": self.aleg_url, "aleg_method": self.aleg_method}
        if self.bleg_url:
            given |= {"bleg_url": self.bleg_url, "bleg_method": self.bleg_method}
        return given


class RecordOptions(NamedTuple):
    """How a call is recorded. ``time_limit_s`` None: Plivo's 60 s.

    ``callback_url`` is called when the file is there.
    """

    time_limit_s: int | None = None
    file_format: Literal["mp3", "wav"] = "mp3"
    callback_url: str = ""
    callback_method: Method = "POST"
    transcription_url: str = ""
    transcription_method: Method = "POST"

    def to_body(self) -> dict[str, object]:
        """Return Plivo's JSON."""
        given: dict[str, object] = {"file_format": self.file_format}
        if self.time_limit_s is not None:
            given["time_limit"] = self.time_limit_s
        if self.callback_url:
            given |= {"callback_url": self.callback_url, "callback_method": self.callback_method}
        if self.transcription_url:
            given |= {
                "transcription_type": "auto",
                "transcription_url": self.transcription_url,
                "transcription_method": self.transcription_method,
            }
        return given
