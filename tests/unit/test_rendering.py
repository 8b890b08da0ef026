"""Sentences in Markdown: what others wrote stays text, and code stays code."""

import pytest

from digits.rendering import prose, text


@pytest.mark.parametrize(
    ("sentence", "markdown"),
    [
        ("write `digits:promoteFrom: <stack>` there", "write `digits:promoteFrom: <stack>` there"),
        ("`a_b` is *new*", r"`a_b` is \*new\*"),
        ("one `a|b` cell", "one `a¦b` cell"),
        ("a <b> without code", r"a \<b\> without code"),
        ("`open <b>", r"`open \<b\>"),
        ("`<b>``", r"`\<b\>``"),
        ("`a``b`<c>`d", r"`a``b`\<c\>`d"),
        (r"\`<b>`", r"\\`<b>`"),
        ("@all `@all`", "@\u200ball `@\u200ball`"),
    ],
)
def test_only_code_between_paired_backticks_is_left_as_it_is(sentence: str, markdown: str) -> None:
    """Backslashes show in code, and an unpaired backtick opens none: the pairs are CommonMark's."""
    assert prose(sentence) == markdown


def test_a_foreign_text_has_no_code() -> None:
    """Its backticks are escaped too."""
    assert text("`<b>`") == r"\`\<b\>\`"
