"""The files of little projects that a test of the pytest plugin writes and has pytest run."""

ASKS = """
    import httpx, trio
    from narrate import Pipeline, say, step
    from narrate.clock import Clock, clock
    from narrate.testing import narrated, same_in_every_schedule, story_of
    from narrate.transport import transport

    @step("Asking")
    async def asking(given: str, transport: httpx.AsyncBaseTransport, clock: Clock) -> str:
        async with httpx.AsyncClient(transport=transport) as client:
            answer = await client.get(given)
        say(f"It is {clock.now().year}.")
        return answer.text

    asks = Pipeline("asks", asking, takes=str, resources=[transport, clock])
"""

PARTY = """
    import trio
    from narrate import Pipeline, concurrent, say, step
    from narrate.testing import Stories, narrated

    @step("Ada comes")
    async def ada() -> str:
        await trio.sleep(2)
        say("Here is Ada.")
        return "Ada"

    @step("Bob comes")
    async def bob() -> str:
        await trio.sleep(1)
        say("Here is Bob.")
        return "Bob"

    party = Pipeline("party", concurrent(ada, bob))
"""

STORY = """
    from party import narrated, party

    def test_it(stories):
        stories.check("everybody", narrated(party))
"""


REACHES = """
    import socket

    def by_address():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.connect(("192.0.2.1", 80))

    def by_name():
        socket.create_connection(("shop.test", 80))

    def test_it({fixture}):
        {how}()
"""
