"""A model at Groq, or at any host that speaks the same (OpenAI's) dialect, through the groq SDK."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import groq
import httpx
from groq.types.chat import ChatCompletionChunk
from pydantic import SecretStr

from narrate import ReplayMiss
from writing import Asked, Ended, ModelBusy, ModelRefused, ModelUnwell, StreamBroke, Usage

TIMEOUT = httpx.Timeout(30.0, connect=10.0)
"""Seconds. The first of them are those between two pieces."""

MOST_TOKENS = 2000
"""Of an answer with the thinking before it."""

LONGEST_WAIT = 20.0
"""Seconds that a person waits for a busy model to be asked again."""


class DialectModel:
    """A model that is asked by `chat/completions`."""

    def __init__(self, client: groq.AsyncGroq, name: str, introduction: str) -> None:
        self.name = name
        self.introduction = introduction
        self._client = client

    async def stream(self, asked: Asked) -> AsyncGenerator[str | Ended, None]:
        """The answer's pieces as they come, and then its end."""
        # `async with`: whoever stops reading closes the connection then, and not when the garbage is collected.
        async with await self._begun(asked) as chunks:
            finish_reason: str | None = None
            last: ChatCompletionChunk | None = None
            try:
                async for chunk in chunks:
                    for choice in chunk.choices:
                        finish_reason = choice.finish_reason or finish_reason
                        if choice.delta.content:
                            yield choice.delta.content
                    last = chunk
            except (httpx.TransportError, groq.APIError, ValueError) as error:
                raise StreamBroke(_how(error)) from error
            if finish_reason is not None:
                yield _ended(finish_reason, last)

    async def _begun(self, asked: Asked) -> groq.AsyncStream[ChatCompletionChunk]:
        try:
            return await self._client.chat.completions.create(
                model=self.name,
                messages=[{"role": "system", "content": asked.system}, {"role": "user", "content": asked.user}],
                temperature=0,
                max_completion_tokens=MOST_TOKENS,
                stream=True,
                extra_body={"stream_options": {"include_usage": True}},  # Groq counts unasked; others want to be told
            )
        except groq.APIStatusError as error:
            raise _refusal(self.name, error.response) from error
        except groq.APITimeoutError as error:
            raise ModelUnwell(self.name, "did not answer in time") from error
        except groq.APIConnectionError as error:
            if isinstance(error.__cause__, ReplayMiss):
                raise ModelUnwell(self.name, "is replayed, and its answer to this is not in the recording") from error
            raise ModelUnwell(self.name, "cannot be reached") from error


@asynccontextmanager
async def open_dialect(
    transport: httpx.AsyncBaseTransport, base_url: str, name: str, key: SecretStr, introduction: str = ""
) -> AsyncIterator[DialectModel]:
    """A model at a host; `base_url` is what comes before `/chat/completions` there. The transport stays open."""
    url = httpx.URL(base_url)
    path = f"{url.path.rstrip('/')}/chat/completions"

    async def at_this_host(request: httpx.Request) -> None:
        # The SDK always asks under Groq's own path; other hosts have another.
        request.url = request.url.copy_with(path=path)

    client = httpx.AsyncClient(transport=transport, event_hooks={"request": [at_this_host]}, timeout=TIMEOUT)
    sdk = groq.AsyncGroq(
        api_key=key.get_secret_value(),
        base_url=url.copy_with(path="/", query=None),
        http_client=client,
        timeout=TIMEOUT,
        max_retries=0,  # the step retries, and says so
    )
    # It would start a thread to find out the platform for a header; nobody needs to know ours.
    sdk._platform = "Unknown"
    yield DialectModel(sdk, name, introduction or f"{name} at {url.host} writes the answer.")


def _ended(finish_reason: str, last: ChatCompletionChunk | None) -> Ended:
    """Usage is in the last chunk: at its top, or where Groq had it first."""
    usage = last and (last.usage or (last.x_groq and last.x_groq.usage))
    if not usage:
        return Ended(finish_reason)
    return Ended(finish_reason, Usage(usage.prompt_tokens, usage.completion_tokens))


def _refusal(name: str, response: httpx.Response) -> Exception:
    """What a status means. The body is not told: it may name an account."""
    match response.status_code:
        case 401 | 403:
            return ModelRefused(name, "does not accept the key")
        case 404:
            return ModelRefused(name, "is not there (see MODEL_NAME and MODEL_BASE_URL)")
        case 413:
            return ModelRefused(name, "finds the passages too long for the key's plan")
        case 429 | 498:
            return _busy(name, response.headers.get("retry-after", ""))
        case status if status >= 500:
            return ModelUnwell(name, f"has trouble of its own (HTTP status {status})")
        case status:
            return ModelRefused(name, f"does not take the question as it was asked (HTTP status {status})")


def _busy(name: str, retry_after: str) -> Exception:
    try:
        wait = float(retry_after)
    except ValueError:
        return ModelBusy(name)
    if not wait <= LONGEST_WAIT:
        return ModelRefused(name, f"has used up its allowance for another {wait:.0f} s")
    return ModelBusy(name, wait)


def _how(error: Exception) -> str:
    match error:
        case httpx.TimeoutException():
            return f"said nothing for {TIMEOUT.read:g} s"
        case httpx.TransportError():
            return "was cut off"
        case groq.APIError():
            return "reported an error in the middle"
        case _:  # an event that is no JSON
            return "sent something that is not its protocol"
