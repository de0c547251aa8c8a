"""Made-up pipelines: described by plain values that shrink and can be read, then built and run in virtual time.

Apart from the tests, which state the laws; here is only what may happen, and a witness of what did. A description says
what each step does, act by act. How long every wait takes is the schedule's to say, so one pipeline has many.
"""

import dataclasses
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from inspect import Parameter, Signature
from typing import Any

import msgspec
import trio
from hypothesis import strategies as st

from narrate import Limits, Pipeline, Retry, ask, concurrent, each, progress, relay, say, show, step
from narrate.errors import Explained
from narrate.events import Event, OutlinedGroup, OutlinedPipeline, RunStarted
from narrate.verbs import speaking

SECONDS = (0.0, 0.0, 0.1, 0.2, 0.3, 0.7)
BROKE_TIDYING = "broke while it was put in order"
TIDYING = 0.01
"""How long what must be put in order takes, cancelled or not."""


class Busy(Explained):
    """A failure that another attempt may mend."""


class Broken(Explained):
    """A failure for good."""


class _Described:
    def __repr__(self) -> str:
        said = [
            f"{field.name}={getattr(self, field.name)!r}"
            for field in dataclasses.fields(self)  # type: ignore[arg-type]
            if getattr(self, field.name) != field.default
        ]
        return f"{type(self).__name__}({', '.join(said)})"


@dataclass(frozen=True, repr=False)
class Say(_Described):
    pass


@dataclass(frozen=True, repr=False)
class Show(_Described):
    pass


@dataclass(frozen=True, repr=False)
class Report(_Described):
    """Status."""


@dataclass(frozen=True, repr=False)
class Wait(_Described):
    pass


@dataclass(frozen=True, repr=False)
class Tidy(_Described):
    """Waits, and puts things in order however that ended: says so, and takes its time. `breaks` when cancelled."""

    breaks: bool = False


@dataclass(frozen=True, repr=False)
class Ask(_Described):
    """Asks, and is not answered in time."""


@dataclass(frozen=True, repr=False)
class Fail(_Described):
    pass


@dataclass(frozen=True, repr=False)
class Tokens(_Described):
    count: int


@dataclass(frozen=True, repr=False)
class Each(_Described):
    items: "tuple[Script, ...]"
    at_most: int = 8
    label: str | None = "told"  # or "breaks" at the second item
    caught: bool = False


@dataclass(frozen=True, repr=False)
class Beside(_Described):
    """A nursery of the step's own: what is told in it has no order but that of its happening."""

    scripts: "tuple[Script, ...]"


Act = Say | Show | Report | Wait | Tidy | Ask | Fail | Tokens | Each | Beside
Script = tuple[Act, ...]


@dataclass(frozen=True, repr=False)
class Does(_Described):
    """A step. `takes` are the earlier values it needs, counted backwards; `fails` its attempts that raise Busy."""

    does: Script = ()
    takes: tuple[int, ...] = ()
    fails: int = 0
    attempts: int = 1
    fallback: str | None = None  # "value", "function", or "breaks"
    needed: Any = None  # what `when` says: a bool, or "breaks"
    title: str | None = None  # "breaks"
    summary: str | None = None  # "told", or "breaks"
    timeout: float | None = None


@dataclass(frozen=True, repr=False)
class Together(_Described):
    members: "tuple[Does | Nested, ...]"


@dataclass(frozen=True, repr=False)
class Nested(_Described):
    stages: "tuple[Does | Together | Nested, ...]"


Stage = Does | Together | Nested


def pipelines(*, wild: bool, loud: bool = True) -> st.SearchStrategy[tuple[Stage, ...]]:
    """Pipelines whose runs all succeed and, for one behaviour, have one record; or `wild` ones, where anything fails.

    Those that are not `loud` tell only what may wait for room: tokens and the items of `each`.
    """
    return _stages(2, wild, loud)


def _stages(depth: int, wild: bool, loud: bool) -> st.SearchStrategy[tuple[Stage, ...]]:
    single = _steps(wild, loud)
    if depth == 0:
        return st.lists(single, min_size=1, max_size=2).map(tuple)
    nested = st.deferred(lambda: _stages(depth - 1, wild, loud)).map(Nested)
    group = st.lists(single | single | nested, min_size=1, max_size=4).map(lambda members: Together(tuple(members)))
    return st.lists(group | single | nested, min_size=1, max_size=3).map(tuple)


