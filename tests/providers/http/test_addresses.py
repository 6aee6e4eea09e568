from __future__ import annotations

import httpx
import pytest

from gitassets.providers.http.addresses import (
    AddressRules,
    RefusedAddressError,
    is_loopback_host,
    is_public,
    resolve_host,
)


@pytest.mark.parametrize("address", ["93.184.216.34", "1.1.1.1", "2606:4700:4700::1111", "64:ff9b::101:101"])
def test_is_public_accepts_public_addresses(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.9.1",
        "0.0.0.0",  # noqa: S104
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "192.0.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "fd00:ec2::254",
        "ff02::1",
        "::ffff:10.0.0.1",
        "::ffff:127.0.0.1",
        "64:ff9b::a00:1",
        "64:ff9b::7f00:1",
        "2002:a00:1::",
        "2001:db8::1",
    ],
)
def test_is_public_rejects_internal_and_reserved_addresses(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "127.0.0.1", "127.1.2.3", "::1"])
def test_is_loopback_host_accepts_names_of_this_computer(host: str) -> None:
    assert is_loopback_host(host)


@pytest.mark.parametrize("host", ["localhost.example.com", "10.0.0.1", "example.com", ""])
def test_is_loopback_host_rejects_other_hosts(host: str) -> None:
    assert not is_loopback_host(host)


class TestBounds:
    def test_internal_address_is_allowed_only_for_configured_gateway(self) -> None:
        bounds = AddressRules(httpx.URL("https://gateway.corp/openai"))
        bounds.check_addresses(httpx.URL("https://gateway.corp/files/1"), ["10.0.0.7"])
        with pytest.raises(RefusedAddressError, match=r"files\.corp"):
            bounds.check_addresses(httpx.URL("https://files.corp/1"), ["10.0.0.7"])
        with pytest.raises(RefusedAddressError):
            bounds.check_addresses(httpx.URL("https://gateway.corp:8443/1"), ["10.0.0.7"])

    def test_host_with_one_internal_address_is_refused(self) -> None:
        bounds = AddressRules(httpx.URL("https://api.example.com"))
        with pytest.raises(RefusedAddressError):
            bounds.check_addresses(httpx.URL("https://cdn.example.com/1"), ["1.1.1.1", "10.0.0.7"])

    def test_is_own_origin_treats_default_port_as_equal(self) -> None:
        assert AddressRules(httpx.URL("https://api.example.com")).is_own_origin(
            httpx.URL("https://api.example.com:443/x")
        )
        assert not AddressRules(httpx.URL("https://api.example.com")).is_own_origin(
            httpx.URL("http://api.example.com/x")
        )

    def test_plain_http_is_allowed_only_for_loopback_base_and_host(self) -> None:
        AddressRules(httpx.URL("http://127.0.0.1:8000")).check_url(httpx.URL("http://localhost:9000/x"))
        with pytest.raises(RefusedAddressError, match="without encryption"):
            AddressRules(httpx.URL("http://127.0.0.1:8000")).check_url(httpx.URL("http://example.com/x"))
        with pytest.raises(RefusedAddressError, match="without encryption"):
            AddressRules(httpx.URL("https://api.example.com")).check_url(httpx.URL("http://127.0.0.1/x"))

    def test_loopback_base_does_not_allow_other_internal_addresses(self) -> None:
        bounds = AddressRules(httpx.URL("http://127.0.0.1:8000"))
        bounds.check_addresses(httpx.URL("http://localhost:9000/"), ["127.0.0.1", "::1"])
        with pytest.raises(RefusedAddressError):
            bounds.check_addresses(httpx.URL("https://metadata/"), ["169.254.169.254"])


@pytest.mark.parametrize("written", ["2130706433", "0x7f.1", "127.1", "0177.0.0.1"])
def test_unusual_spelling_of_loopback_address_is_resolved_and_not_public(written: str) -> None:
    try:
        found = resolve_host(written, 443)
    except OSError:
        return
    assert not any(map(is_public, found))
