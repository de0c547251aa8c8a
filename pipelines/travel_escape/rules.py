"""A small reader of wishes, for when no model reads them: it knows days, flight times and words about the weather.

It is meant to be right about plain English and never to fail: what it does not find is what `taste` says is meant by
whoever does not say.
"""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from enum import Enum, auto

from pipelines.travel_escape.days import WEEKDAYS, spoken, spoken_minutes
from pipelines.travel_escape.models import FARTHEST_DAY, Intent, Weather
from pipelines.travel_escape.taste import BANDS, DEFAULT_DAYS, DEFAULT_HOURS, DEFAULT_WEATHER

_NUMBERS = {
    "forty five": 45, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30,
    "sixty": 60, "ninety": 90,
}  # fmt: skip
_HOUR = r"(?:hours?|hrs?|h)\b"
_MINUTE = r"(?:minutes?|mins?|m)\b"

# In this order: each leaves fewer ways to say a number, until all are digits.
_TO_DIGITS = tuple(
    (re.compile(pattern), digits)
    for pattern, digits in (
        (r"(?<=[a-z\d])-(?=[a-z])", " "),
        (r"(?<=\d),(?=\d)", "."),
        (r"\bhalf an? (?=hour)", "0.5 "),
        (r"\b(?:a )?couple (?:of )?", "2 "),
        (r"\ba few ", "3 "),
        *((rf"\b{word}\b", str(number)) for word, number in _NUMBERS.items()),
        (r"\ban? (?=hour|minute|day)", "1 "),
        (r"\b(\d+) and a half\b", r"\1.5"),
        (rf"\b(\d+) ?({_HOUR}) and a half\b", r"\1.5 \2"),
        (rf"\b(\d+) ?{_HOUR} ?(?:and )?(\d\d?)(?: ?{_MINUTE}|\b(?! ?[a-z]))", r"\1:\2 h"),
        (r"\b(\d+)h(\d\d)\b", r"\1:\2 h"),
    )
)

_CLOCK_HOURS = re.compile(rf"\b(\d\d?):([0-5]\d) ?{_HOUR}")
_HOURS = re.compile(rf"(?<![\d:.])(\d*\.?\d+) ?{_HOUR}(?! (?:from now|later))")
_MINUTES = re.compile(rf"(?<![\d:.])(\d+) ?{_MINUTE}(?! (?:from now|later))")
_LENGTHS = (
    (
        re.compile(r"\b(?:short|near|nearby|close|closeby|not (?:too |very |so )?far|not (?:too |very |so )?long)\b"),
        2.0,
    ),
    (re.compile(r"\b(?:long|far|faraway|distant|anywhere in the world)\b"), 8.0),
)

_DAYS_AHEAD = re.compile(r"\b(?:in|after|within) (?:about )?(\d+) days?\b|\b(\d+) days? (?:from|ahead|later)\b")
_SPOKEN_DAYS = (
    (re.compile(r"\bday after tomorrow\b"), 2),
    (re.compile(r"\b(?:tomorrow|tmrw)\b"), 1),
    (re.compile(r"\bnext week\b|\bin (?:a|1) week\b"), 7),
    (re.compile(r"\b(?:today|tonight|right now|right away|this (?:morning|afternoon|evening))\b"), 0),
)
# Neither "sun" nor "sat": the sun shines, and people have sat in an office all week.
_WEEKDAY = re.compile(r"\b(next )?(mon|tue|wed|thu|fri|satur(?=day)|sun(?=day))(?:s|nes|rs|r)?(?:days?)?\b")
_WEEKEND = re.compile(r"\bweek ?end\b")

