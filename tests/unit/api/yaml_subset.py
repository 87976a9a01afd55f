# SPDX-License-Identifier: MIT
"""The part of YAML that docs/openapi.yaml keeps to, without a library: block mappings and sequences, flow
collections on one line, plain and double-quoted scalars, folded text (>-). Anything else is an error."""
import json
import re

KEY = re.compile(r'("(?:[^"\\]|\\.)*"|[^\s"\'{}\[\],#&*!|>%@`-][^"]*?|-?[^\s"{}\[\]]+?)\s*:(?:\s+(.*))?$')
NUMBER = re.compile(r"-?\d+(\.\d+)?$")


class YamlError(ValueError):
    pass


def scalar(text):
    if text.startswith('"'):
        return json.loads(text)
    if text in ("null", "~", ""):
        return None
    if text in ("true", "false"):
        return text == "true"
    if NUMBER.match(text):
        return float(text) if "." in text else int(text)
    if text[0] in "'&*!|>%@`":
        raise YamlError(f"not in the subset: {text}")
    return text


class Flow:
    """One line's {…} or […]."""

    def __init__(self, text):
        self.text, self.at = text, 0

    def skip(self):
        while self.at < len(self.text) and self.text[self.at] == " ":
            self.at += 1

    def peek(self):
        self.skip()
        if self.at == len(self.text):
            raise YamlError(f"unfinished: {self.text}")
        return self.text[self.at]

    def value(self, stops):
        first = self.peek()
        if first == "{":
            return self.mapping()
        if first == "[":
            return self.sequence()
        if first == '"':
            match = re.compile(r'"(?:[^"\\]|\\.)*"').match(self.text, self.at)
            if not match:
                raise YamlError(f"unfinished string: {self.text}")
        else:
            match = re.compile(f"[^{re.escape(stops)}]*").match(self.text, self.at)
        self.at = match.end()
        return scalar(match.group().strip())

    def items(self, close, one):
        self.at += 1
        while self.peek() != close:
            one()
            if self.peek() == ",":
                self.at += 1
            elif self.peek() != close:
                raise YamlError(f"expected , or {close} at column {self.at} of {self.text}")
        self.at += 1

    def mapping(self):
        result = {}

        def one():
            key = self.value(":")
            if self.peek() != ":":
                raise YamlError(f"expected : in {self.text}")
            self.at += 1
            if key in result:
                raise YamlError(f"twice: {key}")
            result[key] = self.value(",}")

        self.items("}", one)
        return result

    def sequence(self):
        result = []
        self.items("]", lambda: result.append(self.value(",]")))
        return result


def inline(text):
    if text[0] in "{[":
        flow = Flow(text)
        value = flow.value("")
        flow.skip()
        if flow.at != len(text):
            raise YamlError(f"more after the end: {text}")
        return value
    return scalar(text)


class Block:
    def __init__(self, text):
        lines = [line.rstrip() for line in text.splitlines()]
        self.lines = [(len(line) - len(line.lstrip()), line.strip()) for line in lines
                      if line.strip() and not line.lstrip().startswith("#")]
        self.at = 0

    def node(self, indent):
        if self.at == len(self.lines) or self.lines[self.at][0] < indent:
            return None
        column, text = self.lines[self.at]
        return self.sequence(column) if text.startswith("- ") else self.mapping(column)

    def folded(self, indent):
        words = []
        while self.at < len(self.lines) and self.lines[self.at][0] > indent:
            words.append(self.lines[self.at][1])
            self.at += 1
        return " ".join(words)

    def mapping(self, indent):
        result = {}
        while self.at < len(self.lines) and self.lines[self.at][0] == indent:
            match = KEY.match(self.lines[self.at][1])
            if not match:
                raise YamlError(f"no key: {self.lines[self.at][1]}")
            key, rest = scalar(match.group(1)), match.group(2)
            if key in result:
                raise YamlError(f"twice: {key}")
            self.at += 1
            if rest == ">-":
                result[key] = self.folded(indent)
            else:
                result[key] = inline(rest) if rest else self.node(indent + 1)
        if self.at < len(self.lines) and self.lines[self.at][0] > indent:
            raise YamlError(f"indentation: {self.lines[self.at][1]}")
        return result

    def sequence(self, indent):
        result = []
        while self.at < len(self.lines) and self.lines[self.at] [0] == indent and self.lines[self.at][1].startswith("- "):
            result.append(inline(self.lines[self.at][1][2:].strip()))
            self.at += 1
        return result


def load(text):
    block = Block(text)
    value = block.node(0)
    if block.at != len(block.lines):
        raise YamlError(f"left over: {block.lines[block.at][1]}")
    return value
