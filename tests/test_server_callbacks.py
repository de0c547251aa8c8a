"""Which targets may be called: each way to have the server call itself, or its neighbours, has its name here."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from narrate.server.callbacks import CallbackPolicy
from narrate.server.problems import Refused

PUBLIC = "93.184.216.34"
STRICT = CallbackPolicy()
OPEN = CallbackPolicy(private=True, http=True)


def says(url, policy=STRICT):
    with pytest.raises(Refused) as refused:
        policy.check(url)
    return refused.value.problem


# --- At the door ---


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "https://example.com/hooks/1?token=a%23b",
        "https://EXAMPLE.com:8443/",
        "HTTPS://example.com/",
        "https://bücher.example/",
        "https://a_b.example.com/",
        "https://93.184.216.34/",
        "https://[2606:4700::1111]/",
        "https://receiver/",
    ],
)
def test_a_url_of_a_public_host_over_https_may_be_called(url):
    assert STRICT.check(url).scheme == "https"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "must begin with https://"),
        ("example.com/hook", "must begin with https://"),
        ("//example.com/hook", "must begin with https://"),
        ("http://example.com/", "must begin with https://"),
        ("ftp://example.com/", "must begin with https://"),
        ("file:///etc/passwd", "must begin with https://"),
        ("javascript:alert(1)", "must begin with https://"),
        ("https://", "has no host that could be found"),
        ("https:///hook", "has no host that could be found"),
        ("https://.example.com/", "has no host that could be found"),
        ("https://example.com./", "has no host that could be found"),
        ("https://a..example.com/", "has no host that could be found"),
        ("https://-a.example.com/", "has no host that could be found"),
        ("https://ex%61mple.com/", "has no host that could be found"),
        (f"https://{'a' * 64}.com/", "has no host that could be found"),
        (f"https://{'a.' * 127}com/", "has no host that could be found"),
        ("https://2130706433/", "has no host that could be found"),
        ("https://0x7f000001/", "has no host that could be found"),
        ("https://127.1/", "has no host that could be found"),
        ("https://0177.0.0.1/", "is not a URL"),
        ("https://[fe80::1%25eth0]/", "has no host that could be found"),
        ("https://user@example.com/", "must not hold a user name or password"),
        ("https://user:secret@example.com/", "must not hold a user name or password"),
        ("https://example.com\\@127.0.0.1/", "must not hold a user name or password"),
        ("https://example.com/#part", "must not have a fragment"),
        ("https://example.com/#", "must not have a fragment"),
        ("https://example.com:0/", "has a port that does not exist"),
        ("https://example.com:65536/", "has a port that does not exist"),
        ("https://example.com:port/", "is not a URL"),
        ("https://example.com/\r\nHost: x", "is not a URL"),
        ("https://example.com/\ud800", "is not a URL"),
        ("https://１２７.0.0.1/", "is not a URL"),
        ("https://127.0.0.1/", "has an address that is not allowed here"),
        ("https://127。0.0.1/", "has an address that is not allowed here"),
        ("https://10.0.0.1/", "has an address that is not allowed here"),
        ("https://169.254.169.254/latest/meta-data", "has an address that is not allowed here"),
        ("https://[::1]/", "has an address that is not allowed here"),
        ("https://[::ffff:127.0.0.1]/", "has an address that is not allowed here"),
        (f"https://example.com/{'a' * 2048}", "may have at most 2048 characters"),
    ],
)
def test_any_other_is_refused_with_422_that_says_why(url, why):
    problem = says(url)

    assert problem.status == 422
    assert problem.detail.startswith(f"`callback` {why}")


def test_a_refusal_does_not_repeat_the_url():
    assert "secret" not in says("https://user:secret@example.com/").detail


def test_http_is_taken_where_it_is_allowed():
    assert CallbackPolicy(http=True).check("http://example.com/").scheme == "http"


def test_http_where_allowed_is_named_in_the_refusal_of_others():
    assert says("ftp://example.com/", OPEN).detail == "`callback` must begin with https:// or http://."


@pytest.mark.parametrize("url", ["https://Hooks.example.com/", "https://bücher.example/", "https://93.184.216.34/"])
def test_a_listed_host_may_be_called(url):
    policy = CallbackPolicy(hosts=("hooks.EXAMPLE.com", "bücher.example", "93.184.216.34"))

    assert policy.check(url).host in {"hooks.example.com", "bücher.example", "93.184.216.34"}


@pytest.mark.parametrize(
    "url", ["https://example.com/", "https://a.hooks.example.com/", "https://hooks.example.com.evil.com/"]
)
def test_where_hosts_are_listed_any_other_is_refused(url):
    problem = says(url, CallbackPolicy(hosts=("hooks.example.com",)))

    assert problem.detail == "`callback` has a host that is not among those which are allowed here."


def test_a_listed_host_at_a_private_address_is_refused_all_the_same():
    assert says("https://10.0.0.1/", CallbackPolicy(hosts=("10.0.0.1",))).status == 422


@given(st.one_of(st.text(), st.text().map("https://".__add__), st.text().map("https://[".__add__)))
def test_no_text_is_more_than_refused(url):
    try:
        parsed = STRICT.check(url)
    except Refused:
        return
    assert parsed.scheme == "https"
    assert parsed.raw_host


# --- Addresses ---

LOOPBACK = ["127.0.0.1", "127.255.255.254", "::1"]
PRIVATE = ["10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "fc00::1", "fd12:3456::1"]
LINK_LOCAL = ["169.254.169.254", "169.254.170.2", "169.254.0.1", "fe80::1", "fe80::1%eth0", "fec0::1"]
METADATA = ["100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254"]
NOBODYS = ["0.0.0.0", "0.1.2.3", "::", "224.0.0.1", "239.1.1.1", "ff02::1", "ff0e::1", "240.0.0.1", "255.255.255.255"]
RESERVED = ["192.0.2.1", "198.18.0.1", "203.0.113.1", "192.0.0.8", "192.88.99.1", "2001:db8::1", "3fff::1", "100::1"]
DISGUISED = [
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "::ffff:0:127.0.0.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "5f00::1",
]


@pytest.mark.parametrize("address", LOOPBACK + PRIVATE + LINK_LOCAL + METADATA + NOBODYS + RESERVED + DISGUISED)
def test_an_address_that_is_not_public_may_not_be_connected_to(address):
    assert not STRICT.may_connect(address)


@pytest.mark.parametrize(
    "address", [PUBLIC, "8.8.8.8", "100.63.0.1", "172.32.0.1", "2606:4700::1111", "2a00:1450::1", "64:ff9b::8.8.8.8"]
)
def test_a_public_address_may_be_connected_to(address):
    assert STRICT.may_connect(address)
    assert OPEN.may_connect(address)


@pytest.mark.parametrize("address", [*LOOPBACK, *PRIVATE, "::ffff:127.0.0.1"])
def test_a_private_address_may_be_connected_to_where_that_is_allowed(address):
    assert OPEN.may_connect(address)


@pytest.mark.parametrize("address", LINK_LOCAL + METADATA + NOBODYS + RESERVED)
def test_what_is_neither_public_nor_private_is_never_connected_to(address):
    assert not OPEN.may_connect(address)
