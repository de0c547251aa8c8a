"""Who is really calling: each way to lie about it, and each way to be misunderstood, has its name here."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from narrate.server.proxies import caller_address, parse_proxies

TRUSTED = parse_proxies("10.0.0.0/8, 127.0.0.1, ::1, fd00::/8")
PROXY = "10.0.0.1"


def told(forwarded, peer=PROXY):
    return caller_address(peer, [("Forwarded", forwarded)], TRUSTED)


def told_the_old_way(forwarded_for, peer=PROXY):
    return caller_address(peer, [("X-Forwarded-For", forwarded_for)], TRUSTED)


# --- The connection itself ---


def test_without_headers_the_peer_is_the_caller():
    assert caller_address("203.0.113.5", [], TRUSTED) == "203.0.113.5"


def test_a_proxy_that_says_nothing_is_itself_the_caller():
    assert caller_address(PROXY, [], TRUSTED) == PROXY


@pytest.mark.parametrize("name", ["Forwarded", "X-Forwarded-For"])
def test_an_untrusted_peers_header_is_ignored(name):
    headers = [(name, "for=10.0.0.2"), (name, "10.0.0.2")]

    assert caller_address("203.0.113.5", headers, TRUSTED) == "203.0.113.5"


def test_with_no_trusted_proxies_no_header_is_believed():
    assert caller_address("127.0.0.1", [("X-Forwarded-For", "198.51.100.1")], ()) == "127.0.0.1"


@pytest.mark.parametrize("peer", [None, "", "<local>", "/run/app.sock", "localhost"])
def test_a_peer_without_an_ip_address_has_none_whatever_the_headers_say(peer):
    assert caller_address(peer, [("Forwarded", "for=198.51.100.1")], TRUSTED) is None


def test_a_peers_zone_is_left_out():
    assert caller_address("fe80::1%eth0", [], TRUSTED) == "fe80::1"


def test_an_ipv4_peer_in_ipv6s_clothes_is_ipv4():
    assert caller_address("::ffff:203.0.113.5", [], TRUSTED) == "203.0.113.5"


def test_a_proxy_in_ipv6s_clothes_is_still_trusted():
    assert told("for=198.51.100.1", peer="::ffff:10.0.0.1") == "198.51.100.1"


def test_an_ipv6_proxy_is_trusted():
    assert told("for=198.51.100.1", peer="fd00::7") == "198.51.100.1"


# --- Forwarded ---


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("for=198.51.100.1", "198.51.100.1"),
        ('for="198.51.100.1"', "198.51.100.1"),
        ('for="198.51.100.1:4711"', "198.51.100.1"),
        ('for="198.51.100.1:_port"', "198.51.100.1"),
        ('for="[2001:db8::1]"', "2001:db8::1"),
        ('for="[2001:DB8:0::1]:4711"', "2001:db8::1"),
        ('for="2001:db8::1"', "2001:db8::1"),
        ('for="[::ffff:198.51.100.1]"', "198.51.100.1"),
        ('for="[::ffff:c633:6401]:80"', "198.51.100.1"),
        ("FOR=198.51.100.1", "198.51.100.1"),
        ("proto=https;for=198.51.100.1;by=_us", "198.51.100.1"),
        ("proto=https; for=198.51.100.1 ; by=_us", "198.51.100.1"),
        (";for=198.51.100.1;", "198.51.100.1"),
        (' \tfor=198.51.100.1;host="a, for=192.0.2.1;b=\\"c" ', "198.51.100.1"),
        ('for=198.51.100.1;host="\\\\"', "198.51.100.1"),
        ('for=198.51.100.1;host=""', "198.51.100.1"),
        ('for="\\1\\98.51.100.1"', "198.51.100.1"),
        ("for=192.0.2.1, for=198.51.100.1", "198.51.100.1"),
        ("for=198.51.100.1, for=10.0.0.2", "198.51.100.1"),
        ('for=192.0.2.1,for=198.51.100.1,for=10.0.0.2,for="[fd00::1]"', "198.51.100.1"),
        (", ,for=198.51.100.1,, for=10.0.0.2, ,", "198.51.100.1"),
    ],
)
def test_forwarded_names_the_caller(header, expected):
    assert told(header) == expected


@pytest.mark.parametrize(
    "lost",
    [
        "for=unknown",
        "for=Unknown",
        "for=_hidden",
        'for="_hidden:80"',
        'for="unknown:80"',
        "proto=https",
        "forx=198.51.100.1",
        "for=198.51.100.1;for=192.0.2.1",
        "for=198.51.100.1:80",
        "for=[2001:db8::1]",
        "for = 198.51.100.1",
        "for=",
        "for",
        'for=""',
        "198.51.100.1",
        'for="198.51.100.1',
        'for=198.51.100.1"',
        'for="198.51.100.1\\"',
        'for="198.51.100.1"x',
        "for=198.51.100.1 x",
        "for=198.51.100.1/32",
        "for=198.51.100.256",
        "for=198.51.100",
        "for=3325256705",
        "for=198.51.100.01",
        'for="[198.51.100.1]"',
        'for="[2001:db8::1]x"',
        'for="[2001:db8::1"',
        'for="[2001:db8::1%eth0]"',
        'for="198.51.100.1:123456"',
        'for="198.51.100.1:http"',
        'for="٣.٣.٣.٣"',
        'for=" 198.51.100.1"',
    ],
)
def test_where_forwarded_loses_the_trail_the_last_known_address_stands(lost):
    assert told(f"for=192.0.2.1, {lost}") == PROXY
    assert told(f"for=192.0.2.1, {lost}, for=10.0.0.2") == "10.0.0.2"


def test_a_zone_cannot_smuggle_text_into_an_address():
    assert told('for="fe80::1%<script>"') == PROXY
    assert told_the_old_way("fe80::1%<script>") == PROXY


def test_what_the_caller_wrote_on_the_left_is_not_believed():
    assert told("for=10.0.0.9, for=203.0.113.5") == "203.0.113.5"
    assert told_the_old_way("10.0.0.9, 203.0.113.5") == "203.0.113.5"


def test_a_quote_left_open_by_the_caller_does_not_swallow_the_proxys_element():
    assert told('for=192.0.2.1;x=", for="203.0.113.5"') == "203.0.113.5"
    assert told('for=192.0.2.1;x=", for=203.0.113.5;host="a"') == "203.0.113.5"
    assert told('for=192.0.2.1;x="\\, for="[2001:db8::1]";by="_us"') == "2001:db8::1"


def test_an_empty_header_leaves_the_proxy():
    assert told("") == PROXY
    assert told_the_old_way("") == PROXY


def test_when_every_hop_is_trusted_the_farthest_is_the_caller():
    assert told("for=10.0.0.3, for=10.0.0.2") == "10.0.0.3"
    assert told_the_old_way("10.0.0.3, 10.0.0.2") == "10.0.0.3"


def test_several_header_lines_are_one_list_in_their_order():
    headers = [("forwarded", "for=192.0.2.1"), ("accept", "*/*"), ("FORWARDED", "for=203.0.113.5, for=10.0.0.2")]

    assert caller_address(PROXY, headers, TRUSTED) == "203.0.113.5"


def test_a_line_of_its_own_from_the_caller_comes_first_and_is_not_believed():
    headers = [("X-Forwarded-For", "10.0.0.9"), ("x-forwarded-for", "203.0.113.5"), ("X-FORWARDED-FOR", "10.0.0.2")]

    assert caller_address(PROXY, headers, TRUSTED) == "203.0.113.5"


# --- X-Forwarded-For ---


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("198.51.100.1", "198.51.100.1"),
        ("198.51.100.1:4711", "198.51.100.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("2001:DB8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("::ffff:198.51.100.1", "198.51.100.1"),
        ("192.0.2.1, 198.51.100.1", "198.51.100.1"),
        ("198.51.100.1,10.0.0.2,\t::ffff:10.0.0.3", "198.51.100.1"),
        (" , 198.51.100.1 ,, ", "198.51.100.1"),
        ("garbage, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
    ],
)
def test_x_forwarded_for_names_the_caller(header, expected):
    assert told_the_old_way(header) == expected


@pytest.mark.parametrize("lost", ["unknown", "_hidden", "-", "for=198.51.100.1", '"198.51.100.1"', "198.51.100.1 x"])
def test_where_x_forwarded_for_loses_the_trail_the_last_known_address_stands(lost):
    assert told_the_old_way(f"192.0.2.1, {lost}") == PROXY
    assert told_the_old_way(f"192.0.2.1, {lost}, 10.0.0.2") == "10.0.0.2"


@pytest.mark.parametrize("made_up", ["for=192.0.2.1", "for=unknown", "nonsense"])
def test_where_the_two_headers_disagree_neither_is_believed(made_up):
    written = ("X-Forwarded-For", "198.51.100.1")

    assert caller_address(PROXY, [written, ("Forwarded", made_up)], TRUSTED) == PROXY


def test_two_headers_that_agree_are_believed():
    both = [("X-Forwarded-For", "198.51.100.1"), ("Forwarded", "for=198.51.100.1")]

    assert caller_address(PROXY, both, TRUSTED) == "198.51.100.1"


# --- Too much, and anything at all ---

SIZE = 64 * 1024


@pytest.mark.parametrize(
    "unit", [",", ";", '"', "\\", '\\"', '"\\', " ", "a", "a=", "=", "[", ":", ".", "1", ' "', "a;"]
)
@pytest.mark.parametrize("end", ["", '"', "=x", '"=x', "for=", 'for="', "]", ", for=203.0.113.5"])
def test_a_header_of_64_kib_is_read_in_time_linear_in_its_length(unit, end):
    # No clock is read here. To try again from each place would cost 64 Ki times as much, and stand out.
    header = unit * (SIZE // len(unit)) + end

    ends_well = end.endswith("203.0.113.5")
    assert told(header) == ("203.0.113.5" if ends_well else PROXY)
    assert told_the_old_way(header) == PROXY


def test_the_trail_may_be_as_long_as_the_header():
    hops = SIZE // len("for=10.0.0.2,")

    assert told("for=203.0.113.5" + ",for=10.0.0.2" * hops) == "203.0.113.5"
    assert told_the_old_way("203.0.113.5" + ",10.0.0.2" * hops) == "203.0.113.5"


signs = [
    "for",
    "For",
    "by",
    "=",
    ";",
    ",",
    '"',
    "\\",
    " ",
    "\t",
    "[",
    "]",
    ":",
    "%",
    "_x",
    "unknown",
    "80",
    "\x80",
    "\n",
]
wholes = ["10.0.0.1", "198.51.100.1", "::1", "2001:db8::1", "::ffff:10.0.0.1", "for=10.0.0.1,", 'for="[::1]",']
header_texts = st.lists(st.sampled_from(signs + wholes)).map("".join) | st.text()
names = st.sampled_from(["Forwarded", "X-Forwarded-For", "Accept"])
addresses = st.ip_addresses().map(str)


@given(addresses | header_texts, st.lists(st.tuples(names, header_texts)))
def test_any_header_text_gives_an_ip_address_or_none(peer, headers):
    caller = caller_address(peer, headers, (*TRUSTED, ip_network("0.0.0.0/0"), ip_network("::/0")))

    assert caller is None or str(ip_address(caller)) == caller


@given(header_texts)
@example('x="')
@example('x="\\')
def test_nothing_that_the_caller_writes_changes_what_the_proxies_wrote(claims):
    assert told(f'{claims}, for=203.0.113.5;host="a\\"b";proto=https, for="[fd00::2]:1"') == "203.0.113.5"
    assert told_the_old_way(f"{claims}, 203.0.113.5, fd00::2") == "203.0.113.5"


@given(st.text(), st.ip_addresses(v=6).filter(lambda address: address.ipv4_mapped is None))
@example('", for=192.0.2.1;x="\\', ip_address("2001:db8::1"))
def test_whatever_stands_quoted_beside_it_the_address_is_found(host, caller):
    quoted = host.replace("\\", "\\\\").replace('"', '\\"')
    headers = [("Forwarded", f'by=_us;for="[{caller}]";host="{quoted}"')]

    assert caller_address(PROXY, headers, [ip_network(PROXY)]) == str(caller)


# --- The configuration ---


def test_proxies_are_addresses_and_networks():
    expected = (ip_network("127.0.0.1/32"), ip_network("10.0.0.0/8"), ip_network("::1/128"))

    assert parse_proxies("127.0.0.1, 10.0.0.0/8, ::1") == expected
    assert parse_proxies(["127.0.0.1", " 10.0.0.0/8", "::1"]) == expected


@pytest.mark.parametrize("nobody", ["", " ", ",", [], [""]])
def test_an_empty_list_trusts_nobody(nobody):
    assert parse_proxies(nobody) == ()


def test_a_proxy_in_ipv6s_clothes_is_configured_as_ipv4():
    assert parse_proxies("::ffff:10.0.0.1, ::ffff:10.0.0.0/104") == (ip_network("10.0.0.1"), ip_network("10.0.0.0/8"))


@pytest.mark.parametrize(
    "bad", ["localhost", "*", "10.0.0.1/8", "10.0.0.0/33", "10.0.0", "10.0.0.1:80", "1 2", "[::1]"]
)
def test_a_bad_entry_is_named(bad):
    with pytest.raises(ValueError, match="is not the address or network of a proxy") as raised:
        parse_proxies(f"127.0.0.1, {bad}")
    assert repr(bad) in str(raised.value)
