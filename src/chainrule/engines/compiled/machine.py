"""The processor that kernels are compiled for: its vectors, and the way from written code to callable functions."""

from __future__ import annotations

import ctypes
import functools
import os
import threading
from typing import Any, NamedTuple

from chainrule.engines.compiled.code import Code

__all__ = ["LLVM", "Compiled", "Machine", "computes", "this_machine"]

LLVM = threading.RLock()
"""Held by whoever uses LLVM: a program is forked only while nobody does, or the child would wait for ever."""
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=LLVM.acquire, after_in_parent=LLVM.release, after_in_child=LLVM.release)


class Compiled:
    """Compiled functions in memory; their code lives as long as this object does.

    Args:
        engine: what LLVM made of an object file.
    """

    def __init__(self, engine: Any) -> None:
        self._engine = engine

    def address(self, name: str) -> int:
        """Give the address of a public function."""
        return int(self._engine.get_function_address(name))


class Machine(NamedTuple):
    """A processor as LLVM sees it.

    Args:
        cpu: its name.
        features: what it can do, as LLVM writes it.
        width: bytes in a vector register.
        triple: which kind of system it runs.
    """

    cpu: str
    features: str
    width: int
    triple: str

    def code(self, single: bool) -> Code:
        """Begin to write a module for this machine."""
        return Code(single, self.width)

    def compile(self, code: Code) -> bytes:
        """Turn what was written into an object file."""
        import llvmlite.binding as llvm

        target = self._target()
        code.module.triple = self.triple
        code.module.data_layout = str(target.target_data)
        module = llvm.parse_assembly(str(code.module))
        module.verify()
        passes = llvm.create_pass_builder(target, llvm.create_pipeline_tuning_options(speed_level=2))
        passes.getModulePassManager().run(module, passes)
        return bytes(target.emit_object(module))

    def load(self, compiled: bytes) -> Compiled:
        """Turn an object file into functions that can be called."""
        import llvmlite.binding as llvm

        empty = llvm.parse_assembly("")
        empty.triple = self.triple
        engine = llvm.create_mcjit_compiler(empty, self._target())
        engine.add_object_file(llvm.ObjectFileRef.from_data(compiled))
        engine.finalize_object()
        return Compiled(engine)

    def _target(self) -> Any:
        import llvmlite.binding as llvm

        target = llvm.Target.from_triple(self.triple)
        return target.create_target_machine(cpu=self.cpu, features=self.features, opt=3, reloc="pic")


@functools.cache
def computes() -> bool:
    """Whether compiled code runs here, and fast: tried once, since memory may be barred from holding code.

    Without fused multiply-adds, as on x86 processors before 2013 or virtual ones that hide them, each would be a call
    of a function, and NumPy is faster.
    """
    machine = this_machine()
    if machine.triple.startswith(("x86_64", "i686", "i386")) and "+fma" not in machine.features.split(","):
        return False
    with LLVM:
        code = machine.code(single=False)
        with code.function("answer", [code.whole], code.whole, public=True) as (n,):
            code.give(n)
        loaded = machine.load(machine.compile(code))
        return ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(loaded.address("answer"))(7) == 7


@functools.cache
def this_machine() -> Machine:
    """Give the processor that this program runs on."""
    with LLVM:
        import llvmlite.binding as llvm

        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        features = llvm.get_host_cpu_features()
        width = 64 if features.get("avx512f") else 32 if features.get("avx2") and features.get("fma") else 16
        # Some processors are said to prefer vectors of 32 bytes: products of matrices run faster with 64.
        flags = features.flatten() + (",-prefer-256-bit" if width == 64 else "")
        return Machine(llvm.get_host_cpu_name(), flags, width, llvm.get_process_triple())
