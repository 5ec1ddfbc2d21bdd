"""What a setting names, one instance of each class: task types, recruiters, questionnaires, attention checks."""

from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, TypeVar

from django.conf import settings
from django.utils.module_loading import import_string

T = TypeVar("T")


@cache
def _instances(paths: tuple[str, ...]) -> dict[str, Any]:
    instances = [import_string(path)() for path in paths]
    return {instance.name: instance for instance in instances}


@dataclass(frozen=True)
class Registry(Generic[T]):
    """The instances that a setting names. They hold no state, so one of each serves everybody.

    Attributes:
        setting: name of a setting that lists dotted paths of classes with a `name` and without arguments.
        noun: what one of them is called, for messages.
        unknown: raised for a name that none of them has.
    """

    setting: str
    noun: str
    unknown: type[LookupError]

    def all(self) -> dict[str, T]:
        """Return the instances by name, in the order of the setting.

        Raises:
            ImportError: the setting names something that is not there.
        """
        return _instances(tuple(getattr(settings, self.setting)))

    def get(self, name: str) -> T:
        """Return the instance of that name.

        Raises:
            LookupError: none has it; of the type `unknown`, with the names that there are.
        """
        instances = self.all()
        if name not in instances:
            raise self.unknown(f"No {self.noun} {name!r}; registered in {self.setting}: {', '.join(instances)}.")
        return instances[name]
