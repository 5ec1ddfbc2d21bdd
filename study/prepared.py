"""Statements that are compiled once: what participants' pages ask the database for, again and again.

Django writes the SQL of a queryset anew each time it is used. For the few statements behind every trial that costs more
than running them. A prepared statement is compiled once per connection and run with other values; what it returns is
what the queryset would return.

    PARTICIPANT = PreparedQuery(lambda: Participant.objects.filter(token=Parameter("token", CharField())))
    PARTICIPANT.first(token="…")
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from copy import copy
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.models import Expression
from django.db.models.query import QuerySet
from django.db.models.sql import UpdateQuery
from django.db.models.sql.constants import ROW_COUNT

R = TypeVar("R")


class Parameter(Expression):
    """Stands for a value that is given when the statement runs; `field` says how the database takes it."""

    def __init__(self, name: str, field: "models.Field[Any, Any]") -> None:
        """Name the value."""
        super().__init__(output_field=field)
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """Return a place for the value, and this parameter in its stead."""
        return "%s", (self,)


class _Statement:
    """SQL with its parameters, and what else the compiler found out, for one connection.

    Compiling changes the query that is compiled, so no other thread may have the same one: each statement has its own.
    """

    def __init__(self, queryset: "QuerySet[Any, Any]", query: Any, connection: Any) -> None:
        self.queryset = queryset
        self.connection = connection
        self.compiler = query.get_compiler(connection=connection, using=connection.alias)
        self.sql, self.parameters = self.compiler.as_sql()
        if self.compiler.select and not isinstance(query, UpdateQuery):
            selected = [entry[0] for entry in self.compiler.select[: self.compiler.col_count]]
            converters = self.compiler.get_converters(selected)
            self.compiler.get_converters = lambda expressions: converters

    def compiler_with(self, values: dict[str, Any]) -> Any:
        """Return a compiler that has compiled already, with these values in their places.

        Raises:
            KeyError: a value is missing.
        """
        parameters = tuple(
            parameter.output_field.get_db_prep_value(values[parameter.name], self.connection, prepared=False)
            if isinstance(parameter, Parameter)
            else parameter
            for parameter in self.parameters
        )
        compiler = copy(self.compiler)
        compiler.as_sql = lambda *args, **kwargs: (self.sql, parameters)
        return compiler


class _Prepared(ABC):
    """What queries and updates share: one statement per connection, kept on it, so that it goes when it goes.

    A connection belongs to one thread, and it is the connection of the default database.
    """

    def statement(self) -> _Statement:
        """Return the statement of this thread's connection, compiled now if it is the first time."""
        connection = connections[DEFAULT_DB_ALIAS]
        kept: dict[_Prepared, _Statement] = vars(connection).setdefault("prepared_statements", {})
        if self not in kept:
            kept[self] = self.compile(connection)
        return kept[self]

    @abstractmethod
    def compile(self, connection: Any) -> _Statement:
        """Return the statement for a connection, made from a queryset that nobody else has."""


class PreparedQuery(_Prepared, Generic[R]):
    """A queryset, compiled once. `make` returns it, with a :class:`Parameter` wherever a value is given later."""

    def __init__(self, make: "Callable[[], QuerySet[Any, R]]") -> None:
        """Compile nothing yet: while modules are imported, models are not ready."""
        self.make = make

    def compile(self, connection: Any) -> _Statement:
        """Return the statement for a connection."""
        queryset = self.make()
        return _Statement(queryset, queryset.query, connection)

    def all(self, **values: Any) -> list[R]:
        """Return all rows for these values.

        Raises:
            KeyError: a value is missing.
        """
        statement = self.statement()
        template, compiler = statement.queryset, statement.compiler_with(values)
        query = copy(template.query)
        query.get_compiler = lambda *args, **kwargs: compiler  # type: ignore[method-assign]
        rows = type(template)(model=template.model, query=query, using=statement.connection.alias)
        rows._iterable_class = template._iterable_class
        rows._fields = template._fields  # type: ignore[attr-defined]
        return list(rows)

    def first(self, **values: Any) -> R | None:
        """Return the first row for these values; None where there is none."""
        return next(iter(self.all(**values)), None)

    def get(self, **values: Any) -> R:
        """Return the first row for these values.

        Raises:
            ObjectDoesNotExist: there is none; the exception is the model's own.
        """
        row = self.first(**values)
        if row is None:
            model = self.make().model
            raise model.DoesNotExist(f"No {model._meta.verbose_name} fits.")
        return row


class PreparedUpdate(_Prepared):
    """An update, compiled once: of a queryset's rows, to new values; a :class:`Parameter` may stand in both."""

    def __init__(self, make: "Callable[[], QuerySet[Any, Any]]", **new: Any) -> None:
        """Compile nothing yet."""
        self.make = make
        self.new = new

    def compile(self, connection: Any) -> _Statement:
        """Return the statement for a connection."""
        queryset = self.make()
        query = queryset.query.chain(UpdateQuery)
        query.add_update_values(self.new)  # type: ignore[attr-defined]
        query.clear_ordering(force=True)
        return _Statement(queryset, query, connection)

    def run(self, **values: Any) -> int:
        """Update, and return the number of rows.

        Raises:
            KeyError: a value is missing.
        """
        return int(self.statement().compiler_with(values).execute_sql(ROW_COUNT))
