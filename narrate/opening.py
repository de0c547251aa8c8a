"""Opens the resources that pipelines need, in the order in which they need one another."""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from narrate.declare import Resource
from narrate.errors import DeclarationError
from narrate.pipeline import Pipeline
from narrate.template import hint
from narrate.wiring import Call, Key


async def open_resources(
    stack: AsyncExitStack, pipelines: Sequence[Pipeline], given: Mapping[str, Any]
) -> dict[Key, Any]:
    """Open what the steps need, and what that needs in turn, until the stack is left; each once, whoever shares it.

    Those `given` by name stand in for the pipelines' own. Raises DeclarationError for a name that none of them has.
    """
    calls: dict[Resource, Call] = {}
    needed: list[Resource] = []
    for pipeline in pipelines:
        calls |= dict(pipeline.resources)
        needed += pipeline.needs
    names = {resource.name for resource in calls}
    for name in given:
        if name not in names:
            raise DeclarationError(f"No pipeline here has a resource `{name}`{hint(name, names)}.")
    opened: dict[Key, Any] = {}

    async def open_one(resource: Resource) -> Any:
        if resource not in opened:
            if resource.name in given:
                opened[resource] = given[resource.name]
            else:
                arguments = {
                    parameter: await open_one(key)
                    for parameter, key in calls[resource].needs
                    if isinstance(key, Resource)
                }
                opened[resource] = await stack.enter_async_context(asynccontextmanager(resource.open)(**arguments))
        return opened[resource]

    for resource in needed:
        await open_one(resource)
    return opened
