"""The smallest pipeline: one step, which says hello to whom you name, or to the world."""

from pydantic import BaseModel, Field

from narrate import Pipeline, say, step


class Greeted(BaseModel, extra="forbid"):
    name: str = Field("world", min_length=1)


@step("Saying hello…")
async def hello(greeted: Greeted) -> None:
    say(f"Hello, {greeted.name}!")


greeting = Pipeline("hello", hello, takes=Greeted, title="A greeting")
