"""Statements that are compiled once: what participants' pages ask the database for, again and again.

Django writes the SQL of a queryset anew each time it is used, and finds out anew which columns make which objects. For
the few statements behind every trial that costs more than running them. A prepared statement is compiled once per
connection and run with other values; what it returns is what the queryset would return.

    PARTICIPANT = PreparedQuery(lambda: Participant.objects.filter(token=Parameter("token", CharField())))
    PARTICIPANT.first(token="…")

This leans on how Django's compilers work inside; `tests/study/test_prepared.py` compares with what querysets give.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.models import Expression
from django.db.models.query import ModelIterable, QuerySet, ValuesListIterable, get_related_populators
from django.db.models.sql import InsertQuery, UpdateQuery

R = TypeVar("R")
M = TypeVar("M", bound=models.Model)
S = TypeVar("S")


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
    """SQL with its parameters, for one connection.

    Compiling changes the query that is compiled, so no other thread may have the same one: each statement has its own.
    """

    def __init__(self, query: Any, connection: Any) -> None:
        self.connection = connection
        self.compiler = query.get_compiler(connection=connection, using=connection.alias)
        self.sql, self.parameters = self.compiler.as_sql()

    def with_values(self, values: dict[str, Any]) -> tuple[Any, ...]:
        """Return these values as the database takes them, in their places.

        Raises:
            KeyError: a value is missing.
        """
        return tuple(
            parameter.output_field.get_db_prep_value(values[parameter.name], self.connection, prepared=False)
            if isinstance(parameter, Parameter)
            else parameter
            for parameter in self.parameters
        )


class _Insertion:
    """An insertion, with and without returning the key of the new row, for one connection."""

    def __init__(self, query: Any, connection: Any) -> None:
        self.connection = connection
        compiler = query.get_compiler(connection=connection, using=connection.alias)
        ((self.sql, _),) = compiler.as_sql()
        compiler.returning_fields = [query.get_meta().pk]
        ((self.sql_returning_key, _),) = compiler.as_sql()


class _Selection(_Statement):
    """A query, and what makes its rows into what the queryset would return."""

    def __init__(self, queryset: "QuerySet[Any, Any]", connection: Any) -> None:
        super().__init__(queryset.query, connection)
        select = self.compiler.select
        self.columns = self.compiler.col_count
        self.converters = self.compiler.get_converters([column[0] for column in select[: self.columns]])
        if queryset._iterable_class is ValuesListIterable:
            self.made_from: Callable[[Sequence[Any]], Any] = tuple
            return
        if queryset._iterable_class is not ModelIterable:
            raise TypeError("A prepared query returns objects, or tuples by values_list(); there is something else.")
        information = self.compiler.klass_info
        self.model = information["model"]
        self.of_model = slice(information["select_fields"][0], information["select_fields"][-1] + 1)
        self.names = [column[0].target.attname for column in select[self.of_model]]
        self.populators = get_related_populators(information, select, connection.alias)  # type: ignore[call-arg]
        self.annotations = self.compiler.annotation_col_map or {}
        self.made_from = self._object

    def _object(self, row: Sequence[Any]) -> Any:
        made = self.model.from_db(self.connection.alias, self.names, row[self.of_model])
        for populator in self.populators:
            populator.populate(row, made)
        for name, place in self.annotations.items():
            setattr(made, name, row[place])
        return made

    def run(self, values: dict[str, Any]) -> list[Any]:
        """Return all rows, made into objects or tuples."""
        with self.connection.cursor() as cursor:
            cursor.execute(self.sql, self.with_values(values))
            rows: Iterable[Sequence[Any]] = cursor.fetchall()
        if self.compiler.has_extra_select:
            rows = [row[: self.columns] for row in rows]
        if self.converters:
            rows = self.compiler.apply_converters(rows, self.converters)
        return [self.made_from(row) for row in rows]


class _Prepared(ABC, Generic[S]):
    """What all have in common: one statement per connection, kept on it, so that it goes when the connection goes.

    A connection belongs to one thread, and it is the connection of the default database.
    """

    def statement(self) -> S:
        """Return the statement of this thread's connection, compiled now if it is the first time."""
        connection = connections[DEFAULT_DB_ALIAS]
        kept: dict[_Prepared[S], S] = vars(connection).setdefault("prepared_statements", {})
        if self not in kept:
            kept[self] = self.compile(connection)
        return kept[self]

    @abstractmethod
    def compile(self, connection: Any) -> S:
        """Return the statement for a connection, made from a queryset that nobody else has."""


