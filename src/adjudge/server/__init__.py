"""The judge behind HTTP: `adjudge serve`, or create_app() for an ASGI server of your own."""
