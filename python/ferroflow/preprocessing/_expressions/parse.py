"""From the text of an expression to the words of a program."""

import ast
import math
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NoReturn

from ferroflow import _core

TEXT, NUMBER = "text", "number"
ARITHMETIC = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.FloorDiv: "floor_divide",
    ast.Mod: "modulo",
    ast.Pow: "power",
}
COMPARED = {
    ast.Lt: "less",
    ast.LtE: "less_equal",
    ast.Gt: "greater",
    ast.GtE: "greater_equal",
    ast.Eq: "equal",
    ast.NotEq: "equal",
}
NOT_CALLED = {*ARITHMETIC.values(), *COMPARED.values(), "and", "or", "not", "if", "equal_text", "less_text"}
LONGEST = 10_000
DEEPEST = 100
MOST_WORDS = 9_000
SHORT = 8
"""Words that may be computed twice for a square."""


@cache
def functions() -> dict[str, tuple[str, str]]:
    """Return the functions that Rust knows: kinds of the arguments, kind of the result."""
    return {name: (takes, gives) for name, takes, gives in _core.expression_functions()}


def names_of_functions() -> list[str]:
    own = {"clip", "col", "date_diff", "extract", "matches"}
    return sorted(own | (functions().keys() - NOT_CALLED))


class Parser:
    """Reads expressions over named columns, and collects their programs and constants.

    Parameters
    ----------
    kinds : mapping of str to str
        Each column's kind: "number" or "text".
    """

    def __init__(self, kinds: Mapping[str, str]) -> None:
        self.places = {name: (at, kind) for at, (name, kind) in enumerate(kinds.items())}
        self.numbers: list[float] = []
        self.texts: list[str] = []
        self.programs: list[list[str]] = []
        self.kinds: list[str] = []
        self.name = ""
        self.text = ""
        self.words: list[str] = []

    def add(self, name: str, text: str) -> None:
        """Read the expression `text` of the column `name`.

        Raises
        ------
        ValueError
            It cannot be read; says where and why.
        """
        self.name, self.text, self.words = name, text, []
        if len(text) > LONGEST:
            raise ValueError(f"expression {name!r} has {len(text)} characters; {LONGEST} are allowed")
        try:
            tree = ast.parse(text.strip(), mode="eval")
        except SyntaxError as error:
            at = f" at character {error.offset}" if error.offset else ""
            raise ValueError(f"expression {name!r}: {error.msg}{at}: {text}") from None
        except (RecursionError, MemoryError):
            raise ValueError(f"expression {name!r} is nested too deeply") from None
        self.text = text.strip()
        kind = self._visit(tree.body, 0)
        self.programs.append(self.words)
        self.kinds.append(kind)

    def _fail(self, node: ast.AST, why: str) -> NoReturn:
        # Offsets count bytes of one line; people count characters.
        line = self.text.splitlines()[getattr(node, "lineno", 1) - 1]
        at = len(line.encode()[: getattr(node, "col_offset", 0)].decode(errors="ignore")) + 1
        raise ValueError(f"expression {self.name!r}, character {at}: {why}: {self.text}")

    def _visit(self, node: ast.AST, depth: int) -> str:
        """Write the words of a node; returns its kind."""
        if depth > DEEPEST:
            self._fail(node, "it is nested too deeply")
        if len(self.words) > MOST_WORDS:
            self._fail(node, "it is too long")
        visit: Callable[..., str] | None = getattr(self, f"_{type(node).__name__.lower()}", None)
        if visit is None:
            self._fail(node, f"{type(node).__name__} is not part of expressions")
        return visit(node, depth + 1)

    def _constant(self, node: ast.Constant, depth: int) -> str:
        value = node.value
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, int | float):  # bool is an int
            try:
                number = float(value)
            except OverflowError:
                number = math.inf
            if not math.isfinite(number):
                self._fail(node, "the number is too large")
            return self._number(number)
        return self._fail(node, f"{value!r} is neither a number nor a text")

    def _number(self, value: float) -> str:
        self.numbers.append(value)
        self.words.append(f"number {len(self.numbers) - 1}")
        return NUMBER

    def _text(self, value: str) -> str:
        self.words.append(f"text {self._stored(value)}")
        return TEXT

    def _stored(self, value: str) -> int:
        self.texts.append(value)
        return len(self.texts) - 1

    def _name(self, node: ast.Name, depth: int) -> str:
        return self._column(node, node.id)

    def _column(self, node: ast.AST, name: str) -> str:
        if name not in self.places:
            if name == "pi":
                return self._number(math.pi)
            self._fail(node, f"there is no column {name!r}")
        at, kind = self.places[name]
        self.words.append(f"column {at}")
        return kind

    def _numbers(self, depth: int, *nodes: ast.AST) -> None:
        for node in nodes:
            if self._visit(node, depth) != NUMBER:
                self._fail(node, "a number is needed here, this is a text")

    def _call_word(self, word: str, kind: str = NUMBER) -> str:
        self.words.append(word)
        return kind

    def _unaryop(self, node: ast.UnaryOp, depth: int) -> str:
        word = {ast.USub: "negative", ast.Not: "not", ast.UAdd: ""}.get(type(node.op))
        if word is None:
            self._fail(node, "~ is not part of expressions; use not")
        self._numbers(depth, node.operand)
        return self._call_word(word) if word else NUMBER

    def _binop(self, node: ast.BinOp, depth: int) -> str:
        word = ARITHMETIC.get(type(node.op))
        if word is None:
            self._fail(node, f"{type(node.op).__name__} is not part of expressions; use and, or, not")
        if isinstance(node.op, ast.Add):
            left = self._visit(node.left, depth)
            if left == TEXT:
                self._fail(node, "texts are joined by concat(a, b)")
            self._numbers(depth, node.right)
        elif word == "power" and getattr(node.right, "value", None) == 2:
            return self._square(node.left, depth)
        else:
            self._numbers(depth, node.left, node.right)
        return self._call_word(word)

    def _square(self, node: ast.AST, depth: int) -> str:
        """Compile a square: as NumPy does by a product, which is exact in the last bit, if what is squared is short."""
        start = len(self.words)
        self._numbers(depth, node)
        words = self.words[start:]
        if len(words) > SHORT:
            self._number(2.0)
            return self._call_word("power")
        self.words += words
        return self._call_word("multiply")

    def _boolop(self, node: ast.BoolOp, depth: int) -> str:
        word = "and" if isinstance(node.op, ast.And) else "or"
        for i, value in enumerate(node.values):
            self._numbers(depth, value)
            if i:
                self._call_word(word)
        return NUMBER

    def _captured(self, node: ast.AST, depth: int) -> tuple[str, list[str]]:
        """Return the kind of a node and its words, which are not written."""
        start = len(self.words)
        kind = self._visit(node, depth)
        words = self.words[start:]
        del self.words[start:]
        return kind, words

    def _compare(self, node: ast.Compare, depth: int) -> str:
        left = self._captured(node.left, depth)
        for i, (op, other) in enumerate(zip(node.ops, node.comparators, strict=True)):
            if isinstance(op, ast.In | ast.NotIn):
                if len(node.ops) > 1:
                    self._fail(node, "in stands alone, not in a chain")
                return self._contained(node, left, op, other, depth)
            right = self._captured(other, depth)
            self._compared(node, left, op, right)
            if i:
                self._call_word("and")
            left = right
        return NUMBER

    def _compared(
        self, node: ast.AST, left: tuple[str, list[str]], op: ast.cmpop, right: tuple[str, list[str]]
    ) -> None:
        word = COMPARED.get(type(op))
        if word is None:
            self._fail(node, "is is not part of expressions; use == or is_missing(x)")
        if left[0] != right[0]:
            self._fail(node, f"a {left[0]} is compared with a {right[0]}")
        if left[0] == TEXT:
            if isinstance(op, ast.Gt | ast.LtE):  # a > b is b < a
                left, right = right, left
            word = "equal_text" if isinstance(op, ast.Eq | ast.NotEq) else "less_text"
        self.words += [*left[1], *right[1], word]
        if isinstance(op, ast.NotEq) or (left[0] == TEXT and isinstance(op, ast.LtE | ast.GtE)):
            self._call_word("not")

    def _contained(
        self, node: ast.AST, left: tuple[str, list[str]], op: ast.cmpop, right: ast.AST, depth: int
    ) -> str:
        if not isinstance(right, ast.Tuple | ast.List | ast.Set) or not right.elts:
            self._fail(right, "in needs a list of values in brackets; of a text use contains(text, part)")
        for i, one in enumerate(right.elts):
            self._compared(node, left, ast.Eq(), self._captured(one, depth))
            if i:
                self._call_word("or")
        if isinstance(op, ast.NotIn):
            self._call_word("not")
        return NUMBER

    def _ifexp(self, node: ast.IfExp, depth: int) -> str:
        self._numbers(depth, node.test)
        yes, no = self._visit(node.body, depth), self._visit(node.orelse, depth)
        if yes != no:
            self._fail(node, f"it gives a {yes} if, and a {no} else")
        return self._call_word("if", yes)

    def _call(self, node: ast.Call, depth: int) -> str:
        if not isinstance(node.func, ast.Name) or node.keywords:
            self._fail(node, "functions are called by name, with arguments in their order")
        name, args = node.func.id, node.args
        special: Callable[..., str] | None = getattr(self, f"_call_{name}", None)
        if special is not None and name != "word":
            return special(node, args, depth)
        if name not in functions() or name in NOT_CALLED:
            known = ", ".join(names_of_functions())
            self._fail(node, f"there is no function {name!r}; there are {known}")
        takes, gives = functions()[name]
        if name in ("min", "max", "coalesce", "concat") and len(args) > 2:
            return self._folded(node, name, depth)
        if len(args) != len(takes):
            self._fail(node, f"{name} takes {len(takes)} arguments, {len(args)} are given")
        kinds = [self._visit(arg, depth) for arg in args]
        for arg, kind, wanted in zip(args, kinds, takes, strict=True):
            needed = {"n": NUMBER, "t": TEXT}.get(wanted, kinds[0])
            if kind != needed:
                self._fail(arg, f"{name} needs a {needed} here, this is a {kind}")
        return self._call_word(name, {"n": NUMBER, "t": TEXT}.get(gives, kinds[-1]))

    def _folded(self, node: ast.Call, name: str, depth: int) -> str:
        """Compile a function of two for more arguments, from left to right."""
        takes, gives = functions()[name]
        first = self._visit(node.args[0], depth)
        needed = {"n": NUMBER, "t": TEXT}.get(takes[0], first)
        for i, arg in enumerate(node.args):
            kind = self._visit(arg, depth) if i else first
            if kind != needed:
                self._fail(arg, f"{name} needs a {needed} here, this is a {kind}")
            if i:
                self._call_word(name)
        return {"n": NUMBER, "t": TEXT}.get(gives, first)

    def _arguments(self, node: ast.Call, name: str, least: int, most: int) -> None:
        if not least <= len(node.args) <= most:
            wanted = f"{least} or {most}" if most > least else str(least)
            self._fail(node, f"{name} takes {wanted} arguments, {len(node.args)} are given")

    def _call_col(self, node: ast.Call, args: list[ast.expr], depth: int) -> str:
        self._arguments(node, "col", 1, 1)
        return self._column(node, self._literal(args[0], "the name of a column"))

    def _literal(self, node: ast.AST, what: str) -> str:
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            self._fail(node, f"{what} is written out in quotes")
        return node.value

    def _whole(self, node: ast.AST, what: str) -> int:
        value: Any = getattr(node, "value", None)
        if not isinstance(node, ast.Constant) or type(value) is not int:
            self._fail(node, f"{what} is a whole number that is written out")
        return value

    def _call_matches(self, node: ast.Call, args: list[ast.expr], depth: int) -> str:
        self._arguments(node, "matches", 2, 2)
        self._texts(args[:1], "matches", depth)
        return self._pattern(node, f"matches {self._stored(self._literal(args[1], 'a pattern'))}", NUMBER)

    def _call_extract(self, node: ast.Call, args: list[ast.expr], depth: int) -> str:
        self._arguments(node, "extract", 2, 3)
        self._texts(args[:1], "extract", depth)
        group = self._whole(args[2], "a group") if len(args) == 3 else 0
        pattern = self._stored(self._literal(args[1], "a pattern"))
        return self._pattern(node, f"extract {pattern} {group}", TEXT)

    def _pattern(self, node: ast.Call, word: str, kind: str) -> str:
        try:
            _core.Expressions([["column 0", word]], [], self.texts, [True])
        except ValueError as error:
            self._fail(node.args[1], str(error))
        return self._call_word(word, kind)

    def _texts(self, nodes: list[ast.expr], name: str, depth: int) -> None:
        for node in nodes:
            if self._visit(node, depth) != TEXT:
                self._fail(node, f"{name} needs a text here, this is a number")

    def _call_clip(self, node: ast.Call, args: list[ast.expr], depth: int) -> str:
        self._arguments(node, "clip", 3, 3)
        self._numbers(depth, args[0], args[1])
        self._call_word("max")
        self._numbers(depth, args[2])
        return self._call_word("min")

    def _call_round(self, node: ast.Call, args: list[ast.expr], depth: int) -> str:
        self._arguments(node, "round", 1, 2)
        digits = self._whole(args[1], "the number of digits") if len(args) == 2 else 0
        if not 0 <= digits <= 15:
            self._fail(node, "round takes 0 to 15 digits")
        self._numbers(depth, args[0])
        if digits == 0:
            return self._call_word("round")
        for word in ("multiply", "round", "divide"):
            if word != "round":
                self._number(10.0**digits)
            self._call_word(word)
        return NUMBER

    def _call_date_diff(self, node: ast.Call, args: list[ast.expr], depth: int) -> str:
        """Compile the days from the second date to the first."""
        self._arguments(node, "date_diff", 2, 2)
        for i, arg in enumerate(args):
            self._texts([arg], "date_diff", depth)
            self._call_word("days")
            if i:
                self._call_word("subtract")
        return NUMBER
