"""How a target is called: at the address that was checked, by its name, once, and not for long."""

import json
import ssl
from functools import partial

import httpcore
import pytest
import trio
import trustme
from hypothesis import given
from hypothesis import strategies as st

from narrate.delivery import Answered, Unreached
from narrate.server.callbacks import CallbackClient, CallbackPolicy, resolved, seconds_asked
from tests.receiving import OK, answering, target
from tests.serving import until

NOW = 1_700_000_000.0
PUBLIC = "93.184.216.34"
STRICT = CallbackPolicy()
OPEN = CallbackPolicy(private=True, http=True)
NOT_ALLOWED = Unreached("Its host has an address that is not allowed here.")
NO_CONNECTION = Unreached("No connection to it could be made.")
NOT_SECURE = Unreached("No secure connection to it could be made; is its certificate valid for its name?")
BROKEN = Unreached("It broke the connection off, or did not answer in HTTP.")
AUTHORITY = trustme.CA()


class Names:
    """A resolver with a script: what a name means, the first time, the second, …; and what it was asked."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    async def __call__(self, host, _port):
        await trio.lowlevel.checkpoint()
        self.asked.append(host)
        return self.answers.pop(0)


class Wires(httpcore.AsyncMockBackend):
    """Where connections would go that must not leave this machine; each is answered with 204."""

    def __init__(self):
        super().__init__([OK])
        self.opened = []

    async def connect_tcp(self, host, port, *more):
        self.opened.append(host)
        return await super().connect_tcp(host, port, *more)


async def posted(client, url, body=b"{}"):
    return await client.post(url, {"webhook-id": "msg_1"}, body, NOW)


def trusting():
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return context


def certified(*names):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    AUTHORITY.issue_cert(*names).configure_cert(context)
    return context


# --- From the name to the connection ---


async def test_the_address_that_was_checked_is_the_one_connected_to():
    names, wires = Names([PUBLIC]), Wires()

    outcome = await posted(CallbackClient(STRICT, resolve=names, network=wires), "https://example.com/hook")

    assert outcome == Answered(204)
    assert (names.asked, wires.opened) == (["example.com"], [PUBLIC])


async def test_a_name_that_changes_its_meaning_is_never_followed_to_a_private_address():
    async with target() as ours:
        names, wires = Names([PUBLIC], ["127.0.0.1"]), Wires()
        policy = CallbackPolicy(http=True)
        first = await posted(CallbackClient(policy, resolve=names, network=wires), ours.url(host="rebind.example"))
        second = await posted(CallbackClient(policy, resolve=names), ours.url(host="rebind.example"))

    assert (first, second) == (Answered(204), NOT_ALLOWED)
    assert wires.opened == [PUBLIC]
    assert names.asked == ["rebind.example", "rebind.example"]
    assert ours.connections == 0


@pytest.mark.parametrize("addresses", [["127.0.0.1", PUBLIC], [PUBLIC, "127.0.0.1"], [PUBLIC, "::ffff:10.0.0.1"]])
async def test_a_name_with_one_private_address_among_others_is_not_called_at_all(addresses):
    wires = Wires()

    outcome = await posted(CallbackClient(STRICT, resolve=Names(addresses), network=wires), "https://example.com/")

    assert outcome == NOT_ALLOWED
    assert wires.opened == []


async def test_the_policy_is_asked_again_before_each_call():
    client = CallbackClient(CallbackPolicy(hosts=("other.example",)), resolve=Names(), network=Wires())

    outcome = await posted(client, "https://example.com/")

    assert outcome == Unreached(
        "It may not be called: `callback` has a host that is not among those which are allowed here."
    )


async def test_where_one_address_is_dead_the_next_is_tried():
    async with target() as ours:
        client = CallbackClient(OPEN, resolve=Names(["127.0.0.2", "::1", "127.0.0.1"]))

        assert await posted(client, ours.url(host="three.example")) == Answered(204)

    assert ours.heard[0].headers["host"] == f"three.example:{ours.port}"


async def test_a_host_that_cannot_be_found_is_not_reached():
    async def nobody(host, port):
        raise OSError("unknown")

    assert await posted(CallbackClient(OPEN, resolve=nobody), "https://example.com/") == Unreached(
        "Its host could not be found."
    )


async def test_a_host_without_an_address_is_not_reached():
    assert await posted(CallbackClient(OPEN, resolve=Names([])), "https://example.com/") == NO_CONNECTION


async def test_a_closed_port_is_not_reached():
    async with target() as ours:
        url = ours.url()

    assert await posted(CallbackClient(OPEN), url) == NO_CONNECTION


async def test_names_are_looked_up_by_the_system():
    assert "127.0.0.1" in await resolved("localhost", 80)


async def test_a_name_the_system_finds_on_this_machine_is_refused():
    async with target() as ours:
        outcome = await posted(CallbackClient(CallbackPolicy(http=True)), ours.url(host="localhost"))

    assert outcome == NOT_ALLOWED
    assert ours.connections == 0


async def test_a_proxy_from_the_environment_is_not_used(monkeypatch):
    async with target() as proxy, target() as ours:
        monkeypatch.setenv("HTTP_PROXY", proxy.url(""))
        monkeypatch.setenv("ALL_PROXY", proxy.url(""))

        assert await posted(CallbackClient(OPEN), ours.url()) == Answered(204)

    assert (proxy.connections, ours.connections) == (0, 1)


# --- The call ---


async def test_what_is_given_is_what_is_sent():
    async with target() as ours:
        await posted(CallbackClient(OPEN), ours.url("/hooks/1?token=a%20b"), json.dumps({"a": "ü"}).encode())

    (heard,) = ours.heard
    assert heard.path == "/hooks/1?token=a%20b"
    assert json.loads(heard.body) == {"a": "ü"}
    assert heard.headers["host"] == f"127.0.0.1:{ours.port}"
    assert heard.headers["webhook-id"] == "msg_1"


async def test_a_redirect_is_an_answer_and_not_followed():
    async with target() as other, target(answering(302, f"Location: {other.url()}")) as ours:
        assert await posted(CallbackClient(OPEN), ours.url()) == Answered(302)

    assert other.connections == 0


async def test_an_answers_body_is_not_read():
    endless = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n" + b"x" * 10_000
    async with target(endless) as ours:
        assert await posted(CallbackClient(OPEN), ours.url()) == Answered(200)


async def test_a_retry_after_is_passed_on_in_seconds():
    async with target(answering(503, "Retry-After: 120")) as ours:
        assert await posted(CallbackClient(OPEN), ours.url()) == Answered(503, 120.0)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (None, None),
        ("120", 120.0),
        ("0", 0.0),
        ("9" * 5000, float("inf")),
        ("Tue, 14 Nov 2023 22:13:30 GMT", 10.0),
        ("Tue, 14 Nov 2023 22:13:30 -0000", 10.0),
        ("Tue, 14 Nov 2023 22:13:00 GMT", 0.0),
        ("soon", None),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("nan", None),
        ("٣", None),
        ("Tue, 14 Nov 2023 22:13:30 +99999999999999999999", None),
    ],
)
def test_a_retry_after_is_seconds_or_a_date(said, seconds):
    assert seconds_asked(said, NOW) == seconds


@given(st.text())
def test_a_strange_retry_after_is_none_at_worst(said):
    assert (seconds_asked(said, NOW) or 0.0) >= 0.0


@pytest.mark.parametrize(
    "answer", [b"", b"220 mail.example.com ESMTP\r\n", b"HTTP/1.1 204", b"HTTP/1.1 204 No\r\nA: " + b"a" * 200_000]
)
async def test_a_target_that_does_not_speak_http_gave_no_answer(answer):
    async with target(answer) as ours:
        assert await posted(CallbackClient(OPEN), ours.url()) == BROKEN


async def test_a_target_that_is_silent_is_left_after_20_seconds(mock_clock):
    async with target(None) as ours, trio.open_nursery() as nursery:
        outcomes = []

        async def post():
            outcomes.append(await posted(CallbackClient(OPEN), ours.url()))

        nursery.start_soon(post)
        await until(lambda: ours.heard != [])
        mock_clock.jump(19.9)
        await trio.testing.wait_all_tasks_blocked()
        assert outcomes == []
        mock_clock.jump(0.2)
        await until(lambda: outcomes == [Unreached("It gave no answer within 20 s.")])


async def test_a_target_that_drips_is_left_after_20_seconds_in_all(mock_clock):
    async def drip(stream):
        async with stream:
            for piece in b"HTTP/1.1 200 OK\r\n" + b"a" * 1000:
                await trio.sleep(4)
                await stream.send_all(bytes([piece]))

    outcomes = []
    async with trio.open_nursery() as nursery:
        [listener] = await nursery.start(partial(trio.serve_tcp, drip, 0, host="127.0.0.1"))
        url = f"http://127.0.0.1:{listener.socket.getsockname()[1]}/"

        async def post():
            outcomes.append(await posted(CallbackClient(OPEN), url))
            nursery.cancel_scope.cancel()

        nursery.start_soon(post)
        for _ in range(6):
            await trio.testing.wait_all_tasks_blocked()
            mock_clock.jump(4)
        await until(lambda: outcomes != [])

    assert outcomes == [Unreached("It gave no answer within 20 s.")]


# --- TLS ---


async def test_over_tls_the_hosts_own_name_is_asked_for_and_checked():
    context = certified("hooks.example.com")
    asked = []
    context.sni_callback = lambda _socket, name, _context: asked.append(name)
    async with target(tls=context) as ours:
        client = CallbackClient(OPEN, tls=trusting(), resolve=Names(["127.0.0.1"]))

        assert await posted(client, ours.url(host="hooks.example.com")) == Answered(204)

    assert asked == ["hooks.example.com"]
    assert ours.heard[0].headers["host"] == f"hooks.example.com:{ours.port}"


async def test_a_certificate_for_another_name_is_not_accepted():
    async with target(tls=certified("other.example.com", "127.0.0.1")) as ours:
        client = CallbackClient(OPEN, tls=trusting(), resolve=Names(["127.0.0.1"]))

        assert await posted(client, ours.url(host="hooks.example.com")) == NOT_SECURE

    assert ours.heard == []


async def test_a_certificate_of_an_unknown_authority_is_not_accepted():
    async with target(tls=certified("hooks.example.com")) as ours:
        client = CallbackClient(OPEN, resolve=Names(["127.0.0.1"]))

        assert await posted(client, ours.url(host="hooks.example.com")) == NOT_SECURE

    assert ours.heard == []


async def test_a_target_that_has_an_address_for_its_name_has_it_in_its_certificate():
    async with target(tls=certified("127.0.0.1")) as ours:
        assert await posted(CallbackClient(OPEN, tls=trusting()), ours.url()) == Answered(204)


async def test_a_target_that_speaks_no_tls_is_not_reached():
    async with target(b"HTTP/1.1 400 Bad Request\r\n\r\n") as ours:
        assert await posted(CallbackClient(OPEN), ours.url().replace("http:", "https:")) == NOT_SECURE


async def test_a_target_that_is_silent_in_the_handshake_is_left(mock_clock):
    outcomes, connected = [], trio.Event()

    async def silent(stream):
        connected.set()
        async with stream:
            await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        [listener] = await nursery.start(partial(trio.serve_tcp, silent, 0, host="127.0.0.1"))

        async def post():
            url = f"https://127.0.0.1:{listener.socket.getsockname()[1]}/"
            outcomes.append(await posted(CallbackClient(OPEN), url))
            nursery.cancel_scope.cancel()

        nursery.start_soon(post)
        await connected.wait()
        await trio.testing.wait_all_tasks_blocked()
        mock_clock.jump(6)
        await until(lambda: outcomes != [])

    assert outcomes == [NOT_SECURE]
