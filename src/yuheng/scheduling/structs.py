"""Structs of arrays that kernels take by reference.

Numba passes a tuple of arrays by value: forty arrays are three hundred machine words at every call, to compile and
to copy. A `Struct` is one pointer instead, to a table of its arrays' addresses and shapes. Inside a kernel
``cluster.used`` reads that table; in plain Python it is an attribute like any other, so the twin of a
kernel runs unchanged.

The table is written once: arrays may change their contents, never their place. A struct keeps its arrays alive.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, dataclass_transform

import numpy as np
from llvmlite import ir
from numba import types
from numba.core.typing.templates import AttributeTemplate
from numba.extending import (
    NativeValue,
    infer_getattr,
    lower_getattr_generic,
    models,
    register_model,
    typeof_impl,
    unbox,
)
from numba.np.arrayobj import populate_array
from numba.np.numpy_support import from_dtype

__all__ = ["Struct"]

_WORD = ir.IntType(64)


@dataclass_transform(kw_only_default=True)
class Struct:
    """Base of structs of arrays: subclasses annotate their fields, arrays (C order, one or two dimensions) or ints."""

    def __init__(self, **fields: Any) -> None:  # noqa: ANN401 -- arrays of any type, and ints
        names = tuple(type(self).__annotations__)
        if set(fields) != set(names):
            raise TypeError(f"{type(self).__name__} takes exactly the fields {', '.join(names)}")
        words: list[int] = []
        layout = []
        for name in names:
            value = fields[name]
            if isinstance(value, np.ndarray):
                value = np.ascontiguousarray(value)
                layout.append((name, value.dtype.str, value.ndim, len(words)))
                words += [value.ctypes.data, *value.shape]
            else:
                layout.append((name, "", 0, len(words)))
                words.append(int(value))
            setattr(self, name, value)
        self._table = np.array(words, dtype=np.int64)
        self._address = int(self._table.ctypes.data)
        # By this name Numba's dispatcher finds the type without asking Python for it at every call.
        self._numba_type_ = _struct_type(type(self).__name__, tuple(layout))


class _StructType(types.Type):
    """What Numba knows of a struct: its name, and each field's element type, dimensions and place in the table."""

    def __init__(self, struct: str, layout: tuple[tuple[str, str, int, int], ...]) -> None:
        super().__init__(name=f"{struct}{layout}")
        self.slots = {name: (_field_type(code, dimensions), slot) for name, code, dimensions, slot in layout}


@lru_cache(maxsize=256)
def _struct_type(struct: str, layout: tuple[tuple[str, str, int, int], ...]) -> _StructType:
    """The type of a layout, made once: Numba takes longer to make it than to fill a small struct."""
    return _StructType(struct, layout)


def _field_type(code: str, dimensions: int) -> types.Type:
    return types.Array(from_dtype(np.dtype(code)), dimensions, "C") if code else types.int64


@register_model(_StructType)
class _StructModel(models.PrimitiveModel):
    def __init__(self, manager: Any, struct: types.Type) -> None:  # noqa: ANN401 -- Numba's own
        super().__init__(manager, struct, _WORD)


@typeof_impl.register(Struct)
def _typeof(value: Struct, _: Any) -> types.Type:  # noqa: ANN401
    return value._numba_type_


@unbox(_StructType)
def _unbox(_: types.Type, value: Any, context: Any) -> NativeValue:  # noqa: ANN401
    address = context.pyapi.object_getattr_string(value, "_address")
    word = context.pyapi.long_as_longlong(address)
    context.pyapi.decref(address)
    return NativeValue(word)


@infer_getattr
class _StructAttributes(AttributeTemplate):
    key = _StructType

    def generic_resolve(self, struct: Any, name: str) -> types.Type | None:  # type: ignore[override]  # noqa: ANN401
        """The type of a field; None where there is no such field."""
        return struct.slots[name][0] if name in struct.slots else None


@lower_getattr_generic(_StructType)
def _load(context: Any, builder: Any, struct: Any, value: Any, name: str) -> Any:  # noqa: ANN401
    """Build the array (a view, owned by nobody) from the table's words."""
    field, slot = struct.slots[name]
    table = builder.inttoptr(value, _WORD.as_pointer())
    words = 1 + (field.ndim if isinstance(field, types.Array) else 0)
    loaded = [_word(builder, table, slot + i) for i in range(words)]
    if not isinstance(field, types.Array):
        return loaded[0]
    array = context.make_array(field)(context, builder)
    size = context.get_abi_sizeof(context.get_data_type(field.dtype))
    strides = [ir.Constant(_WORD, size)]
    for extent in reversed(loaded[2:]):
        strides.insert(0, builder.mul(strides[0], extent))
    populate_array(
        array,
        data=builder.inttoptr(loaded[0], array.data.type),
        shape=loaded[1:],
        strides=strides,
        itemsize=ir.Constant(_WORD, size),
        meminfo=None,
    )
    return array._getvalue()


def _word(builder: Any, table: Any, i: int) -> Any:  # noqa: ANN401
    word = builder.load(builder.gep(table, [ir.Constant(_WORD, i)]))
    # The table never changes while a kernel runs, so that its words may be kept in registers across stores.
    word.set_metadata("invariant.load", builder.module.add_metadata([]))
    return word
