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

  /// The bundled model with other numbers in some tensors: all of them, or the first only.
  private func write(
    _ name: String, firstOnly: Bool = false, in workspace: Workspace,
    _ value: (String) -> Float?
  ) throws {
    var bytes = try Bytes.of(Tool.samples.appending("models/codes.safetensors"))
    let length = bytes[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
    let header = try JSONSerialization.jsonObject(with: Data(bytes[8..<8 + length]))
    for (tensor, entry) in try #require(header as? [String: Any]) {
      guard let new = value(tensor), let entry = entry as? [String: Any] else { continue }
      let offsets = try #require(entry["data_offsets"] as? [Int])
      #expect(entry["dtype"] as? String == "F32")
      let numbers = [Float](repeating: new, count: firstOnly ? 1 : (offsets[1] - offsets[0]) / 4)
      let start = 8 + length + offsets[0]
      numbers.withUnsafeBytes {
        bytes.replaceSubrange(start..<start + $0.count, with: $0)
      }
    }
    try workspace.write(name, bytes)
  }

  /// Weights that no network can be run with: whoever reads them names file and tensor.
  @Test func damagedWeightsAreNamed() throws {
    let workspace = try Workspace()
    let tensor = "backbone.body.conv1.weight"
    try write("nan.safetensors", firstOnly: true, in: workspace) { $0 == tensor ? .nan : nil }
    try workspace.write("a.png", Bytes.of(Tool.samples.appending("images/screenshot.png")))
    try workspace.write("truth.json", Self.truth)
    let train = [
      "train", "truth.json", "-o", "run", "--start", "./nan.safetensors", "--batch-size", "1",
      "--sizes", "64", "--epochs", "1",
    ]
    for arguments in [
      ["a.png", "--model", "./nan.safetensors", "-o", "-"],
      ["import", "./nan.safetensors", "-o", "imported.safetensors"],
      ["evaluate", "--annotations", "truth.json", "--images", ".", "--model", "./nan.safetensors"],
      train,
    ] {
      let outcome = try Tool.run(arguments, in: workspace)
      #expect(outcome.status == 65, "\(arguments): \(outcome.messages)")
      #expect(
        outcome.messages.contains(
          "detect-batch: error: ./nan.safetensors: tensor '\(tensor)': holds NaN or infinity"),
        "\(arguments): \(outcome.messages)")
    }
    #expect(!workspace.exists("imported.safetensors"))
  }

  /// Outputs that are not finite are one picture's failure, and of all pictures the model's.
  @Test func outputsThatAreNotFinite() throws {
    let workspace = try Workspace()
    // Without biases, and with black as the mean, a black picture is 0 everywhere.
    try write("huge.safetensors", in: workspace) { name in
      // So large that sums overflow, and not so large that what an algorithm makes of the weights does.
      if name == "head.classification_head.cls_logits.weight" { return 1e37 }
      return name.hasSuffix(".bias") || name.hasSuffix(".running_mean") ? 0 : nil
    }
    let text = String(decoding: try workspace.read("huge.safetensors"), as: UTF8.self)
    #expect(text.contains("0.485, 0.456, 0.406"))
    var bytes = try workspace.read("huge.safetensors")
    let mean = Array("0.485, 0.456, 0.406".utf8)
    let start = try #require(bytes.indices.first { bytes[$0...].starts(with: mean) })
    bytes.replaceSubrange(start..<start + mean.count, with: Array("0.000, 0.000, 0.000".utf8))
    try workspace.write("huge.safetensors", bytes)
    let head = Array("P6 64 64 255\n".utf8)
    try workspace.write("a.ppm", head + [UInt8](repeating: 0, count: 64 * 64 * 3))
    try workspace.write("b.ppm", head + (0..<64 * 64 * 3).map { UInt8($0 % 251) })
    func evaluate(_ names: [String]) throws -> ToolOutcome {
      let images = names.enumerated().map { #"{"id": \#($0 + 1), "file_name": "\#($1)"}"# }
      try workspace.write(
        "truth.json",
        Self.truth.replacing(
          #"{"id": 1, "file_name": "a.png"}"#, with: images.joined(separator: ", ")))
      return try Tool.run(
        [
          "evaluate", "--annotations", "truth.json", "--images", ".", "--model",
          "./huge.safetensors",
        ], in: workspace)
    }
    let one = try evaluate(["a.ppm", "b.ppm"])
    #expect(one.status == 0, "\(one.messages)")
    #expect(
      one.messages.contains(
        "the network's outputs are not finite for 1 images (first: b.ppm): their objects count as missed"
      ),
      "\(one.messages)")
    let all = try evaluate(["b.ppm"])
    #expect(all.status == 65 && all.messages.contains("are not finite"), "\(all.messages)")
  }

  /// What a model file says of itself is data, not something that somebody typed.
  @Test func aDescriptionThatCannotBeUsed() throws {
    let workspace = try Workspace()
    let bytes = try Bytes.of(Tool.samples.appending("models/codes.safetensors"))
    let length = bytes[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
    let header = String(decoding: bytes[8..<8 + length], as: UTF8.self)
    let changed = header.replacing("\\\"nmsThreshold\\\": 0.5", with: "\\\"nmsThreshold\\\": 9.5")
    #expect(changed != header && changed.utf8.count == length)
    try workspace.write("m.safetensors", bytes[..<8] + Array(changed.utf8) + bytes[(8 + length)...])
    try workspace.write("a.png", Bytes.of(Tool.samples.appending("images/screenshot.png")))
    for arguments in [
      ["a.png", "--model", "./m.safetensors", "-o", "-"],
      ["import", "./m.safetensors", "-o", "imported.safetensors"],
    ] {
      let outcome = try Tool.run(arguments, in: workspace)
      #expect(outcome.status == 65, "\(outcome.messages)")
      #expect(
        outcome.messages.contains(
          "error: ./m.safetensors: its description cannot be used: detect-batch.model:"),
        "\(outcome.messages)")
      #expect(outcome.messages.contains("'postprocessing.nmsThreshold' has to be a number from"))
    }
  }

  private static let truth = """
    {"images": [{"id": 1, "file_name": "a.png"}], "categories": [{"id": 1, "name": "qr_code"}],
     "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 10, 40, 40], "area": 1600}]}
    """

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
