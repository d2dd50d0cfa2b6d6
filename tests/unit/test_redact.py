# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Known secrets are found however somebody has written them, and nothing else is touched."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.msp.connectwise.plugins.module_utils import _redact
from ansible_collections.msp.connectwise.plugins.module_utils._redact import HIDDEN, SHORTEST, Registry

PRIVATE = "xK9+v/Q=aB3~dE7é"
# Not blanks alone, and of characters that every codec takes.
SECRETS = (
    st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), min_size=SHORTEST, max_size=24)
    .map(str.strip)
    .filter(lambda text: len(text) >= SHORTEST)
)
WORDS = st.text(st.characters(codec="ascii", exclude_categories=("Cc",)), max_size=12)


def known(*secrets):
    registry = Registry()
    for secret in secrets:
        registry.register(secret)
    return registry


def partly(text, escaped, chosen):
    """Escape the chosen characters of a text, and leave the others."""
    return "".join(escaped(char) if at in chosen else char for at, char in enumerate(text))


def percent(char):
    return "".join(f"%{byte:02x}" for byte in char.encode())


ESCAPES = {
    "url": percent,
    "upper": lambda char: percent(char).upper(),
    "json": lambda char: json.dumps(char + "é")[1:-7] if ord(char) < 128 else json.dumps(char)[1:-1],
    "unicode": lambda char: "".join(
        f"\\u{unit:04x}" for unit in memoryview(char.encode("utf-16-le")).cast("H").tolist()
    ),
    "decimal": lambda char: f"&#{ord(char)};",
    "hexadecimal": lambda char: f"&#x{ord(char):X};",
}
WHOLE = {
    "plain": lambda text: text,
    "quote": lambda text: quote(text, safe=""),
    "quote_plus": quote_plus,
    "twice": lambda text: quote(quote(text, safe=""), safe=""),
    "json": json.dumps,
    "json with slashes": lambda text: json.dumps(text).replace("/", "\\/"),
    "json in json": lambda text: json.dumps(json.dumps(text)),
    "json in a page": lambda text: html.escape(json.dumps(text)),
    "html": html.escape,
    "repr": repr,
}


@pytest.mark.parametrize("form", WHOLE)
@given(secret=SECRETS, before=WORDS, after=WORDS)
def test_a_secret_is_found_in_every_form(form, secret, before, after):
    clean = known(secret).redact(f"{before} {WHOLE[form](secret)} {after}")
    assert HIDDEN in clean
    left = clean.replace(HIDDEN, "\n")
    assert [text for text in (secret, WHOLE[form](secret)) if text in left] == []


@pytest.mark.parametrize("form", ESCAPES)
@given(secret=SECRETS, data=st.data())
def test_a_secret_is_found_where_only_some_of_its_characters_are_escaped(form, secret, data):
    chosen = data.draw(st.sets(st.integers(0, len(secret) - 1)))
    # Whoever escapes one character of a JSON text escapes the backslashes too.
    chosen |= {at for at, char in enumerate(secret) if char == "\\" and form in ("json", "unicode")}
    assert known(secret).redact(f"({partly(secret, ESCAPES[form], chosen)})") == f"({HIDDEN})"


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@given(secret=SECRETS, before=WORDS, after=WORDS, padded=st.booleans(), escaped=st.booleans())
def test_base64_is_found_at_every_place_of_a_longer_text(encode, secret, before, after, padded, escaped):
    text = encode(f"{before}{secret}{after}".encode()).decode()
    text = text if padded else text.rstrip("=")
    said = quote(text, safe="") if escaped else text
    assert known(secret).redact(f"Authorization: Basic {said}, refused") == f"Authorization: Basic {HIDDEN}, refused"


@given(text=st.text(), secret=SECRETS)
def test_a_text_without_the_secret_stays_the_same_object(text, secret):
    # No escape and no base64: nothing of the text can stand for something else.
    plain = text.translate(dict.fromkeys(map(ord, "%\\&"))).replace(secret, "")
    registry = known(secret)
    if HIDDEN not in registry.redact(plain):
        assert registry.redact(plain) is plain
        assert registry.redact_data({"a": [plain, 7]}) == {"a": [plain, 7]}


def test_what_stands_around_a_secret_stays():
    registry = known(PRIVATE, "another-secret")
    echoed = f"key={quote(PRIVATE)}&next=another-secret; \\u0061 and %41 &amp; stay"
    assert registry.redact(echoed) == f"key={HIDDEN}&next={HIDDEN}; \\u0061 and %41 &amp; stay"


def test_short_texts_and_other_things_are_no_secrets():
    registry = known("", None, 1234567, "abcde", "  abc  ")
    assert registry.redact("abcde, 1234567 and abc") == "abcde, 1234567 and abc"


def test_nested_data_is_cleaned_and_keeps_the_rest():
    rest = {"id": 12, "names": ("a", None)}
    data = {"said": [f"no {PRIVATE}"], PRIVATE: True, "pair": (PRIVATE, 1), "rest": rest}
    clean = known(PRIVATE).redact_data(data)
    assert clean == {"said": [f"no {HIDDEN}"], HIDDEN: True, "pair": (HIDDEN, 1), "rest": rest}
    assert clean["rest"] is rest


def test_the_effort_does_not_grow_with_the_number_of_secrets(monkeypatch):
    # Looks at a text: one for each place of it, and one more for what begins like a secret.
    text = "the server said nothing of interest, " * 20

    class Counted(dict):
        looks = 0

        def __contains__(self, key):
            Counted.looks += 1
            return dict.__contains__(self, key)

    for count in (40, 400):
        registry = known(*(f"{number:04d}secret{number}" for number in range(count)))
        monkeypatch.setattr(registry, "_forms", Counted(registry._forms))
        Counted.looks = 0
        assert registry.redact(text) is text
        assert len(text) >= Counted.looks > 0


def test_escapes_without_end_take_a_few_rounds():
    assert known(PRIVATE).redact("%25" * 1000 + PRIVATE) == "%25" * 1000 + HIDDEN


@pytest.mark.parametrize(
    ("secret", "hidden"),
    [("vendors", False), ("FINANCE", False), ("s3cret", True), ("VenDors", True), ("correcthorsebattery", True)],
)
def test_a_password_that_is_an_ordinary_word_hides_no_text(monkeypatch, secret, hidden):
    monkeypatch.setattr(_redact, "_OURS", Registry())
    _redact.register_unless_word(secret)
    assert (_redact.redact(f"a {secret} b") == f"a {HIDDEN} b") is hidden
    # A key is always one.
    _redact.register(secret)
    assert _redact.redact(f"a {secret} b") == f"a {HIDDEN} b"
