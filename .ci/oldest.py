"""Print the lower bounds of a pyproject.toml as constraints: the oldest releases supported."""

import re
import sys
import tomllib

with open(sys.argv[1], "rb") as file:
    project = tomllib.load(file)["project"]

extras = project["optional-dependencies"]
tested = [*project["dependencies"], *(line for name in extras for line in extras[name])]
for requirement in sorted(set(tested)):
    bound = re.fullmatch(r"([\w.-]+)(?:\[[\w,.-]+\])?>=([\w.]+)", requirement)
    if bound:
        print("{}=={}".format(*bound.groups()))
