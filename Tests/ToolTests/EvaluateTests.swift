import Foundation
import SystemPackage
import TestSupport
import Testing

/// `detect-batch evaluate` over the samples, whose boxes are those of the script that drew them.
struct EvaluateTests {
  private static let annotations = """
    {"images": [{"id": 1, "file_name": "parcel.jpg", "width": 960, "height": 720},
                {"id": 2, "file_name": "phone.jpg"}, {"id": 3, "file_name": "no-code.jpg"}],
     "categories": [{"id": 10, "name": "qr_code"}, {"id": 20, "name": "barcode"}, {"id": 30, "name": "bicycle"}],
     "annotations": [
       {"id": 1, "image_id": 1, "category_id": 10, "bbox": [599, 294, 144, 147], "area": 21168, "iscrowd": 0},
       {"id": 2, "image_id": 1, "category_id": 20, "bbox": [215, 309, 311, 98], "area": 30478, "iscrowd": 0}]}
    """
  private static let images = Tool.samples.appending("images")

  /// What `--json` prints.
  private struct Report: Decodable {
    var images: Int
    var objects: Int
    var detections: Int
    var metrics: [String: Double?]
    var classes: [Class]
    var remarks: [String]

    struct Class: Decodable {
      var id: Int
      var name: String
      var ap50: Double?

      enum CodingKeys: String, CodingKey {
        case id, name
        case ap50 = "AP50"
      }
    }

    init(_ outcome: ToolOutcome) throws {
      self = try JSONDecoder().decode(Report.self, from: Data(outcome.output))
    }
  }

  private func workspace() throws -> Workspace {
    let workspace = try Workspace()
    try workspace.write("ann.json", Self.annotations)
    return workspace
  }

