"""Fibers for gdb: what waits, and where.

    (gdb) source common/mlopsd-gdb.py
    (gdb) fibers                  list the living fibers
    (gdb) fiber 2 bt              run a gdb command (default: bt) on fiber 2's stack
    (gdb) fiber all bt 5          the same for every parked fiber

Listing works in a live process and in a core file. Backtraces of parked fibers
need a live process: the saved registers are put in place for the length of the
command, and gdb can not do that in a core file. There, "fiber N" shows where
it waits: its innermost function from the saved instruction pointer.

The set of fibers is found through the global `fibers_debug`; "fibers EXPRESSION"
lists another `struct fibers *`.
"""

import gdb

# Register name -> index in ucontext_t.uc_mcontext.gregs (x86-64, <sys/ucontext.h>).
X86_64 = {
    "r8": 0, "r9": 1, "r10": 2, "r11": 3, "r12": 4, "r13": 5, "r14": 6, "r15": 7, "rdi": 8, "rsi": 9,
    "rbp": 10, "rbx": 11, "rdx": 12, "rax": 13, "rcx": 14, "rsp": 15, "rip": 16,
}


def text_of(pointer):
    return pointer.string(errors="replace") if int(pointer) else ""


def registers_of(fiber):
    """The registers that a parked fiber will continue with."""
    if "x86-64" not in gdb.selected_frame().architecture().name():
        raise gdb.GdbError("the place of saved registers is known for x86-64 only")
    context = fiber["context"]["uc_mcontext"]["gregs"]
    return {name: int(context[index]) & 0xFFFFFFFFFFFFFFFF for name, index in X86_64.items()}


def living(expression):
    """All fibers, the oldest first, as `struct fiber` values."""
    fibers = gdb.parse_and_eval(expression or "fibers_debug")
    if not int(fibers):
        raise gdb.GdbError("there are no fibers: not initialised yet, or closed already")
    found = []
    fiber = fibers["all"]
    while int(fiber):
        found.append(fiber.dereference())
        fiber = fiber["all_next"]
    return found[::-1]


def state_of(fiber):
    state = str(fiber["state"]).replace("FIBER_", "").lower()
    if fiber["queued"] and state != "queued":
        state += "+queued"
    if fiber["canceled"]:
        state += "+canceled"
    return state


def innermost(fiber):
    """The first function below the switch itself, as far as symbols tell."""
    block = gdb.execute("info symbol 0x%x" % registers_of(fiber)["rip"], to_string=True)
    return block.split(" in section")[0].strip()


class ListFibers(gdb.Command):
    """List the living fibers: fibers [EXPRESSION]"""

    def __init__(self):
        super().__init__("fibers", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        for number, fiber in enumerate(living(argument), 1):
            row = (number, state_of(fiber), text_of(fiber["name"]), text_of(fiber["where"]))
            print("%3d  %-16s %-32s %s" % row)


class InFiber(gdb.Command):
    """Run a command on the stack of a parked fiber: fiber N|all [COMMAND]"""

    def __init__(self):
        super().__init__("fiber", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        words = argument.split(None, 1)
        if not words:
            raise gdb.GdbError('usage: fiber N|all [COMMAND]; "fibers" lists the numbers')
        command = words[1] if len(words) > 1 else "bt"
        fibers = living(None)
        if words[0] == "all":
            chosen = range(1, len(fibers) + 1)
        elif words[0].isdigit() and 1 <= int(words[0]) <= len(fibers):
            chosen = [int(words[0])]
        else:
            raise gdb.GdbError("there is no fiber %s, only 1 to %d" % (words[0], len(fibers)))
        for number in chosen:
            fiber = fibers[number - 1]
            row = (number, text_of(fiber["name"]), state_of(fiber), text_of(fiber["where"]))
            print('fiber %d "%s", %s, %s' % row)
            self.show(fiber, command)

    @staticmethod
    def show(fiber, command):
        if str(fiber["state"]) == "FIBER_RUNNING":
            print("it is the running one: its stack is the current stack")
            gdb.execute(command)
            return
        wanted = registers_of(fiber)
        frame = gdb.selected_frame()
        gdb.newest_frame().select()
        saved = {name: int(gdb.parse_and_eval("$" + name)) & 0xFFFFFFFFFFFFFFFF for name in wanted}
        try:
            for name, value in wanted.items():
                gdb.execute("set var $%s = 0x%x" % (name, value))
        except gdb.error as error:  # a core file
            print("no backtrace (%s); it waits in %s" % (error, innermost(fiber)))
            return
        try:
            gdb.execute(command)
        finally:
            for name, value in saved.items():
                gdb.execute("set var $%s = 0x%x" % (name, value))
            if frame.is_valid():
                frame.select()


ListFibers()
InFiber()
