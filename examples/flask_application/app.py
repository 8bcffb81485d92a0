"""A menu for callers: a Plivo application on Flask and Plivo's SDK that knows nothing of the bridge.

1. Every request is checked with the SDK's validator of V3 signatures, against the URL that Plivo called.
2. That URL, and the URLs in the answers, follow from the request's ``Host``, so they name whatever
   Plivo calls: this application, or the bridge in front of it.
3. Behind something that ends TLS, the scheme follows from ``X-Forwarded-Proto`` (``--proxies 1``).
"""

import argparse
import os

from flask import Flask, Response, abort, request, url_for
from plivo import plivoxml
from plivo.utils import validate_v3_signature
from werkzeug.middleware.proxy_fix import ProxyFix

# The account of `callback-bridge emulate`.
AUTH_TOKEN = "emulated-token-not-a-secret"  # noqa: S105 (no secret)


def make_app(auth_token: str, proxies: int = 0) -> Flask:
    """Return the application. ``proxies`` in front of it set ``X-Forwarded-Proto``."""
    app = Flask(__name__)
    if proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=0, x_proto=proxies)  # type: ignore[method-assign]

    @app.before_request
    def check_signature() -> None:
        is_signed = validate_v3_signature(
            request.method,
            request.url,
            request.headers.get("X-Plivo-Signature-V3-Nonce", ""),
            auth_token,
            request.headers.get("X-Plivo-Signature-V3", ""),
            request.form.to_dict(),
        )
        if not is_signed:
            abort(403)

    @app.post("/voice/answer")
    def answer() -> Response:
        menu = plivoxml.GetDigitsElement(
            action=url_for("choose", _external=True), num_digits=1, timeout=5
        )
        menu.add(plivoxml.SpeakElement("Press 1 to hear the time, or 2 to leave a message."))
        return to_xml(plivoxml.ResponseElement().add(menu))

    @app.post("/voice/choice")
    def choose() -> Response:
        document = plivoxml.ResponseElement()
        if request.form["Digits"] == "2":
            document.add(plivoxml.SpeakElement("Please speak after the tone."))
            document.add(
                plivoxml.RecordElement(action=url_for("thank", _external=True), finish_on_key="#")
            )
        else:
            document.add(plivoxml.SpeakElement("It is late."))
        return to_xml(document)

    @app.post("/voice/recorded")
    def thank() -> Response:
        return to_xml(plivoxml.ResponseElement().add(plivoxml.SpeakElement("Thank you.")))

    @app.post("/voice/ring")
    def note_ring() -> str:
        return note("rings")

    @app.post("/voice/hangup")
    def note_end() -> str:
        return note(f"ended: {request.form['HangupCauseName']}")

    return app


def to_xml(document: plivoxml.ResponseElement) -> Response:
    """Return a document as an answer."""
    return Response(document.to_string(), mimetype="application/xml")


def note(text: str) -> str:
    """Print what happened on the call; return an empty answer."""
    print(f"{request.form['CallUUID'][:8]} {text}", flush=True)
    return ""


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--port", type=int, default=5000)
    parser.add_argument("--proxies", type=int, default=0, help="how many are in front of it")
    asked = parser.parse_args()
    token = os.environ.get("PLIVO_AUTH_TOKEN", AUTH_TOKEN)  # noqa: TID251 (a program's start)
    make_app(token, asked.proxies).run(port=asked.port)