_WORDS = {
    Weather.hot: r"hot|hotter|heat|warm|warmer|warmth|sun|sunny|sunshine|sunbathe|sunbathing|beach|beaches|swim"
    r"|swimming|tan|tropical|summer|summery|scorching|boiling|palm trees?",
    Weather.cold: r"cold|colder|snow|snowy|snowing|ski|skiing|ice(?! cream)|icy|freeze|freezing|frost|frosty|chilly"
    r"|winter(?! sun)|wintry|northern lights|glaciers?",
    Weather.normal: r"mild|milder|normal|pleasant|moderate|temperate|spring(?! break)|springlike|cool|cooler",
}
_WEATHER = re.compile("|".join(rf"(?P<{kind.value}>\b(?:{words})\b)" for kind, words in _WORDS.items()))
# How the text goes on before a word: "not too" hot, "tired of the" cold.
_UNWANTED = re.compile(r"(?:\b(?:not|no|without|nothing|neither|nor|less)|n't) (?:(?!but\b)[\w']+ ){0,2}$")
_FLED = re.compile(
    r"\b(?:escape|escaping|flee|fleeing|leave|leaving|avoid|avoiding|hate|away|out|tired|sick|fed up|enough|"
    r"(?<!where )(?<!when )it's|(?<!where )(?<!when )it is|too)"
    r"(?: from| of| with)?(?: (?:the|this|that|these|all|so|too|very|really|such)){0,2} $"
)


def read_wish(q: str, today: date) -> Intent:
    """What the wish asks for, as far as these rules see. Its days count from `today`."""
    text = " ".join(q.casefold().replace("’", "'").replace("½", ".5").split())
    for pattern, digits in _TO_DIGITS:
        text = pattern.sub(digits, text)
    asked = _days(text, today)
    days = min(asked, FARTHEST_DAY)
    weather = _weather(text)
    hours = _hours(text)
    beyond = f" (forecasts do not reach {spoken(today + timedelta(days=asked))})" if asked > days else ""
    return Intent(
        days_from_now=days,
        weather=weather,
        hours=hours,
        summary=f"A high of {BANDS[weather].words} on {spoken(today + timedelta(days=days))}{beyond}, "
        f"at most {spoken_minutes(hours * 60)} non-stop.",
    )


def _days(text: str, today: date) -> int:
    for pattern, days in _SPOKEN_DAYS:
        if pattern.search(text):
            return days
    if ahead := _DAYS_AHEAD.search(text):
        return min(int(ahead[1] or ahead[2]), 365)
    if named := _WEEKDAY.search(text):
        days = (WEEKDAYS.index(named[2][:3]) - today.weekday()) % 7
        return 7 if named[1] and days == 0 else days
    if _WEEKEND.search(text):
        return max(0, 5 - today.weekday())
    return DEFAULT_DAYS


def _hours(text: str) -> float:
    """The shortest time named, for "at most" is what people mean; within what an Intent can hold."""
    found = [int(hours) + int(minutes) / 60 for hours, minutes in _CLOCK_HOURS.findall(text)]
    found += [float(hours) for hours in _HOURS.findall(text)]
    found += [int(minutes) / 60 for minutes in _MINUTES.findall(text)]
    if found:
        return min(24.0, max(0.5, min(found)))
    return next((hours for pattern, hours in _LENGTHS if pattern.search(text)), DEFAULT_HOURS)


class _Stance(Enum):
    """How somebody stands to the weather they mention."""

    wanted = auto()
    unwanted = auto()
    fled = auto()


def _weather(text: str) -> Weather:
    mentions = list(_mentions(text))
    wanted = [weather for weather, stance in mentions if stance is _Stance.wanted]
    for weather in wanted:
        if weather is not Weather.normal:
            return weather
    if wanted:
        return Weather.normal
    if (Weather.cold, _Stance.fled) in mentions:
        return Weather.hot
    return Weather.normal if mentions else DEFAULT_WEATHER


def _mentions(text: str) -> Iterator[tuple[Weather, _Stance]]:
    for found in _WEATHER.finditer(text):
        before, kind = text[: found.start()], next(kind for kind in Weather if found[kind.value])
        stance = _Stance.wanted
        if _UNWANTED.search(before):
            stance = _Stance.unwanted
        elif _FLED.search(before):
            stance = _Stance.fled
        yield kind, stance
