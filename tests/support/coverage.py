"""The lines and branches of src_c that a run has reached, from the counters of GCC."""

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path


def counts_of(root):
    """Return the count of each line and the count of each branch of it, by file.

    A template is compiled several times, and a function is inlined into others; a line or a branch
    is reached if it is in one of its copies. Copies in which the compiler has left out other
    branches of the line are not the same.
    """
    lines, branches = defaultdict(int), defaultdict(int)
    for notes in sorted(root.glob("build/**/src_c/**/*.gcno")):
        command = ["gcov", "--json-format", "--branch-probabilities", "--stdout", str(notes)]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
        files = [
            file
            for document in filter(None, done.stdout.splitlines())
            for file in json.loads(document)["files"]
            if file["file"].startswith("src_c/")
        ]
        if notes.name.startswith("isa_") and not reached(files):
            continue  # for instructions that this CPU does not have
        for file in files:
            for line in file["lines"]:
                place = file["file"], line["line_number"]
                lines[place] = max(lines[place], line["count"])
                for number, branch in enumerate(line["branches"]):
                    key = (*place, len(line["branches"]), number)
                    branches[key] = max(branches[key], branch["count"])
    return lines, branches


def reached(files):
    return any(line["count"] for file in files for line in file["lines"])


def share(counts):
    return 100 * sum(count > 0 for count in counts) / max(len(counts), 1)


def main(root, least_lines, least_branches):
    lines, branches = counts_of(Path(root))
    for name in sorted({place[0] for place in lines}):
        of_file = {place[1]: count for place, count in lines.items() if place[0] == name}
        missed = [str(number) for number, count in sorted(of_file.items()) if not count]
        taken = [count for place, count in branches.items() if place[0] == name]
        shown = f"   not reached: {', '.join(missed[:12])}" if missed else ""
        print(f"{name:42} {share(list(of_file.values())):6.1f}% {share(taken):6.1f}%{shown}")
    reached = share(list(lines.values())), share(list(branches.values()))
    print(f"{'src_c, lines and branches':42} {reached[0]:6.1f}% {reached[1]:6.1f}%")
    if reached[0] < float(least_lines) or reached[1] < float(least_branches):
        sys.exit(f"less than the {least_lines}% of lines and {least_branches}% of branches wanted")


if __name__ == "__main__":
    main(*sys.argv[1:4])