class PreparedQuery(_Prepared[_Selection], Generic[R]):
    """A queryset, compiled once. `make` returns it, with a :class:`Parameter` wherever a value is given later."""

    def __init__(self, make: "Callable[[], QuerySet[Any, R]]") -> None:
        """Compile nothing yet: while modules are imported, models are not ready."""
        self.make = make

    def compile(self, connection: Any) -> _Selection:
        """Return the statement for a connection."""
        return _Selection(self.make(), connection)

    def all(self, **values: Any) -> list[R]:
        """Return all rows for these values.

        Raises:
            KeyError: a value is missing.
        """
        return self.statement().run(values)

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


class PreparedUpdate(_Prepared[_Statement]):
    """An update, compiled once: of a queryset's rows, to new values; a :class:`Parameter` may stand in both."""

    def __init__(self, make: "Callable[[], QuerySet[Any, Any]]", **new: Any) -> None:
        """Compile nothing yet."""
        self.make = make
        self.new = new

    def compile(self, connection: Any) -> _Statement:
        """Return the statement for a connection."""
        query = self.make().query.chain(UpdateQuery)
        query.add_update_values(self.new)  # type: ignore[attr-defined]
        query.clear_ordering(force=True)
        return _Statement(query, connection)

    def run(self, **values: Any) -> int:
        """Update, and return the number of rows.

        Raises:
            KeyError: a value is missing.
        """
        statement = self.statement()
        with statement.connection.cursor() as cursor:
            cursor.execute(statement.sql, statement.with_values(values))
            return int(cursor.rowcount)


class PreparedInsert(_Prepared[_Insertion], Generic[M]):
    """The insertion of a model's objects, compiled once. As with `bulk_create`, no signal is sent."""

    def __init__(self, model: type[M]) -> None:
        """Compile nothing yet."""
        self.model = model

    def compile(self, connection: Any) -> _Insertion:
        """Return the statement for a connection."""
        query = InsertQuery(self.model)
        query.insert_values(self._fields(), [self.model()], raw=True)  # only its shape matters, not what is in it
        return _Insertion(query, connection)

    def create(self, **values: Any) -> M:
        """Store a new object and return it, with its key.

        Raises:
            IntegrityError: the database refuses it.
        """
        made = self.model(**values)
        statement = self.statement()
        with statement.connection.cursor() as cursor:
            cursor.execute(statement.sql_returning_key, self._row(made, statement.connection))
            (made.pk,) = cursor.fetchone()
        made._state.adding, made._state.db = False, statement.connection.alias
        return made

    def store_all(self, objects: Sequence[M]) -> None:
        """Store new objects in their order. Which keys they get is not asked, so they must not be saved again.

        Raises:
            IntegrityError: the database refuses one of them.
        """
        statement = self.statement()
        with statement.connection.cursor() as cursor:
            cursor.executemany(statement.sql, [self._row(made, statement.connection) for made in objects])

    def _row(self, made: M, connection: Any) -> list[Any]:
        return [field.get_db_prep_save(field.pre_save(made, True), connection) for field in self._fields()]

    def _fields(self) -> "list[models.Field[Any, Any]]":
        return [field for field in self.model._meta.concrete_fields if not field.primary_key]
