"""The examples of docs/python.md."""

import os
import re

import freshet

PAGE = os.path.join(os.path.dirname(__file__), "../../docs/python.md")


def test_the_manuals_examples_run():
    with open(PAGE, encoding="utf-8") as file:
        blocks = re.findall(r"```python run\n(.*?)```", file.read(), re.S)
    assert len(blocks) >= 5
    names = {}
    try:
        for block in blocks:
            exec(compile(block, PAGE, "exec"), names)
    finally:
        if isinstance(names.get("c"), freshet.Client):
            names["c"].close()
    assert names["m"].name == "shop"
