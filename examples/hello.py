"""The smallest pipeline: one step, which says hello to whom you name, or to the world."""

from pydantic import BaseModel

from narrate import Pipeline, say, step


class Greeted(BaseModel):
    name: str = "world"


@step("Saying hello…")
async def hello(greeted: Greeted) -> None:
    say(f"Hello, {greeted.name}!")


greeting = Pipeline("hello", hello, takes=Greeted, title="A greeting")
