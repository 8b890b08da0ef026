"""The emulator as an HTTP application: routing, login, errors."""