@st.composite
def _steps(draw: st.DrawFn, wild: bool, loud: bool) -> Does:
    rarely = st.integers(0, 3).map(lambda n: n == 3)
    breaks = ["breaks"] if wild and draw(rarely) else []
    fallback = draw(st.sampled_from([None, None, "value", "function", *breaks]))
    attempts = draw(st.integers(1, 3)) if draw(rarely) else 1
    may_fail = fallback is not None or (wild and draw(rarely))
    return Does(
        does=draw(_scripts(2, may_fail, wild, loud)),
        takes=tuple(draw(st.sets(st.integers(0, 2), max_size=2))),
        fails=draw(st.integers(0, attempts if may_fail else attempts - 1)),
        attempts=attempts,
        fallback=fallback,
        needed=draw(st.sampled_from([None, None, True, False, *breaks])),
        title=draw(st.sampled_from([None, *breaks])),
        summary=draw(st.sampled_from([None, "told", *breaks])),
        timeout=draw(st.sampled_from([0.15, 0.5, 1.0])) if wild and draw(rarely) else None,
    )


@st.composite
def _scripts(draw: st.DrawFn, depth: int, may_fail: bool, wild: bool, loud: bool) -> Script:
    plain: list[Act] = [Wait(), Wait(), Say(), Show(), Tidy(), Ask(), Report()] if loud else [Wait(), Wait(), Report()]
    act = st.sampled_from(plain) | st.integers(1, 4).map(Tokens)
    if wild and may_fail:
        act = act | st.just(Tidy(breaks=True))
    if depth:
        act = act | _fans(depth, may_fail, wild, loud)
    if depth and wild:
        scripts = st.lists(_scripts(depth - 1, may_fail, wild, loud), min_size=2, max_size=2)
        act = act | scripts.map(lambda both: Beside(tuple(both)))
    acts = draw(st.lists(act, max_size=3))
    if may_fail and draw(st.integers(0, 3)) == 0:
        acts.append(Fail())
    return tuple(acts)


@st.composite
def _fans(draw: st.DrawFn, depth: int, may_fail: bool, wild: bool, loud: bool) -> Each:
    """An `each`. Where an item's failure stops those beside it, how far they had come is the schedule's doing."""
    caught = draw(st.booleans())
    one_by_one = may_fail and not caught and not wild
    return Each(
        items=tuple(draw(st.lists(_scripts(depth - 1, may_fail or caught, wild, loud), max_size=3))),
        at_most=1 if one_by_one else draw(st.sampled_from([8, 1, 2])),
        label=draw(st.sampled_from(["told", None, *(["breaks"] if wild and may_fail else [])])),
        caught=caught,
    )


class Witness:
    """What one run of a built pipeline does under one schedule, and what it saw while doing so."""

    def __init__(self, seed: int = 0) -> None:
        self.chance = random.Random(seed)
        self.attempts: Counter[str] = Counter()
        self.heard: set[str] = set()
        self.unannounced: list[str] = []
        self.raised: list[str] = []

    def work(self) -> str:
        """Note that work begins; where, by the path that is spoken as."""
        speaker = speaking.get()
        assert speaker is not None
        if speaker.path not in self.heard:
            self.unannounced.append(speaker.path)
        return speaker.path

    async def wait(self) -> None:
        await trio.sleep(self.chance.choice(SECONDS))

    async def step(self, does: Does, given: dict[str, Any]) -> Any:
        path = self.work()
        self.attempts[path] += 1
        attempt = self.attempts[path]
        results = await self.script(does.does)
        if attempt <= does.fails:
            raise self.error(Busy(f"{path} is busy at attempt {attempt}."))
        return [path, given, results]

    async def script(self, script: Script) -> list[Any]:
        self.work()
        return [await self.act(act, place) for place, act in enumerate(script)]

    async def act(self, act: Act, place: int) -> Any:
        path = self.work()
        match act:
            case Say():
                say(f"{path}, act {place}")
            case Show():
                show(f"{path}, act {place}", {"at": place})
            case Report():
                progress(place, 9, "acts")
            case Wait():
                await self.wait()
            case Tidy(breaks):
                await self.tidy(path, breaks)
            case Ask():
                return await ask(f"{path}, act {place}?", within=0.25, default="unheard")
            case Fail():
                raise self.error(Broken(f"{path} broke at act {place}."))
            case Tokens(count):
                return await relay(self.pieces(count))
            case Each():
                return await self.fan(act)
            case Beside(scripts):
                async with trio.open_nursery() as nursery:
                    for script in scripts:
                        nursery.start_soon(self.script, script)
        return None

    async def tidy(self, path: str, breaks: bool) -> None:
        try:
            await self.wait()
        except trio.Cancelled:
            if breaks:
                raise self.error(Broken(f"{path} {BROKE_TIDYING}.")) from None
            raise
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(TIDYING)
            say(f"{path} is tidy")

    async def pieces(self, count: int) -> AsyncIterator[str]:
        for number in range(count):
            await self.wait()
            yield f"{number}, "

    async def fan(self, act: Each) -> Any:
        def label(numbered: tuple[int, Script]) -> str:
            if act.label == "breaks" and numbered[0] == 1:
                raise self.error(Broken("No label for the second."))
            return f"Item {numbered[0]}"

        async def one(numbered: tuple[int, Script]) -> list[Any]:
            return [numbered[0], await self.script(numbered[1])]

        items = list(enumerate(act.items))
        labelled = label if act.label else None
        if act.caught:
            caught = await each(items, one, at_most=act.at_most, label=labelled, on_error=lambda _, error: str(error))
            return list(caught)
        return await each(items, one, at_most=act.at_most, label=labelled)

    def error(self, error: Explained) -> Explained:
        self.raised.append(str(error))
        return error


