"""A provider with an endpoint of its own: Ollama's `/api/chat`, which answers in lines of JSON.

This is all it takes to relay from something that no SDK knows: an async generator around its stream.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from writing import Asked, Ended, ModelRefused, ModelUnwell, StreamBroke, Usage


class Said(BaseModel):
    """What was said in one line."""

    content: str = ""


class Line(BaseModel):
    """One line of the answer, as far as it is read here."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    message: Said = Said()
    done: bool = False
    done_reason: str = "stop"
    prompt_eval_count: int = 0
    eval_count: int = 0
    error: str | None = None


class OllamaModel:
    """A model that runs on a machine of one's own. `client` has the address."""

    def __init__(self, client: httpx.AsyncClient, name: str) -> None:
        self.name = name
        self.introduction = f"{name}, which Ollama runs at {client.base_url.host}, writes the answer."
        self._client = client

    async def stream(self, asked: Asked) -> AsyncGenerator[str | Ended, None]:
        """The answer's pieces as they come, and then its end."""
        async with aclosing(self._lines(asked)) as lines:
            async for line in lines:
                if line.error is not None:
                    raise StreamBroke("reported an error in the middle")
                if line.message.content:
                    yield line.message.content
                if line.done:
                    yield Ended(line.done_reason, Usage(line.prompt_eval_count, line.eval_count))

    async def _lines(self, asked: Asked) -> AsyncGenerator[Line, None]:
        messages = [{"role": "system", "content": asked.system}, {"role": "user", "content": asked.user}]
        body = {"model": self.name, "messages": messages, "stream": True}
        begun = False
        try:
            async with self._client.stream("POST", "/api/chat", json=body) as response:
                if response.is_error:
                    raise ModelRefused(self.name, f"cannot be asked there (HTTP status {response.status_code})")
                begun = True
                async with aclosing(whole_lines(response)) as lines:
                    async for line in lines:
                        yield Line.model_validate_json(line)
        except httpx.TransportError as error:
            if not begun:
                raise ModelUnwell(self.name, "cannot be reached at OLLAMA_URL") from error
            raise StreamBroke("was cut off") from error
        except ValidationError as error:
            raise StreamBroke("sent something that is not its protocol") from error


async def whole_lines(response: httpx.Response) -> AsyncGenerator[bytes, None]:
    r"""Whole lines, whatever pieces they come in. A line ends with \n and nothing else: JSON may hold a U+2028."""
    rest = b""
    async for piece in response.aiter_bytes():
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            if line.strip():
                yield line
    if rest.strip():
        yield rest
