"""Control of an emulator over HTTP, for tests in any language: below ``/_emulator``.

It must not know Plivo's own API, which is served beside it.
"""
