import Foundation
import SystemPackage
import TestSupport
import Testing

/// `import`, `inspect` and `evaluate`.
struct ModelCommandTests {
  private static let fixtures = FilePath(TestData.packageRoot.path)
    .appending("Tests/RetinaNetModelTests/Fixtures")

  @Test func aCheckpointBecomesAModelThatDetects() throws {
    let workspace = try Workspace()
    let checkpoint = Self.fixtures.appending("v1-resnet18.pth")
    let configuration = Self.fixtures.appending("v1-resnet18.json")
    let bare = try Tool.run(["import", checkpoint, "-o", "m.safetensors"], in: workspace)
    #expect(bare.status == 65)
    #expect(bare.messages.contains("the weights do not say everything"), "\(bare.messages)")
    #expect(!workspace.exists("m.safetensors"))

    let outcome = try Tool.run(
      ["import", checkpoint, "--config", configuration, "-o", "m.safetensors"], in: workspace)
    #expect(outcome.status == 0, "\(outcome.messages)")
    let facts = try json(Tool.run(["inspect", "--json", "m.safetensors"], in: workspace))
    #expect(facts["kind"] as? String == "model")
    let model = facts["model"] as? [String: Any]
    let architecture = model?["architecture"] as? [String: Any]
    #expect(architecture?["backbone"] as? String == "resnet18")
    #expect((facts["sha256"] as? String)?.count == 64)

    try workspace.write("a.png", Bytes.of(Tool.samples.appending("images/screenshot.png")))
    let run = try Tool.run(["a.png", "--model", "m.safetensors", "-o", "-"], in: workspace)
    #expect(run.status == 0, "\(run.messages)")
    #expect(run.text.contains("\"frame\":0"))
  }

  @Test func halfPrecisionHalvesTheFile() throws {
    let workspace = try Workspace()
    for storage in ["float32", "float16", "bfloat16"] {
      let outcome = try Tool.run(
        [
          "import", Self.fixtures.appending("v1-resnet50.pth"), "--config",
          Self.fixtures.appending("v1-resnet50.json"), "--storage", storage, "-o", storage,
        ], in: workspace)
      #expect(outcome.status == 0, "\(outcome.messages)")
    }
    let sizes = try ["float32", "float16", "bfloat16"].map { Double(try workspace.read($0).count) }
    #expect(sizes[1] < 0.75 * sizes[0] && sizes[2] < 0.75 * sizes[0])
  }

  @Test(arguments: ["nothing.pth", "text.pth", "folder"])
  func whatIsNoModel(name: String) throws {
    let workspace = try Workspace()
    try workspace.write("text.pth", "no pickle")
    try workspace.write("folder/x", "")
    let outcome = try Tool.run(["import", name, "-o", "m.safetensors"], in: workspace)
    #expect(outcome.status == 65)
    #expect(outcome.messageLines.count == 1, "\(outcome.messages)")
    #expect(outcome.messages.hasPrefix("detect-batch: error: \(name): "), "\(outcome.messages)")
    let used = try Tool.run([Tool.samples, "--model", "./\(name)"], in: workspace)
    #expect(used.status == 65, "\(used.messages)")
  }

  @Test func inspectOfMedia() throws {
    let workspace = try Workspace()
    let video = try json(
      Tool.run(
        ["inspect", "--json", "--decode", Tool.samples.appending("videos/conveyor.mp4")],
        in: workspace))
    #expect(video["kind"] as? String == "video" && video["codec"] as? String == "h264")
    #expect(video["frames"] as? Int == 100 && video["lastTime"] as? Double == 3.96)
    let image = try json(
      Tool.run(
        ["inspect", "--json", Tool.samples.appending("images/phone.jpg")], in: workspace))
    #expect(image["kind"] as? String == "image" && image["orientation"] as? Int == 6)
    #expect(image["width"] as? Int == 640 && image["height"] as? Int == 800)

    try workspace.write("text.mp4", "no film")
    let text = try Tool.run(["inspect", "text.mp4"], in: workspace)
    #expect(text.status == 3 && text.messageLines.count == 1)
    #expect(text.messages.hasPrefix("detect-batch: error: text.mp4: "))
    let missing = try Tool.run(["inspect", "missing.mp4"], in: workspace)
    #expect(missing.status == 66 && missing.messageLines.count == 1)
  }

