#!/usr/bin/env python3
"""Writes Tests/EvaluationTests/Fixtures/cases.jsonl: pycocotools' numbers for small hard cases.

Needs pycocotools. The cases are those of scripts/check-coco-evaluation, a few of each kind. Three lines each: the expected numbers,
the annotations file, the results file.
"""
import json
import pathlib
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "parity"))
import coco_reference as reference  # noqa: E402

OUT = HERE.parent / "Tests/EvaluationTests/Fixtures/cases.jsonl"
PER_KIND = 3
MORE = {"identifiers": 12, "degenerate": 5}  # what is rare in these needs more cases to be seen


def main():
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        paths = [pathlib.Path(folder) / name for name in ("annotations.json", "results.json")]
        for kind in reference.KINDS:
            if kind in ("foreign_image", "many"):
                continue  # an error has no numbers; hundreds of boxes are left to the script
            for seed in range(MORE.get(kind, PER_KIND)):
                annotations, results = reference.CaseMaker(seed, kind).case()
                for path, value in zip(paths, (annotations, results)):
                    reference.write_json(path, value)
                total, classes, printed = reference.evaluate(str(paths[0]), str(paths[1]), results)
                expected = {"name": f"{kind} {seed}", "total": total,
                            "classes": {str(id): numbers for id, numbers in classes.items()},
                            "printed": printed if kind in ("plain", "strangers") else None}
                lines += [json.dumps(x, separators=(",", ":")) for x in (expected, annotations, results)]
    OUT.write_text("\n".join(lines) + "\n")
    print(f"{OUT}: {len(lines) // 3} cases, {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
