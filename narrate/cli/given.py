"""What a run is given on the command line: words become its input, and what does not fit is said in such words.

`key=value` is text and `key:=JSON` is anything; one word that is JSON is the whole input, `-` is JSON from standard
input and `@file` from a file. Where the input is a text, one word is that text.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import PydanticUserError

from narrate.cli.work import WrongUse, standard_input
from narrate.errors import BadInput, Problem
from narrate.pipeline import Pipeline

Schema = Mapping[str, Any]
"""A JSON Schema; an empty one for an input of which nothing is known."""

_PAIR = re.compile(r"(?P<key>[^\s:=\"'{}\[\],]+)(?P<how>:?=)(?P<value>.*)", re.DOTALL)
_LOOKS_LIKE_JSON = ("{", "[", '"')


def input_of(pipeline: Pipeline, words: Sequence[str]) -> Any:
    """The input of a pipeline that these words give, valid. Raises WrongUse."""
    schema = schema_of(pipeline)
    try:
        return pipeline.validate(read_words(words, schema))
    except BadInput as error:
        nothing = not words and not _may_be_left_out(schema)
        raise WrongUse(missing(schema) if nothing else refusal(error.problem, schema)) from error


def schema_of(pipeline: Pipeline) -> Schema | None:
    """The JSON Schema of what a pipeline takes; None where it takes nothing."""
    if pipeline.input is None:
        return None
    try:
        return pipeline.input.json_schema()
    except PydanticUserError:
        return {}


def takes_text(schema: Schema) -> bool:
    """Whether an input of this schema is one text."""
    return _resolved(schema, schema).get("type") == "string"


def read_words(words: Sequence[str], schema: Schema | None) -> Any:
    """The input that these words give, as JSON data; None where there are none. Raises WrongUse."""
    if not words:
        return None
    if schema is not None and takes_text(schema):
        return _text(words)
    pairs = [_PAIR.fullmatch(word) for word in words]
    if len(words) == 1 and pairs[0] is None:
        return _whole(words[0], plainly=schema == {})
    fields: dict[str, Any] = {}
    for place, (word, pair) in enumerate(zip(words, pairs, strict=True)):
        if pair is None:
            raise WrongUse(_no_pair(words, place, word))
        _put(fields, pair["key"], _value(pair))
    return fields


def refusal(problem: Problem, schema: Schema | None) -> str:
    """Why an input was refused, field by field, and how each is given on the command line."""
    if schema is None:
        return "It takes no input. Give none."
    lines = [f"{problem.title}.", *(f"  {error.detail}" for error in problem.errors)]
    if not problem.errors and problem.detail:
        lines.append(f"  {problem.detail}")
    return "\n".join([*lines, *_how(schema)])


def missing(schema: Schema | None) -> str:
    """What to say where an input is needed and none was given."""
    return "\n".join(["It takes an input, and none was given.", *_how(schema or {})])


def _how(schema: Schema) -> Sequence[str]:
    """How an input of this schema is given."""
    top = _resolved(schema, schema)
    if takes_text(top):
        return ["It takes a text. Put it into quotes."]
    if not _takes_fields(schema):
        if schema and _kind(schema, schema) == "anything":
            return ["It takes anything: '{}', say."]
        return [f"It takes {_kind(schema, schema)}. Give it as JSON in single quotes."] if schema else []
    required = top.get("required", [])
    fields = {name: _kind(field, schema) for name, field in top["properties"].items()}
    width = max(len(name) for name in fields)
    rows = [
        f"  {name:{width}}  {kind}{'' if name in required else ', may be left out'}" for name, kind in fields.items()
    ]
    return ["It takes these fields: name=value gives a text, name:=JSON anything.", *rows]


def _may_be_left_out(schema: Schema | None) -> bool:
    """Whether an input of this schema has fields, each of which may be left out."""
    return schema is not None and _takes_fields(schema) and not _resolved(schema, schema).get("required")


def _takes_fields(schema: Schema) -> bool:
    return bool(_resolved(schema, schema).get("properties"))


def _resolved(schema: Schema, root: Schema) -> Schema:
    """The schema itself, where it only says where that is."""
    found = schema
    for _ in range(10):
        name = found.get("$ref", "").removeprefix("#/$defs/")
        if not name:
            break
        found = root.get("$defs", {}).get(name, {})
    return found


_KINDS = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


def _kind(schema: Schema, root: Schema) -> str:
    """What a value of this schema is, in a few words."""
    schema = _resolved(schema, root)
    if "enum" in schema:
        return "one of " + ", ".join(map(str, schema["enum"]))
    if "const" in schema:
        return str(schema["const"])
    several = [_kind(one, root) for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    if several:
        return " or ".join(dict.fromkeys(several))
    kind = schema.get("type")
    return _KINDS.get(kind, "anything") if isinstance(kind, str) else "anything"


def _text(words: Sequence[str]) -> str:
    """The text that an input is. It may be given as JSON, which is how a script is sure of it."""
    if len(words) > 1:
        raise WrongUse(f'The input is one text. Put quotes around it: "{" ".join(words)}".')
    word = words[0]
    if word == "-" or word.startswith("@"):
        text, _ = _from(word)
        return _unquoted(text).removesuffix("\n")
    return _unquoted(word)


def _unquoted(text: str) -> str:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return data if isinstance(data, str) else text


def _whole(word: str, *, plainly: bool) -> Any:
    """The whole input in one word; `plainly`: one that is no JSON may be a text, as nobody knows what is taken."""
    if word == "-" or word.startswith("@"):
        text, where = _from(word)
        return _json(text, lambda why: f"{where} is not JSON: {why}.")
    if plainly and not word.startswith(_LOOKS_LIKE_JSON):
        try:
            return json.loads(word, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            return word
    if word.startswith(("=", ":=")):
        raise WrongUse(f"`{word}` has no name before its `=`, as in name=value.")
    if word.startswith(_LOOKS_LIKE_JSON):
        return _json(word, lambda why: f"{word!r} is not JSON: {why}.{_quotes(word)}")
    return _json(word, lambda _: f"`{word}` is neither JSON nor key=value. A field is given by its name: name=value.")


def _from(word: str) -> tuple[str, str]:
    """What is read from standard input or a file, and what it is called in a sentence. Raises WrongUse."""
    where = "What came from standard input" if word == "-" else word[1:]
    try:
        raw = standard_input() if word == "-" else Path(word[1:]).read_bytes()
    except OSError as error:
        raise WrongUse(f"{where} cannot be read: {error.strerror}.") from error
    if not raw.strip():
        raise WrongUse("Nothing came from standard input." if word == "-" else f"{where} is empty.")
    try:
        return raw.decode("utf-8-sig"), where
    except UnicodeDecodeError as error:
        raise WrongUse(f"{where} is not text in UTF-8: byte {error.start + 1} is none.") from error


def _json(text: str, sentence: Callable[[str], str]) -> Any:
    """The data that a text is. Raises WrongUse with the sentence that is made of why it is none."""
    try:
        return json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}" if "\n" in text else f"character {error.colno}"
        raise WrongUse(sentence(f"{error.msg} at {place}")) from error
    except ValueError as error:
        raise WrongUse(sentence(str(error))) from error
    except RecursionError as error:
        raise WrongUse(sentence("it is nested too deeply")) from error


def _no_constant(name: str) -> Any:
    raise ValueError(f"there is no {name} in JSON")


def _quotes(word: str) -> str:
    """What to say of the shell, where it has taken the quotes."""
    if '"' in word:
        return " Put single quotes around it, so that the shell leaves it as it is."
    return ' The shell takes away double quotes: put single quotes around it, as in \'{"name": "value"}\'.'


def _value(pair: re.Match[str]) -> Any:
    key, how, value = pair["key"], pair["how"], pair["value"]
    if how == "=":
        return value
    return _json(value, lambda why: f"`{key}:={value}`: behind `:=` comes JSON ({why}). A text is given by `{key}=…`.")


def _put(fields: dict[str, Any], key: str, value: Any) -> None:
    """Put a value under its key, each dot of which goes one deeper. Raises WrongUse for a key that is taken."""
    *outer, last = key.split(".")
    if not all([*outer, last]):
        raise WrongUse(f"`{key}` is no name of a field.")
    for name in outer:
        inner = fields.setdefault(name, {})
        if not isinstance(inner, dict):
            raise WrongUse(f"`{name}` is given a value and, by `{key}`, a field.")
        fields = inner
    if last in fields:
        raise WrongUse(f"`{key}` is given twice.")
    fields[last] = value


def _no_pair(words: Sequence[str], place: int, word: str) -> str:
    """Why a word among several is none that can be: JSON beside pairs, a sentence without its quotes, or no pair."""
    if word.startswith(_LOOKS_LIKE_JSON) or word == "-" or word.startswith("@"):
        return f"`{word}` would be the whole input, and there is more. Give either JSON or key=value, not both."
    before = [pair for one in words[:place] if (pair := _PAIR.fullmatch(one))]
    if word.startswith(("=", ":=")):
        return f"`{word}` has no name before its `=`, as in name=value."
    if not before:
        return f"`{word}` has no `=`. A field is given as name=value; put quotes around what has blanks in it."
    last = before[-1]
    whole = " ".join([last["value"], *(one for one in words[place:] if not _PAIR.fullmatch(one))])
    quote = '"' if last["how"] == "=" else "'"
    mended = f"{last['key']}{last['how']}{quote}{whole}{quote}"
    return f"`{word}` has no `=`. If it belongs to `{last['key']}`, put quotes around it: {mended}."
