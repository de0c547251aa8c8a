"""Whether a value of one type can go where another is wanted, as far as the annotations can tell.

Own code because the libraries answer "is surely a subtype", and a declaration must be refused only for the opposite:
when it surely is not one. What cannot be known (Any, a type variable, a protocol) fits.
"""

import types
from collections.abc import Collection, Iterable
from enum import Enum
from typing import Annotated, Any, ForwardRef, Literal, NewType, TypeVar, Union, get_args, get_origin, is_typeddict

_NUMBERS: dict[Any, tuple[Any, ...]] = {float: (int,), complex: (int, float)}


def fits(given: Any, wanted: Any) -> bool:
    """False only when no value annotated `given` may be passed as `wanted`, or only some of them."""
    given, wanted = _bare(given), _bare(wanted)
    if given == wanted or _unknown(given) or _unknown(wanted):
        return True
    if _is_union(given):
        return all(fits(member, wanted) for member in get_args(given))
    if get_origin(given) is Literal and len(get_args(given)) > 1:
        return all(fits(Literal[value], wanted) for value in get_args(given))
    if _is_union(wanted):
        return any(fits(given, member) for member in get_args(wanted))
    if get_origin(given) is Literal:
        return _literal_fits(get_args(given)[0], wanted)
    if get_origin(wanted) is Literal:
        return False
    return _class_fits(given, wanted)


def value_fits(value: Any, wanted: Any) -> bool:
    """Whether a value that is there already may stand where another type is wanted."""
    return fits(Literal[value] if isinstance(value, (str, bytes, int, Enum)) else type(value), wanted)


def _bare(kind: Any) -> Any:
    if get_origin(kind) is Annotated:
        return _bare(get_args(kind)[0])
    if isinstance(kind, NewType):
        return _bare(kind.__supertype__)
    return type(None) if kind is None else kind


def _unknown(kind: Any) -> bool:
    return kind in (Any, object) or isinstance(kind, (TypeVar, str, ForwardRef)) or getattr(kind, "_is_protocol", False)


def _is_union(kind: Any) -> bool:
    return get_origin(kind) in (Union, types.UnionType)


def _literal_fits(value: Any, wanted: Any) -> bool:
    if get_origin(wanted) is Literal:
        return value in get_args(wanted)
    return fits(type(value), wanted)


def _class_fits(given: Any, wanted: Any) -> bool:
    have, want = _origin(given), _origin(wanted)
    if have is None or want is None:
        return True
    if not issubclass(have, want) and not any(issubclass(have, number) for number in _NUMBERS.get(want, ())):
        return False
    ours, theirs = get_args(given), get_args(wanted)
    # Arguments say the same thing only where the shape is the same: list[int] for Sequence[float], not dict for
    # Iterable, nor a class of somebody's whose arguments may mean anything, nor a callable's parameters.
    known = have is want or have.__module__ in ("builtins", "collections", "collections.abc")
    if not ours or not theirs or not known or not issubclass(have, Collection) or not issubclass(want, Iterable):
        return True
    ours, theirs = _members(have, ours), _members(want, theirs)
    return len(ours) != len(theirs) or all(fits(a, b) for a, b in zip(ours, theirs, strict=True))


def _origin(kind: Any) -> type | None:
    if is_typeddict(kind):
        return dict
    origin = get_origin(kind) or kind
    return origin if isinstance(origin, type) else None


def _members(origin: type, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """tuple[int, ...] has members of one type, as list[int] has."""
    return args[:1] if origin is tuple and len(args) == 2 and args[1] is Ellipsis else args