  @Test func recordsAndAModelGiveTheSameNumbers() throws {
    let workspace = try workspace()
    let paths = ["parcel", "phone", "no-code"].map { Self.images.appending("\($0).jpg") }
    let run = try Tool.run(
      paths + ["--root", Self.images, "--score-threshold", "0.05", "-o", "found"], in: workspace)
    #expect(run.status == 0, "\(run.messages)")
    let outcomes = try [
      ["found"], ["--images", Self.images.string, "--model", "codes", "--workers", "2"],
    ].map {
      try Tool.run(["evaluate", "--annotations", "ann.json", "--json"] + $0, in: workspace)
    }
    let reports = try outcomes.map(Report.init)
    for report in reports {
      #expect(report.images == 3 && report.objects == 2 && report.detections > 3)
      #expect(report.classes.map(\.id) == [10, 20, 30])
      #expect(report.classes.map(\.name) == ["qr_code", "barcode", "bicycle"])
      #expect(report.classes[0].ap50 ?? 0 > 0.9)
      #expect(report.classes[1].ap50 ?? 0 > 0.9)
      #expect(report.classes[2].ap50 == nil)
      #expect(report.metrics.count == 12)
      #expect(report.metrics["APsmall"] == .some(nil))
    }
    #expect(reports[0].detections == reports[1].detections)
    for (name, value) in reports[0].metrics {
      // Records are rounded, to 0.01 pixels and 0.0001 of a score.
      let other = reports[1].metrics[name] ?? nil
      #expect(abs((value ?? -1) - (other ?? -1)) < 0.02, "\(name)")
    }
    #expect(outcomes[0].messages.contains("labels that are no categories"))
    #expect(
      outcomes[1].messages.contains("does not know, and whose objects count as missed: bicycle"))
  }

  @Test func aFolderInPascalVOCsFormIsMeasured() throws {
    let workspace = try Workspace()
    try workspace.write("voc/ImageSets/Main/test.txt", "parcel\n")
    try workspace.write(
      "voc/JPEGImages/parcel.jpg", Bytes.of(Self.images.appending("parcel.jpg")))
    try workspace.write(
      "voc/Annotations/parcel.xml",
      """
      <annotation><filename>parcel.jpg</filename>
      <size><width>960</width><height>720</height><depth>3</depth></size>
      <object><name>barcode</name><bndbox><xmin>215</xmin><ymin>309</ymin><xmax>526</xmax>
      <ymax>407</ymax></bndbox></object></annotation>
      """)
    let outcome = try Tool.run(
      [
        "evaluate", "--annotations", "voc", "--split", "test", "--images", "voc", "--model",
        "codes", "--json",
      ], in: workspace)
    #expect(outcome.status == 0, "\(outcome.messages)")
    let report = try Report(outcome)
    #expect(report.images == 1 && report.objects == 1)
    #expect(report.classes.map(\.name) == ["barcode"] && report.classes[0].ap50 ?? 0 > 0.5)
    let missing = try Tool.run(
      ["evaluate", "--annotations", "voc", "--split", "val", "--images", "voc"], in: workspace)
    #expect(missing.status == 65 || missing.status == 66, "\(missing.messages)")
    #expect(missing.messages.contains("voc/ImageSets/Main/val.txt"))
  }

  @Test func printsTablesAndDrawsCurves() throws {
    let workspace = try workspace()
    try workspace.write(
      "r.json",
      #"[{"image_id": 1, "category_id": 10, "bbox": [599, 294, 144, 147], "score": 0.05}]"#)
    let outcome = try Tool.run(
      ["evaluate", "--annotations", "ann.json", "--results", "r.json", "--curves", "c.svg"],
      in: workspace)
    #expect(outcome.status == 0 && outcome.messages.isEmpty, "\(outcome.messages)")
    let lines = outcome.text.split(separator: "\n")
    #expect(lines.count == 12 + 4)
    #expect(
      lines[0]
        == " Average Precision  (AP) @[ IoU=0.50:0.95 | area=   all | maxDets=100 ] = 0.500")
    #expect(lines[13].hasPrefix(" qr_code        1           1  1.000"))
    #expect(String(decoding: try workspace.read("c.svg"), as: UTF8.self).hasPrefix("<svg "))
    let split = try Tool.run(
      ["evaluate", "--annotations", "ann.json", "--results", "r.json", "--split", "val"],
      in: workspace)
    #expect(
      split.status == 64 && split.messages.contains("--split goes with Pascal VOC's form"),
      "\(split.messages)")
    let nowhere = try Tool.run(
      ["evaluate", "--annotations", "gone.json", "--results", "r.json", "--curves", "no/c.svg"],
      in: workspace)
    #expect(
      nowhere.status == 73
        && nowhere.messages == "detect-batch: error: no/c.svg: there is no directory no\n")
    // What cannot be written does not take along what was found out.
    try workspace.write(
      "m.safetensors", Bytes.of(Tool.samples.appending("models/codes.safetensors")))
    try workspace.write("none.json", "[]")
    let useless = try Tool.run(
      [
        "evaluate", "--annotations", "ann.json", "--results", "none.json", "--write-thresholds",
        "m.safetensors",
      ], in: workspace)
    #expect(useless.status == 65 && useless.text.contains("= 0.000"), "\(useless.messages)")
  }

  @Test func writesThresholdsIntoAModelFile() throws {
    let workspace = try workspace()
    let original = try Bytes.of(Tool.samples.appending("models/codes.safetensors"))
    try workspace.write("m.safetensors", original)
    try workspace.write(
      "r.json",
      #"""
      [{"image_id": 1, "category_id": 10, "bbox": [599, 294, 144, 147], "score": 0.8},
       {"image_id": 2, "category_id": 10, "bbox": [1, 2, 30, 30], "score": 0.06}]
      """#)
    let outcome = try Tool.run(
      [
        "evaluate", "--annotations", "ann.json", "--results", "r.json", "--write-thresholds",
        "m.safetensors",
      ], in: workspace)
    #expect(outcome.messages == "detect-batch: m.safetensors: thresholds qr_code 0.43\n")
    let inspection = try Tool.run(["inspect", "m.safetensors", "--json"], in: workspace)
    // Those of the file's other classes stay.
    #expect(
      inspection.text.contains(
        #""classThresholds": {"aztec": 0.479, "barcode": 0.491, "data_matrix": 0.43, "pdf417": 0.456, "qr_code": 0.43}"#
      ))
    // The weights' bytes, in the same storage, are the file's end.
    let sameEnd =
      try workspace.read("m.safetensors").suffix(6_000_000) == original.suffix(6_000_000)
    #expect(sameEnd)
  }

  @Test func refusesWhatItCannotMeasure() throws {
    let workspace = try workspace()
    try workspace.write(
      "r.json", #"[{"image_id": 9, "category_id": 10, "bbox": [1, 2, 3, 4], "score": 1}]"#)
    try workspace.write(
      "other.json", #"{"images": [], "categories": [{"id": 1, "name": "cat"}], "annotations": []}"#)
    let root = workspace.path
    for (arguments, status, message) in [
      (
        ["ann.json"], 64,
        "name what was found: records, --results or --images, one of them (see detect-batch evaluate --help)"
      ),
      (
        ["ann.json", "found", "--workers", "2"], 64,
        "--model, --score-threshold, --precision and --workers go with --images (see detect-batch evaluate --help)"
      ),
      (["none.json", "found"], 66, "none.json: does not exist"),
      (["ann.json", "found"], 66, "found: does not exist"),
      (
        ["ann.json", "--results", "r.json"], 65,
        "r.json: [0]: image_id 9 is not an image of the annotations: are these results of another data set?"
      ),
      (
        ["ann.json", "--images", root.string], 66,
        "\(root)/parcel.jpg does not exist (3 of 3 images that the annotations name are missing): is --images right?"
      ),
      (
        ["other.json", "--images", root.string], 65,
        "no label of the records is a category of the annotations: the records say "
          + #""qr_code", "data_matrix", "aztec", "pdf417", "barcode", the annotations "cat""#
      ),
    ] {
      let outcome = try Tool.run(["evaluate", "--annotations"] + arguments, in: workspace)
      #expect(outcome.messages == "detect-batch: error: \(message)\n")
      #expect(outcome.status == Int32(status))
      #expect(outcome.output.isEmpty)
    }
  }

  /// A picture that is cut short is measured by what could be decoded of it, from records and from a model alike.
  @Test(.enabled(if: TestData.path("cases/cut") != nil)) func aTornImageIsARemark() throws {
    let workspace = try Workspace()
    let cases = FilePath(try #require(TestData.path("cases/cut")))
    try workspace.write("ann.json", Bytes.of(cases.appending("photos.json")))
    for name in ["cut.jpg", "good.jpg"] {
      try workspace.write("photos/\(name)", Bytes.of(cases.appending("photos/\(name)")))
    }
    _ = try Tool.run(["photos", "--score-threshold", "0.05", "-o", "found"], in: workspace)
    let reports = try [["found"], ["--images", "photos"]].map { source in
      let outcome = try Tool.run(
        ["evaluate", "--annotations", "ann.json", "--json"] + source, in: workspace)
      #expect(outcome.status == 0, "\(outcome.messages)")
      return try Report(outcome)
    }
    for report in reports {
      #expect(
        report.remarks.contains {
          $0.hasPrefix("1 images are damaged or cut short (first: cut.jpg): ")
        }, "\(report.remarks)")
      #expect(report.images == 2 && report.classes[0].ap50 ?? 0 > 0.9)
    }
  }

  /// Annotations that were made of a picture as it is stored, not as it is shown.
  @Test func aTurnedImageIsARemark() throws {
    let workspace = try Workspace()
    try workspace.write("images/phone.jpg", try Bytes.of(Self.images.appending("phone.jpg")))
    // It is stored 800x640, and shown 640x800.
    try workspace.write(
      "ann.json",
      """
      {"images": [{"id": 1, "file_name": "phone.jpg", "width": 800, "height": 640}],
       "categories": [{"id": 10, "name": "pdf417"}],
       "annotations": [{"id": 1, "image_id": 1, "category_id": 10, "bbox": [1, 2, 30, 40], "area": 1200}]}
      """)
    _ = try Tool.run(["images", "--score-threshold", "0.05", "-o", "found"], in: workspace)
    for source in [["found"], ["--images", "images"]] {
      let outcome = try Tool.run(
        ["evaluate", "--annotations", "ann.json", "--json"] + source, in: workspace)
      #expect(
        try Report(outcome).remarks.contains(
          "1 images are not as large as the annotations say (first: phone.jpg): were they annotated before they were "
            + "turned or scaled?"), "\(source): \(outcome.messages)")
    }
  }

  @Test func anUndecodableImageIsARemark() throws {
    let workspace = try workspace()
    for name in ["parcel.jpg", "no-code.jpg"] {
      try workspace.write("images/\(name)", try Bytes.of(Self.images.appending(name)))
    }
    try workspace.write("images/phone.jpg", "not a picture")
    let outcome = try Tool.run(
      ["evaluate", "--annotations", "ann.json", "--images", "images", "--json"], in: workspace)
    #expect(outcome.status == 0)
    let remark = try #require(try Report(outcome).remarks.last)
    #expect(remark.hasPrefix("1 images cannot be decoded (first: phone.jpg: "))
    #expect(remark.hasSuffix("): their objects count as missed"))
  }
}
