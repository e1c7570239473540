"""pycocotools' answers, and seeded cases that are hard to count right: annotations and results as COCO has them."""

import contextlib
import io
import json
import random
import warnings

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

METRICS = ["AP", "AP50", "AP75", "APsmall", "APmedium", "APlarge",
           "AR1", "AR10", "AR100", "ARsmall", "ARmedium", "ARlarge"]


def evaluate(annotations_path, results_path, results):
    """The twelve numbers, by category id the twelve of each category (-1 where nothing counts), the printed lines."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        truth = COCO(annotations_path)
        # loadRes stops on an empty list; an empty set of detections is what it means.
        found = truth.loadRes(results_path) if results else COCO()
        if not results:
            found.dataset = {"images": [], "categories": [], "annotations": []}
            found.createIndex()
        evaluation = COCOeval(truth, found, "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    precision, recall = evaluation.eval["precision"], evaluation.eval["recall"]

    def mean(values):
        values = values[values > -1]
        return float(values.mean()) if values.size else -1.0

    classes = {}
    for k, category in enumerate(evaluation.params.catIds):
        p, r = precision[:, :, k], recall[:, k]
        classes[int(category)] = (
            [mean(p[:, :, 0, 2]), mean(p[0, :, 0, 2]), mean(p[5, :, 0, 2])]
            + [mean(p[:, :, area, 2]) for area in (1, 2, 3)]
            + [mean(r[:, 0, limit]) for limit in (0, 1, 2)]
            + [mean(r[:, area, 2]) for area in (1, 2, 3)])
    return [float(x) for x in evaluation.stats], classes, printed.getvalue().splitlines()[-12:]


class CaseMaker:
    """Makes one case from a seed. `kind` picks what is hard about it; see KINDS."""

    def __init__(self, seed, kind):
        self.random = random.Random(f"{kind} {seed}")
        self.kind = kind
        self.images, self.categories, self.objects, self.results = [], [], [], []

    def number(self, low, high):
        """A coordinate: whole, half or any."""
        value = self.random.uniform(low, high)
        return self.random.choice([float(int(value)), int(value), round(value * 2) / 2, value])

    def box(self, extent=200):
        limit = self.random.choice([20, 60, 150, extent])
        return [self.number(0, extent), self.number(0, extent), self.number(1, limit), self.number(1, limit)]

    def near(self, box):
        """A box that overlaps another, often by exactly one of the thresholds."""
        x, y, w, h = box
        choice = self.random.randrange(5)
        if choice == 0:
            return list(box)
        if choice == 1:
            return [x, y, w * self.random.choice([0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95]), h]
        if choice == 2:
            return [x, y, w, h * self.random.randrange(1, 21) / 10]
        return [x + self.random.gauss(0, w / 8), y + self.random.gauss(0, h / 8),
                w * self.random.uniform(0.7, 1.3), h * self.random.uniform(0.7, 1.3)]

    def score(self):
        return self.random.choice([self.random.random(), round(self.random.random(), 1), 0.5, 1])

    def add_object(self, image, category, box=None, **fields):
        box = box or self.box()
        entry = {"id": len(self.objects) + 1, "image_id": image, "category_id": category, "bbox": box,
                 "area": self.random.choice([box[2] * box[3], box[2] * box[3] * 0.6]), "iscrowd": 0}
        entry.update(fields)
        self.objects.append(entry)

    def add_result(self, image, category, box=None, score=None):
        self.results.append({"image_id": image, "category_id": category, "bbox": box or self.box(),
                             "score": self.score() if score is None else score})

    def plain(self, images=None, categories=None, objects=12, results=30):
        """Random objects, detections most of which are near one of them."""
        r = self.random
        image_ids = r.sample(range(1, 60), images or r.randrange(1, 7))
        category_ids = r.sample(range(1, 95), categories or r.randrange(1, 5))
        self.images = [{"id": i, "file_name": f"{i}.jpg", "width": 400, "height": 400} for i in image_ids]
        self.categories = [{"id": c, "name": f"class {c}"} for c in category_ids]
        for _ in range(r.randrange(objects + 1)):
            self.add_object(r.choice(image_ids), r.choice(category_ids))
        for _ in range(r.randrange(results + 1)):
            if self.objects and r.random() < 0.7:
                goal = r.choice(self.objects)
                category = goal["category_id"] if r.random() < 0.8 else r.choice(category_ids)
                self.add_result(goal["image_id"], category, self.near(goal["bbox"]))
            else:
                self.add_result(r.choice(image_ids), r.choice(category_ids))
        r.shuffle(self.images)
        r.shuffle(self.results)

    def crowds(self):
        self.plain(objects=15, results=60)
        for entry in self.objects:
            if self.random.random() < 0.4:
                entry["iscrowd"] = self.random.choice([1, 1, True, 2])
                entry["bbox"][2:] = [self.number(50, 300), self.number(50, 300)]
                entry["area"] = entry["bbox"][2] * entry["bbox"][3] * 0.5
            elif self.random.random() < 0.3:
                entry["iscrowd"] = False
            if self.random.random() < 0.2:
                entry["ignore"] = self.random.randrange(2)

    def areas(self):
        self.plain(objects=20, results=50)
        edges = [0, 0.0, 1, 1023.999, 1024, 1024.001, 9215, 9216, 9216.5, 1e10, 1.1e10, -5]
        for entry in self.objects:
            if self.random.random() < 0.7:
                entry["area"] = self.random.choice(edges)
        for entry in self.results:
            side = self.random.choice([32, 96, 32.0, 96.5, 31, 1e5, 2e5])
            if self.random.random() < 0.3:
                entry["bbox"] = entry["bbox"][:2] + [side, side]

    def ties(self):
        self.plain(images=self.random.randrange(1, 4), categories=self.random.randrange(1, 3), objects=15, results=80)
        levels = self.random.randrange(1, 4)
        for entry in self.results:
            entry["score"] = self.random.randrange(levels) / 4
        for entry in self.objects:
            if self.random.random() < 0.4:
                entry["bbox"] = list(self.random.choice(self.objects)["bbox"])
        for entry in self.results:
            if self.objects and self.random.random() < 0.4:
                entry["bbox"] = list(self.random.choice(self.objects)["bbox"])

    def thresholds(self):
        """One object per image and one detection that overlaps it by a whole number of hundredths."""
        count = self.random.randrange(2, 12)
        self.images = [{"id": i, "file_name": f"{i}.jpg"} for i in range(count)]
        self.categories = [{"id": 1, "name": "a"}]
        for image in range(count):
            part = self.random.choice([50, 55, 60, 65, 70, 75, 80, 85, 90, 95, 100, 49, 51])
            scale = self.random.choice([1, 0.1, 1 / 3, 7])
            self.add_object(image, 1, [10, 10, 100 * scale, 10 * scale])
            self.add_result(image, 1, [10, 10, part * scale, 10 * scale])

    def identifiers(self):
        self.plain(objects=15, results=40)
        r = self.random
        choice = r.randrange(6)
        if choice == 0:
            for index, entry in enumerate(self.objects):
                entry["id"] = index
        elif choice == 1:
            for entry in self.objects:
                entry["id"] = r.randrange(-2, 6)
        elif choice == 2:
            for entry in self.objects:
                entry["id"] = r.choice([1, -1]) * r.randrange(2**53, 2**62)
        elif choice == 3 and self.images:
            self.images.append(dict(r.choice(self.images)))
            self.categories.append({"id": r.choice(self.categories)["id"], "name": "again"})
        elif choice == 4:
            for entry in self.objects + self.results:
                entry["image_id"] = float(entry["image_id"])
        r.shuffle(self.objects)
        if choice == 5:
            r.shuffle(self.categories)
            for entry in self.images:
                entry["id"] += 2**40
            for entry in self.objects + self.results:
                entry["image_id"] += 2**40

    def strangers(self):
        """Categories and images that are missing on one side."""
        self.plain(objects=15, results=40)
        r = self.random
        for entry in self.objects:
            if r.random() < 0.2:
                entry["category_id"] = 99
            if r.random() < 0.2:
                entry["image_id"] = 77
        for entry in self.results:
            if r.random() < 0.2:
                entry["category_id"] = r.choice([98, 99])
        if r.random() < 0.5:
            self.categories.append({"id": 97, "name": "never seen"})
        if r.random() < 0.3:
            unwanted = r.choice(self.categories)["id"]
            self.objects = [x for x in self.objects if x["category_id"] != unwanted]
        if r.random() < 0.15:
            self.objects = []
        if r.random() < 0.15:
            self.results = []
        if r.random() < 0.1:
            self.categories = []
        if r.random() < 0.05:
            self.images, self.results = [], []

    def many(self):
        """More than 100 detections of one image and category, equal scores across the hundredth."""
        self.plain(images=2, categories=self.random.randrange(1, 3), objects=40, results=0)
        self.categories = self.categories[:2]
        for _ in range(self.random.randrange(90, 450)):
            goal = self.random.choice(self.objects) if self.objects else None
            image = goal["image_id"] if goal else self.images[0]["id"]
            category = goal["category_id"] if goal else self.categories[0]["id"]
            self.add_result(image, category, self.near(goal["bbox"]) if goal else None,
                            self.random.choice([self.random.random(), 0.25, 0.5]))

    def degenerate(self):
        """Boxes without area, turned inside out, too small or too large for their products."""
        self.plain(objects=15, results=40)
        odd = [0, 0.0, -1, -20.5, 1e-170, 1e-320, 1e160, 1e200, 5e-324, 1e-10]
        for entry in self.objects + self.results:
            if self.random.random() < 0.4:
                side = self.random.choice(odd)
                entry["bbox"] = entry["bbox"][:2] + self.random.choice(
                    [[side, side], [side, 10], [10, side], [side, self.random.choice(odd)]])
                if self.random.random() < 0.5:
                    entry["bbox"][:2] = [0, 0]
            if self.random.random() < 0.2 and self.objects:
                entry["bbox"] = list(self.random.choice(self.objects)["bbox"])
        for entry in self.objects:
            if self.random.random() < 0.3:
                entry["area"] = self.random.choice([0, 500.0, 1e300])
        for entry in list(self.objects):
            if self.random.random() < 0.3:  # the product of the sides is 0, so that the overlap is 0 / 0
                entry["bbox"] = [0, 0, 1e-170, self.random.choice([1e-170, 2e-170])]
                self.add_result(entry["image_id"], entry["category_id"], list(entry["bbox"]))

    def scores(self):
        """Scores that are no probabilities."""
        self.plain(objects=15, results=60)
        for entry in self.results:
            entry["score"] = self.random.choice([0, -0.0, 1, 2, -3, 1e-300, 1e300, 5e-324, 0.1, 0.1 + 2**-56, 100])

    def foreign_image(self):
        """Detections of an image that is not listed: pycocotools stops."""
        self.plain()
        self.add_result(1000, 1)
        self.random.shuffle(self.results)

    def case(self):
        getattr(self, self.kind)()
        return ({"images": self.images, "categories": self.categories, "annotations": self.objects}, self.results)


KINDS = ["plain", "crowds", "areas", "ties", "thresholds", "identifiers", "strangers", "many", "degenerate", "scores",
         "foreign_image"]


def write_json(path, value):
    """Writes a file that both sides read."""
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file, allow_nan=False)
