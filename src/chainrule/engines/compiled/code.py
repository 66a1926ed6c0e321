"""A thin layer over llvmlite's builder: numbers, vectors of numbers, memory, loops and functions of one number type.

A *value* is one number or a vector of numbers; every operation here takes either and gives the like. What is written is
compiled as it stands: no operation is reordered or contracted unless `Code.fma` says so, which is why results do not
depend on the optimizer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from llvmlite import ir

__all__ = ["Code", "Value", "Variable"]

Value: TypeAlias = Any  # an llvmlite value; the library ships no types


class Variable:
    """A place for a value that loops change; the optimizer turns it into a register."""

    def __init__(self, code: Code, kind: Any, start: Value | None = None) -> None:
        self._code = code
        with code.builder.goto_entry_block():
            self.place = code.builder.alloca(kind)
        self.kind = kind
        if start is not None:
            self.set(start)

    def get(self) -> Value:
        """Read it."""
        return self._code.builder.load(self.place, typ=self.kind)

    def set(self, value: Value) -> None:
        """Write it."""
        self._code.builder.store(value, self.place)


class Code:
    """Writes one LLVM module.

    Args:
        single: whether numbers are float32, else float64.
        width: bytes in a vector register: 64, 32 or 16.

    Attributes:
        lanes: how many numbers a vector register holds.
        number: the type of a number; ``whole`` the 64-bit integer; ``pointer`` an address.
    """

    def __init__(self, single: bool, width: int) -> None:
        from llvmlite import ir

        self.ir = ir
        self.module = ir.Module("chainrule")
        self.single = single
        self.bytes = 4 if single else 8
        self.lanes = width // self.bytes
        self.number: Any = ir.FloatType() if single else ir.DoubleType()
        self.double: Any = ir.DoubleType()
        self.whole: Any = ir.IntType(64)
        self.bit: Any = ir.IntType(1)
        self.pointer: Any = ir.PointerType()
        self.builder: ir.IRBuilder = None
        self._declared: dict[str, Any] = {}
        self._functions: dict[str, Any] = {}
        self.parts: dict[Any, Any] = {}  # of functions, see `outlining`

    # Functions

    @contextmanager
    def function(
        self, name: str, arguments: Sequence[Any], result: Any = None, *, public: bool = False
    ) -> Iterator[Any]:
        """Write a function inside the block; gives its arguments. A result is returned with `give`."""
        ir = self.ir
        made = ir.Function(self.module, ir.FunctionType(result or ir.VoidType(), list(arguments)), name)
        if not public:
            made.linkage = "internal"
        made.attributes.add("nounwind")
        before, self.builder = self.builder, ir.IRBuilder(made.append_basic_block())
        self._functions[name] = made
        yield made.args
        if not self.builder.block.is_terminated:
            self.builder.ret_void()
        self.builder = before

    def give(self, value: Value) -> None:
        """Return a value from the function."""
        self.builder.ret(value)

    def call(self, name: str, arguments: Sequence[Value]) -> Value:
        """Call a function written before."""
        return self.builder.call(self._functions[name], list(arguments))

    def written(self, name: str) -> Any:
        """Give a function written before."""
        return self._functions[name]

    def has(self, name: str) -> bool:
        """Whether a function of this name was written."""
        return name in self._functions

    def intrinsic(self, name: str, result: Any, arguments: Sequence[Value]) -> Value:
        """Call one of LLVM's own functions, or one of the C library's, by its full name."""
        if name not in self._declared:
            kind = self.ir.FunctionType(result, [each.type for each in arguments])
            self._declared[name] = self.ir.Function(self.module, kind, name)
        return self.builder.call(self._declared[name], list(arguments))

    # Control

    @contextmanager
    def loop(self, count: Value | int, start: Value | int = 0, step: int = 1) -> Iterator[Value]:
        """Repeat the block with an index from ``start`` below ``count``."""
        b = self.builder
        index = Variable(self, self.whole, self.index(start))
        test, body, after = (b.append_basic_block(name) for name in ("test", "body", "after"))
        b.branch(test)
        b.position_at_end(test)
        b.cbranch(b.icmp_signed("<", index.get(), self.index(count)), body, after)
        b.position_at_end(body)
        yield index.get()
        index.set(b.add(index.get(), self.index(step)))
        b.branch(test)
        b.position_at_end(after)

    def when(self, condition: Value) -> Any:
        """Run the block only where a condition (one bit) holds."""
        return self.builder.if_then(condition)

    def either(self, condition: Value) -> Any:
        """Give two blocks, ``then`` and ``otherwise``, of which one runs."""
        return self.builder.if_else(condition)

    # Integers

    def index(self, n: Value | int) -> Value:
        """Give a 64-bit integer."""
        return self.ir.Constant(self.whole, n) if isinstance(n, int) else n

    def plus(self, a: Value | int, b: Value | int) -> Value:
        """Add integers."""
        if isinstance(a, int) and isinstance(b, int):
            return self.index(a + b)
        return self.builder.add(self.index(a), self.index(b))

    def times(self, a: Value | int, b: Value | int) -> Value:
        """Multiply integers."""
        if isinstance(a, int) and isinstance(b, int):
            return self.index(a * b)
        return self.builder.mul(self.index(a), self.index(b))

    def least(self, a: Value | int, b: Value | int) -> Value:
        """The smaller of two integers."""
        a, b = self.index(a), self.index(b)
        return self.builder.select(self.builder.icmp_signed("<", a, b), a, b)

    # Memory

    def at(self, place: Value, index: Value | int = 0) -> Value:
        """Give the address of the number with this index, counted from an address."""
        if isinstance(index, int) and index == 0:
            return place
        return self.builder.gep(place, [self.index(index)], source_etype=self.number)

    def load(self, place: Value, lanes: int = 1, used: int | None = None) -> Value:
        """Read one number, or a vector of which only the first ``used`` lanes are touched in memory (others are 0)."""
        if lanes == 1:
            return self.builder.load(place, typ=self.number)
        kind = self.vector(lanes)
        if used is None or used >= lanes:
            return self.builder.load(place, typ=kind, align=self.bytes)
        name = f"llvm.masked.load.{self._suffix(kind)}.p0"
        return self.intrinsic(name, kind, [place, self._align(), self._first(lanes, used), self.constant(0.0, lanes)])

    def store(self, value: Value, place: Value, used: int | None = None) -> None:
        """Write one number or a vector, or the first ``used`` lanes of it."""
        if used is None or used >= self.lanes_of(value):
            self.builder.store(value, place, align=self.bytes)
            return
        name = f"llvm.masked.store.{self._suffix(value.type)}.p0"
        mask = self._first(self.lanes_of(value), used)
        self.intrinsic(name, self.ir.VoidType(), [value, place, self._align(), mask])

    def prefetch(self, place: Value) -> None:
        """Ask for the memory around an address, for reading soon."""
        i32 = self.ir.IntType(32)
        arguments = [place, *(self.ir.Constant(i32, n) for n in (0, 3, 1))]
        self.intrinsic("llvm.prefetch.p0", self.ir.VoidType(), arguments)

    def _align(self) -> Value:
        return self.ir.Constant(self.ir.IntType(32), self.bytes)

    def _first(self, lanes: int, used: int) -> Value:
        return self.ir.Constant(self.ir.VectorType(self.bit, lanes), [k < used for k in range(lanes)])

    # Values

    def vector(self, lanes: int) -> Any:
        """The type of a vector; of a number for one lane."""
        return self.number if lanes == 1 else self.ir.VectorType(self.number, lanes)

    def lanes_of(self, value: Value) -> int:
        """How many numbers a value holds."""
        return value.type.count if isinstance(value.type, self.ir.VectorType) else 1

    def constant(self, x: float, lanes: int = 1) -> Value:
        """The same number in each lane."""
        kind = self.vector(lanes)
        return self.ir.Constant(kind, x if lanes == 1 else [x] * lanes)

    def like(self, x: float, value: Value) -> Value:
        """A constant with as many lanes as a value."""
        return self.constant(x, self.lanes_of(value))

    def splat(self, number: Value, lanes: int) -> Value:
        """Put a number into each lane."""
        if lanes == 1:
            return number
        zero = self.ir.Constant(self.ir.IntType(32), 0)
        kind = self.ir.VectorType(number.type, lanes)
        vector = self.builder.insert_element(self.ir.Constant(kind, self.ir.Undefined), number, zero)
        return self.builder.shuffle_vector(
            vector, vector, self.ir.Constant(self.ir.VectorType(self.ir.IntType(32), lanes), [0] * lanes)
        )

    def alike(self, *values: Value | float) -> list[Value]:
        """Give values the same number of lanes; Python's numbers become constants."""
        lanes = max((self.lanes_of(v) for v in values if not isinstance(v, (int, float))), default=1)
        return [
            self.constant(float(v), lanes)
            if isinstance(v, (int, float))
            else v
            if self.lanes_of(v) == lanes
            else self.splat(v, lanes)
            for v in values
        ]

    def _two(self, operation: str, a: Value | float, b: Value | float) -> Value:
        a, b = self.alike(a, b)
        return getattr(self.builder, operation)(a, b)

    def add(self, a: Value | float, b: Value | float) -> Value:
        """a + b."""
        return self._two("fadd", a, b)

    def sub(self, a: Value | float, b: Value | float) -> Value:
        """a - b."""
        return self._two("fsub", a, b)

    def mul(self, a: Value | float, b: Value | float) -> Value:
        """a b."""
        return self._two("fmul", a, b)

    def div(self, a: Value | float, b: Value | float) -> Value:
        """a / b."""
        return self._two("fdiv", a, b)

    def neg(self, a: Value) -> Value:
        """-a."""
        return self.builder.fneg(a)

    def fma(self, a: Value | float, b: Value | float, c: Value | float) -> Value:
        """a b + c, rounded once."""
        a, b, c = self.alike(a, b, c)
        return self.intrinsic(f"llvm.fma.{self._suffix(a.type)}", a.type, [a, b, c])

    def sqrt(self, a: Value) -> Value:
        """The square root, rounded rightly."""
        return self.intrinsic(f"llvm.sqrt.{self._suffix(a.type)}", a.type, [a])

    def fabs(self, a: Value) -> Value:
        """|a|."""
        return self.intrinsic(f"llvm.fabs.{self._suffix(a.type)}", a.type, [a])

    def compare(self, relation: str, a: Value | float, b: Value | float) -> Value:
        """Say lane by lane whether a relation (< <= > >= == !=) holds; with NaN only != does."""
        a, b = self.alike(a, b)
        compare = self.builder.fcmp_unordered if relation == "!=" else self.builder.fcmp_ordered
        return compare(relation, a, b)

    def select(self, condition: Value, a: Value | float, b: Value | float) -> Value:
        """Lane by lane a where the condition holds, else b."""
        a, b, *_ = self._beside(condition, a, b)
        return self.builder.select(condition, a, b)

    def _beside(self, condition: Value, *values: Value | float) -> list[Value]:
        lanes = condition.type.count if isinstance(condition.type, self.ir.VectorType) else 1
        return self.alike(*values, self.constant(0.0, lanes))

    def minimum(self, a: Value | float, b: Value | float) -> Value:
        """The smaller one; NaN where either is NaN, as in NumPy."""
        a, b = self.alike(a, b)
        return self.builder.select(self.builder.or_(self.compare("<", a, b), self.compare("!=", a, a)), a, b)

    def maximum(self, a: Value | float, b: Value | float) -> Value:
        """The larger one; NaN where either is NaN, as in NumPy."""
        a, b = self.alike(a, b)
        return self.builder.select(self.builder.or_(self.compare(">", a, b), self.compare("!=", a, a)), a, b)

    # Across lanes

    def total(self, value: Value, combine: Callable[[Value, Value], Value] | None = None) -> Value:
        """Add up a vector's lanes, halving it again and again (or combine them in another way)."""
        lanes = self.lanes_of(value)
        combine = combine or self.add
        while lanes > 1:
            lanes //= 2
            value = combine(self._part(value, 0, lanes), self._part(value, lanes, lanes))
        return value

    def _part(self, value: Value, start: int, lanes: int) -> Value:
        i32 = self.ir.IntType(32)
        if lanes == 1:
            return self.builder.extract_element(value, self.ir.Constant(i32, start))
        which = self.ir.Constant(self.ir.VectorType(i32, lanes), list(range(start, start + lanes)))
        return self.builder.shuffle_vector(value, value, which)

    def shuffle(self, a: Value, b: Value, which: Sequence[int]) -> Value:
        """A vector of chosen lanes, those of b counted on from those of a."""
        i32 = self.ir.IntType(32)
        return self.builder.shuffle_vector(a, b, self.ir.Constant(self.ir.VectorType(i32, len(which)), list(which)))

    def lane(self, value: Value, k: int) -> Value:
        """One number of a vector."""
        return (
            value
            if self.lanes_of(value) == 1
            else self.builder.extract_element(value, self.ir.Constant(self.ir.IntType(32), k))
        )

    def only(self, value: Value, used: int) -> Value:
        """Put 0 into the lanes from ``used`` on."""
        lanes = self.lanes_of(value)
        return value if used >= lanes else self.select(self._first(lanes, used), value, 0.0)

    # Bits

    def bits(self, value: Value) -> Value:
        """A value's bits as integers of the same size."""
        return self.builder.bitcast(value, self._integers(self.lanes_of(value)))

    def from_bits(self, value: Value) -> Value:
        """The value that has these bits."""
        lanes = value.type.count if isinstance(value.type, self.ir.VectorType) else 1
        return self.builder.bitcast(value, self.vector(lanes))

    def bit_constant(self, n: int, lanes: int) -> Value:
        """The same integer, as wide as a number, in each lane."""
        kind = self._integers(lanes)
        return self.ir.Constant(kind, n if lanes == 1 else [n] * lanes)

    def _integers(self, lanes: int) -> Any:
        one = self.ir.IntType(8 * self.bytes)
        return one if lanes == 1 else self.ir.VectorType(one, lanes)

    def _suffix(self, kind: Any) -> str:
        one = {"float": "f32", "double": "f64"}
        return f"v{kind.count}{one[str(kind.element)]}" if isinstance(kind, self.ir.VectorType) else one[str(kind)]
