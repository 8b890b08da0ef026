"""Text for people: templates, and values that stay text in Markdown.

Names, tags and messages come from others. None of them may end a table's cell, open a tag, or mention anybody.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import jinja2

_LONGEST = 80
_CODE = re.compile(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)")  # as CommonMark pairs backticks: nothing is escaped in between


def render(package: str, template: str, filters: Mapping[str, Callable[..., object]], **context: Any) -> str:
    """Return a template of a package's templates/ with this context; HTML is escaped, Markdown by its filters."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(package),
        autoescape=jinja2.select_autoescape(["html.j2"], default=False),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(filters)
    return environment.get_template(template).render(context)


def code(value: object) -> str:
    """Return a value as code in Markdown, on one line and cut if it is long; an empty one as the word."""
    shown = " ".join(str(value).replace("`", "'").replace("|", "¦").split())
    return f"`{shown[:_LONGEST]}{'…' if len(shown) > _LONGEST else ''}`" if shown else "empty"


def text(value: object) -> str:
    """Return a value with all of Markdown's signs escaped."""
    return _escape(_line(value)).replace("`", "\\`")


def prose(value: object) -> str:
    """Return a sentence of ours with Markdown's signs escaped; code between backticks stays code."""
    line, escaped, end = _line(value), "", 0
    for span in _CODE.finditer(line):
        escaped += _escape(line[end : span.start()]) + span[0].replace("|", "¦")
        end = span.end()
    return escaped + _escape(line[end:])


def _line(value: object) -> str:
    return " ".join(str(value).split()).replace("@", "@\u200b")  # a backslash would not stop a mention


def _escape(line: str) -> str:
    return re.sub(r"([\\*_\[\]<>|~#])", r"\\\1", line)
