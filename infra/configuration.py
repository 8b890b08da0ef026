"""The reader of the stack's values: each that is wrong is a sentence with the key, the file and the fix.

Problems are collected, so that all of them are reported together. A method returns a harmless value for what it
refuses, and `require` ends the program before anybody uses that value.
"""

import json

import pulumi

from digits.stack import Keys


class SettingsError(pulumi.RunError):
    """The stack's configuration cannot be deployed; the engine shows the sentence without a traceback."""


class Configuration:
    """The values of the selected stack, and the mistakes in them."""

    def __init__(self, file: str, keys: Keys, problems: list[str]) -> None:
        self._file = file
        self._keys = keys
        self._problems = problems
        self._project = pulumi.Config()
        self._azure = pulumi.Config("azure-native")

    def require(self) -> None:
        """Raise SettingsError if anything is wrong so far."""
        if self._problems:
            raise SettingsError("\n".join(self._problems))

    def refuse(self, key: str, problem: str, fix: str) -> None:
        """Note a mistake in a value."""
        self._problems.append(f"{key} {problem}: {fix} in {self._file}.")

    def azure(self, key: str) -> str:
        """Return a value of the azure-native provider, which must be there."""
        value, name = self._azure.get(key) or "", f"azure-native:{key}"
        if not value and not any(name in problem for problem in self._problems):
            self.refuse(name, "is missing", "write it under config: (or `pulumi config set`)")
        return value

    def get(self, key: str) -> str:
        """Return a text that may be empty."""
        return self._project.get(key) or ""

    def text(self, key: str) -> str:
        """Return a text that must not be empty."""
        value = self.get(key)
        if not value:
            self.refuse(key, "is empty", "give it a value, or remove the line to get the default,")
        return value

    def flag(self, key: str) -> bool:
        """Return true or false."""
        return self._project.require_bool(key)

    def choice(self, key: str, choices: tuple[str, ...]) -> str:
        """Return one of the choices."""
        value = self.get(key)
        if value not in choices:
            self.refuse(key, f"is '{value}'", f"write {' or '.join(choices)}")
        return value

    def number(self, key: str) -> float:
        """Return a number within the bounds that Pulumi.yaml declares for it."""
        value, bounds = self.get(key), self._keys.bounds[f"{self._keys.project}:{key}"]
        if found := bounds.check(value):
            self.refuse(key, *found)
            return 0
        return bounds.parse(value)

    def integer(self, key: str) -> int:
        """Return a whole number within its bounds."""
        return int(self.number(key))

    def optional_number(self, key: str) -> float | None:
        """Return a number within its bounds, or None if there is none."""
        return self.number(key) if self.get(key) else None

    def tags(self, key: str, taken: str) -> dict[str, str]:
        """Return texts by name; the name `taken` is not free, in whatever case."""
        value: object = self._project.get_object(key)
        if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
            self.refuse(key, f"is {json.dumps(value)}", "write names and texts, such as {owner: vision-team},")
            return {}
        if taken in map(str.lower, value):
            problem = f"names {taken}, in which the deployment keeps what runs in the web service"
            self.refuse(key, problem, "choose another name")
        return value
