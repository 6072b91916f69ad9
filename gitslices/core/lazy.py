"""A value worked out when it is first asked for, and kept."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")


class lazy_property(Generic[T]):  # noqa: N801  a decorator, called like the one it stands in for
    """As `functools.cached_property`, but without a lock.

    That of Python 3.11 takes one lock for all instances of a class while it works a value out:
    workers that wait in a transaction for one another's snapshots would end in a deadlock. Without
    it two threads may work the same value out, and either is good.
    """

    def __init__(self, work_out: Callable[[Any], T]) -> None:
        self._work_out = work_out
        self.__doc__ = work_out.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> "lazy_property[T]": ...

    @overload
    def __get__(self, instance: object, owner: type) -> T: ...

    def __get__(self, instance: object | None, owner: type) -> "lazy_property[T] | T":
        if instance is None:
            return self
        # Found there from now on: this is asked only while the instance has no such attribute.
        value = instance.__dict__[self._name] = self._work_out(instance)
        return value
