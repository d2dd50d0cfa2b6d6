# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the options of the connection come from, and what is said of one that cannot be used."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from ansible_collections.msp.connectwise.plugins.module_utils._connection import CONNECTION_OPTIONS
from ansible_collections.msp.connectwise.plugins.module_utils._errors import InputError
from ansible_collections.msp.connectwise.plugins.plugin_utils._options import completed
from ansible_collections.msp.connectwise.plugins.plugin_utils._resolve import Resolver

try:
    from ansible.template import trust_as_template
except ImportError:  # before ansible-core 2.19 every string is one
    trust_as_template = str


@pytest.fixture
def options_of(monkeypatch):
    for option in CONNECTION_OPTIONS:
        monkeypatch.delenv(f"CW_{option.upper()}", raising=False)

    def resolve(args=None, **variables):
        given = {
            name: trust_as_template(value) if isinstance(value, str) else value for name, value in variables.items()
        }
        given["inventory_hostname"] = "north"
        templar = Templar(loader=DataLoader(), variables=given)
        action = SimpleNamespace(_task=SimpleNamespace(args=args or {}, environment=None), _templar=templar)
        return completed(action, CONNECTION_OPTIONS, given)

    return resolve


def test_data_that_a_template_names_is_not_resolved_itself():
    variables = {"path": trust_as_template("{{ place }}/{{ record }}"), "place": trust_as_template("{{ 'a' ~ 'b' }}")}
    action = SimpleNamespace(_templar=Templar(loader=DataLoader(), variables=variables))
    resolve = Resolver(action, variables)
    assert resolve("path", known={"record": "{{ 6 * 7 }}"}) == "ab/{{ 6 * 7 }}"
    assert (resolve("place"), resolve("none"), resolve("none", "usual")) == ("ab", None, "usual")


def test_the_task_comes_before_the_inventory_and_that_before_the_environment(options_of, monkeypatch):
    monkeypatch.setenv("CW_COMPANY_ID", "environment")
    monkeypatch.setenv("CW_CODEBASE", "auto")
    found = options_of({"host": "task"}, cw_host="inventory", cw_company_id="{{ 'inven' ~ 'tory' }}", cw_region="")
    assert found == {"host": "task", "company_id": "inventory", "codebase": "auto"}


@pytest.mark.parametrize("variable", ["cw_private_key", "cw_public_key", "cw_ca_path", "cw_extension_routes"])
def test_an_undefined_variable_is_named_with_its_place(options_of, variable):
    with pytest.raises(InputError) as caught:
        options_of(**{variable: "{{ vault_north_private_key }}"})
    assert str(caught.value) == (
        f"tenant north: {variable} cannot be resolved: vault_north_private_key is undefined. "
        "What to do: define it in host_vars/north.yml."
    )


def test_one_that_another_variable_needs_is_named(options_of):
    with pytest.raises(InputError, match="cw_private_key cannot be resolved: innermost is undefined"):
        options_of(cw_private_key="{{ outer }}", outer="{{ innermost }}")


@pytest.mark.parametrize("text", ["{{ nonsense", "{{ 1 | no_such_filter }}", "{% if %}", "S3CRET{{S3CRET"])
def test_a_template_that_fails_is_named_and_not_shown(options_of, text):
    with pytest.raises(InputError, match="tenant north: cw_private_key cannot be resolved: ") as caught:
        options_of(cw_private_key=text)
    assert text not in str(caught.value)
    assert "host_vars/north.yml" in caught.value.remedy
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("option", "value", "kind"),
    [
        ("timeout", "abc", "and not a number"),
        ("deadline", [1], "and not a number"),
        ("retries", "many", "and not a whole number"),
        ("validate_certs", "perhaps", "and not true or false"),
        ("extension_routes", "not a mapping", "and not a mapping"),
        ("region", "mars", "and not one of na, eu, au, za, staging"),
    ],
)
def test_what_an_option_does_not_take(options_of, option, value, kind):
    with pytest.raises(InputError) as caught:
        options_of(**{f"cw_{option}": value})
    assert f"tenant north: cw_{option} is " in str(caught.value)
    assert kind in caught.value.problem
    assert "host_vars/north.yml" in caught.value.remedy


@pytest.mark.parametrize("variable", ["cw_company_id", "cw_public_key", "cw_region", "cw_ca_path"])
def test_a_word_that_yaml_has_read_as_true_or_false(options_of, variable):
    with pytest.raises(
        InputError, match=f"tenant north: {variable} is False: YAML reads no.*in quotes in host_vars/north"
    ):
        options_of(**{variable: False})
    assert options_of(cw_company_id=22) == {"company_id": "22"}
    assert options_of(cw_validate_certs=False) == {"validate_certs": False}


def test_the_environment_is_checked_too(options_of, monkeypatch):
    monkeypatch.setenv("CW_TIMEOUT", "soon")
    with pytest.raises(InputError, match='CW_TIMEOUT is "soon", and not a number'):
        options_of()


def test_numbers_are_taken_in_any_writing(options_of):
    found = options_of(cw_timeout="7.5", cw_retries="3", cw_validate_certs="no", cw_max_answer_mb=20)
    assert found == {"timeout": "7.5", "retries": "3", "validate_certs": "no", "max_answer_mb": 20}
