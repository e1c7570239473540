#!/usr/bin/env python3
"""Writes the manual pages of detect-batch from what its argument parser says of itself.

Usage: detect-batch --experimental-dump-help | scripts/packaging/manual.py VERSION DATE FOLDER
FOLDER gets detect-batch.1, whose options are those of `detect-batch detect`, and detect-batch-COMMAND.1 of each command.
"""
import json
import pathlib
import re
import sys

PROGRAM = "detect-batch"
DEFAULT = "detect"

# What is not said of any option.
FILES = [
    ("DETECT_BATCH_HOME/models, DETECT_BATCH_HOME/pipelines", "models and pipelines that are found by name, first"),
    ("XDG_DATA_HOME/detect-batch, else ~/.local/share/detect-batch",
     "the same of the user, second; `detect-batch fetch` puts models there unless DETECT_BATCH_HOME is set"),
    ("../share/detect-batch/models, ../share/detect-batch/pipelines", "those that come along, beside the program"),
    ("detections/.detect-batch", "what earlier runs have finished, locks, and work in progress"),
]
README = pathlib.Path(__file__).resolve().parents[2] / "README.md"


def exit_status():
    """The codes and their meanings, which README has in a table."""
    section = README.read_text().split("\n## Exit codes\n", 1)[1].split("\n## ", 1)[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("| ")]
    return [(code, meaning.replace("`", "")) for code, meaning in rows if code[0].isdigit()]


def escaped(text):
    """Text as roff prints it, also at the beginning of a line."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("`", "\\(ga").replace("…", "...")
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.MULTILINE)


def paragraphs(text):
    """A discussion: paragraphs, and indented lines as they are."""
    lines = []
    for block in text.split("\n\n"):
        if block.startswith("  "):
            lines += [".PP", ".EX", escaped(block), ".EE"]
        else:
            lines += [".PP", escaped(block)]
    return lines


def named(argument):
    """An option's names and its value."""
    names = [("--" if n["kind"] == "long" else "-") + n["name"] for n in argument["names"]]
    text = ", ".join(f"\\fB{escaped(name)}\\fR" for name in names)
    if argument["kind"] == "option":
        text += f" \\fI{escaped(argument['valueName'])}\\fR"
    return text


def arguments(command):
    sections = {}
    for argument in command.get("arguments", []):
        if not argument["shouldDisplay"]:
            continue
        if argument["kind"] == "positional":
            title, name = "Arguments", f"\\fI{escaped(argument['valueName'])}\\fR"
        else:
            title, name = argument.get("sectionTitle", "General"), named(argument)
        text = escaped(argument.get("abstract") or "(See the description.)")
        sections.setdefault(title, []).extend([".TP", name, text])
    return [line for title, lines in sections.items() for line in [f'.SS "{escaped(title)}"', *lines]]


def synopsis(name, command):
    parts = [f"\\fB{escaped(name)}\\fR"]
    if any(a["kind"] != "positional" for a in command.get("arguments", [])):
        parts.append("[\\fIoptions\\fR]")
    for argument in command.get("arguments", []):
        if argument["kind"] == "positional" and argument["shouldDisplay"]:
            text = f"\\fI{escaped(argument['valueName'])}\\fR" + (" ..." if argument["isRepeating"] else "")
            parts.append(f"[{text}]" if argument["isOptional"] else text)
    return " ".join(parts)


def described(pairs):
    lines = []
    for name, text in pairs:
        lines += [".TP", f"\\fB{escaped(name)}\\fR", escaped(text)]
    return lines


def page(name, command, others, version, date):
    title = name.upper()
    lines = [
        f'.TH "{escaped(title)}" 1 "{date}" "{PROGRAM} {version}" "User Commands"',
        ".SH NAME",
        f"{escaped(name)} \\- {escaped(command['abstract'].rstrip('.'))}",
        ".SH SYNOPSIS",
        synopsis(PROGRAM if others else f"{PROGRAM} {command['commandName']}", command),
    ]
    if others:
        lines += [".br", f"\\fB{escaped(name)}\\fR \\fIcommand\\fR ..."]
    lines.append(".SH DESCRIPTION")
    lines += paragraphs(command["discussion"]) if command.get("discussion") else [escaped(command["abstract"])]
    if others:
        lines += [".SH COMMANDS"]
        lines += described((f"{PROGRAM} {o['commandName']}", o["abstract"]) for o in others)
    lines += [".SH OPTIONS", *arguments(command)]
    if others:
        lines += [".SH EXIT STATUS", *described(exit_status()), ".SH FILES", *described(FILES)]
    pages = [f"{PROGRAM}-{o['commandName']}" for o in others] if others else [PROGRAM]
    lines += [".SH SEE ALSO", ",\n".join(f"\\fB{escaped(p)}\\fR(1)" for p in pages)]
    return "\n".join(lines) + "\n"


def main():
    if len(sys.argv) != 4:
        sys.exit("usage: detect-batch --experimental-dump-help | manual.py VERSION DATE FOLDER")
    version, date, folder = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    commands = [c for c in json.load(sys.stdin)["command"]["subcommands"] if c["commandName"] != "help"]
    others = [c for c in commands if c["commandName"] != DEFAULT]
    folder.mkdir(parents=True, exist_ok=True)
    for command in commands:
        is_default = command["commandName"] == DEFAULT
        name = PROGRAM if is_default else f"{PROGRAM}-{command['commandName']}"
        text = page(name, command, others if is_default else [], version, date)
        (folder / f"{name}.1").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