class Built:
    """A description built into a pipeline. `witness` is changed before every run."""

    def __init__(self, stages: Sequence[Stage], limits: Limits | None = None) -> None:
        self.witness = Witness()
        self._names = 0
        self.pipeline = self._pipeline("made_up", stages, limits)

    def _pipeline(self, name: str, stages: Sequence[Stage], limits: Limits | None = None) -> Pipeline:
        earlier: list[str] = []
        built: list[Any] = []
        for stage in stages:
            members = [self._member(m, earlier) for m in (stage.members if isinstance(stage, Together) else (stage,))]
            built.append(concurrent(*members) if isinstance(stage, Together) else members[0])
            earlier += [member.name for member in members]
        return Pipeline(name, *built, limits=limits)

    def _member(self, member: Does | Nested, earlier: Sequence[str]) -> Any:
        self._names += 1
        if isinstance(member, Nested):
            return self._pipeline(f"p{self._names}", member.stages)
        return self._step(
            member, f"s{self._names}", [earlier[-1 - back] for back in member.takes if back < len(earlier)]
        )

    def _step(self, does: Does, name: str, takes: Sequence[str]) -> Any:
        async def work(**given: Any) -> Any:
            return await self.witness.step(does, given)

        async def stand_in(error: Exception) -> Any:
            self.witness.work()
            await relay(self.witness.pieces(1))
            if does.fallback == "breaks":
                raise self.witness.error(Broken(f"The stand-in for {name} broke, too."))
            return f"A stand-in for {str(error)!r}"

        def when(**given: Any) -> bool:
            if does.needed == "breaks":
                raise self.witness.error(Broken(f"Whether {name} is needed, nobody knows."))
            return bool(does.needed)

        options: dict[str, Any] = {}
        if does.fallback is not None:
            options["fallback"] = "A value stands in" if does.fallback == "value" else stand_in
        if does.attempts > 1:
            options["retry"] = Retry(attempts=does.attempts, on=Busy, wait_initial=0.1)
        if does.needed is not None:
            options["when"] = _wired(when, takes)
        if does.summary is not None:
            options["summary"] = f"{{{name}.nothing}}" if does.summary == "breaks" else f"{{{name}[0]}}"
        title = f"Title of {name}" + "".join(f" {{{t}}}" for t in takes)
        if does.title == "breaks" and takes:
            title = f"{{{takes[0]}.nothing}}"
        return step(title, name=name, timeout=does.timeout, **options)(_wired(work, takes))


def _wired(fn: Any, takes: Sequence[str]) -> Any:
    """The function, to all appearances with these parameters."""
    fn.__signature__ = Signature([Parameter(name, Parameter.KEYWORD_ONLY) for name in takes])
    return fn


def timeless(events: Sequence[Event]) -> list[Any]:
    """The record without what may differ between schedules."""
    return [without_times(msgspec.to_builtins(event)) for event in events]


def without_times(event: dict[str, Any], but: Sequence[str] = ("run",)) -> dict[str, Any]:
    """An event as JSON without its times, those of its outline too, and without a few fields more."""
    timeless = {key: value for key, value in event.items() if key not in ("t", "seconds", "wait", *but)}
    return timeless | {key: [without_times(one) for one in event[key]] for key in _OUTLINES if key in event}


_OUTLINES = ("outline", "members", "stages")
"""Where an outline, or a part of one, is."""


def outlined(started: Event) -> set[str]:
    """The paths of all steps, those in which pipelines are nested left out."""
    assert isinstance(started, RunStarted)
    paths: set[str] = set()
    left = list(started.outline)
    while left:
        stage = left.pop()
        if isinstance(stage, OutlinedGroup):
            left += stage.members
        elif isinstance(stage, OutlinedPipeline):
            left += stage.stages
        else:
            paths.add(stage.step)
    return paths