  @Test func inspectOfSeveralFiles() throws {
    let workspace = try Workspace()
    let image = Tool.samples.appending("images/phone.jpg")
    let outcome = try Tool.run(
      ["inspect", "--json", image, "missing.mp4", "codes", Tool.samples], in: workspace)
    #expect(outcome.status == 66)
    let kinds = try outcome.text.split(separator: "\n").map {
      try (JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])?["kind"] as? String
    }
    #expect(kinds == ["image", "model"])
    #expect(outcome.messageLines.count == 2, "\(outcome.messages)")
    #expect(outcome.messages.contains("\(Tool.samples) is a directory: name a file in it"))
    let lines = try Tool.run(["inspect", image, image], in: workspace).text
    #expect(lines.components(separatedBy: "\n\nfile ").count == 2)
    // Names of outputs that are none.
    for arguments in [
      ["import", "codes", "-o", "-"],
      ["evaluate", "--annotations", "a.json", "out", "--curves", "-"],
    ] {
      let refused = try Tool.run(arguments, in: workspace)
      #expect(refused.status == 64 && refused.messages.contains("a file called - is ./-"))
    }
    #expect(!workspace.exists("-"))
  }

  @Test func evaluationOfRecords() throws {
    let workspace = try Workspace()
    try workspace.write(
      "truth.json",
      """
      {"images": [{"id": 1, "file_name": "a.png", "width": 100, "height": 100}],
       "categories": [{"id": 1, "name": "qr_code"}, {"id": 2, "name": "barcode"}],
       "annotations": [
         {"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 10, 40, 40], "area": 1600, "iscrowd": 0},
         {"id": 2, "image_id": 1, "category_id": 2, "bbox": [60, 60, 20, 30], "area": 600, "iscrowd": 0}]}
      """)
    try workspace.write(
      "out/a.png.jsonl",
      #"{"source":"a.png","frame":0,"time":null,"width":100,"height":100,"detections":[{"label":"qr_code","score":0.9000,"box":[10.00,10.00,40.00,40.00]}]}"#
        + "\n")
    let table = try Tool.run(["evaluate", "--annotations", "truth.json", "out"], in: workspace)
    #expect(table.status == 0, "\(table.messages)")
    #expect(table.text.contains("Average Precision  (AP) @[ IoU=0.50:0.95 | area=   all"))
    let numbers = try json(
      Tool.run(
        ["evaluate", "--annotations", "truth.json", "out", "--json", "--curves", "curves.svg"],
        in: workspace))
    let metrics = numbers["metrics"] as? [String: Any]
    for name in ["AP", "AR100"] {
      #expect(abs((metrics?[name] as? Double ?? 0) - 0.5) < 1e-9, "\(name)")
    }
    #expect(metrics?["APlarge"] is NSNull)
    #expect(String(decoding: try workspace.read("curves.svg"), as: UTF8.self).contains("<svg"))

    let missing = try Tool.run(
      ["evaluate", "--annotations", "truth.json", "nowhere"], in: workspace)
    #expect(missing.status == 66)
    try workspace.write("bad.json", "{")
    #expect(
      try Tool.run(["evaluate", "--annotations", "bad.json", "out"], in: workspace).status == 65)
  }

  private func json(_ outcome: ToolOutcome) throws -> [String: Any] {
    #expect(outcome.status == 0, "\(outcome.messages)")
    let object = try JSONSerialization.jsonObject(with: Data(outcome.output))
    return object as? [String: Any] ?? [:]
  }
}
