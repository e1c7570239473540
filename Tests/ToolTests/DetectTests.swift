import Foundation
import FrameDecoding
import SystemPackage
import TestSupport
import Testing

/// The program over its own samples.
struct DetectTests {
  private static let sources = [
    "images/no-code.jpg", "images/parcel.jpg", "images/phone.jpg", "images/screenshot.png",
    "images/shelf.jpg", "images/ticket.jpg", "videos/conveyor.mp4", "videos/packing.mp4",
  ]

  private func records(_ workspace: Workspace, _ source: String, in output: String = "detections")
    throws -> [StrictRecord]
  {
    try StrictRecord.all(workspace.read("\(output)/\(source).jsonl"))
  }

  @Test func aDirectoryGivesOneFilePerInput() throws {
    let workspace = try Workspace()
    let outcome = try Tool.run([Tool.samples], in: workspace)
    #expect(outcome.status == 0, "\(outcome.messages)")
    #expect(outcome.output.isEmpty)
    #expect(workspace.files(below: "detections") == Self.sources.map { "\($0).jsonl" })

    // A QR code and a barcode on a label, where the script that drew them put them.
    let parcel = try records(workspace, "images/parcel.jpg")
    #expect(parcel.count == 1)
    #expect((parcel[0].width, parcel[0].height) == (960, 720))
    #expect(parcel[0].frame == 0 && parcel[0].time == nil)
    let boxes = (parcel[0].detections ?? []).map(\.box)
    #expect(boxes.contains { overlap($0, [599, 294, 144, 147]) > 0.8 })
    #expect(boxes.contains { overlap($0, [215, 309, 311, 98]) > 0.7 })

    #expect(try records(workspace, "images/no-code.jpg").map(\.detections) == [[]])

    // Stored sideways: sizes and boxes are those of the picture as it is looked at.
    let phone = try records(workspace, "images/phone.jpg")[0]
    #expect((phone.width, phone.height) == (640, 800))
    #expect(overlap(phone.detections?.first?.box ?? [0, 0, 0, 0], [86, 400, 460, 89]) > 0.8)

    let video = try records(workspace, "videos/conveyor.mp4")
    #expect(video.map(\.frame) == (0..<100).map(Optional.some))
    for (index, record) in video.enumerated() {
      #expect(abs((record.time ?? -1) - Double(index) / 25) < 1e-6)
    }
    #expect(video[0].detections == [])
    #expect(video.filter { !($0.detections ?? []).isEmpty }.count > 60)

    // Parcels without a code, on rollers. The first version of the model saw nothing in them.
    let packing = try records(workspace, "videos/packing.mp4")
    #expect(packing.count == 50 && packing.count { $0.detections != [] } < 5)
    withKnownIssue("the model takes the rollers for bars in a frame here and there") {
      #expect(packing.allSatisfy { $0.detections == [] })
    }
  }

  /// What `scripts/make-samples.py` drew where, and a limit of overlap that the model's boxes keep with room to spare.
  @Test func theBundledModelFindsAndNamesTheSamplesCodes() throws {
    let workspace = try Workspace()
    let images = Tool.samples.appending("images")
    let outcome = try Tool.run([images, "-o", "."], in: workspace)
    #expect(outcome.status == 0, "\(outcome.messages)")
    let drawn: [(file: String, codes: [(label: String, box: [Double])])] = [
      ("no-code.jpg", []),
      ("parcel.jpg", [("qr_code", [596, 295, 145, 147]), ("barcode", [213, 312, 314, 95])]),
      ("phone.jpg", [("pdf417", [86, 400, 460, 89])]),
      ("screenshot.png", [("qr_code", [103, 133, 154, 154])]),
      ("shelf.jpg", [("barcode", [163, 418, 180, 100]), ("data_matrix", [667, 406, 154, 141])]),
      ("ticket.jpg", [("aztec", [440, 178, 203, 209])]),
    ]
    for (file, codes) in drawn {
      let found = try #require(try records(workspace, file, in: ".").first?.detections)
      #expect(found.count == codes.count, "\(file): \(found)")
      for (label, box) in codes {
        #expect(
          found.contains { $0.label == label && overlap($0.box, box) > 0.7 }, "\(file): \(found)")
      }
    }
  }

  /// A video that repeats frames, made of one that does not.
  @Test func aFrameSeenBeforeIsNotLookedAtAgain() throws {
    let workspace = try Workspace()
    let reader = try MediaReader(path: Tool.samples.appending("videos/conveyor.mp4"))
    var pictures: [[UInt8]] = []
    var size = (width: 0, height: 0)
    while pictures.count < 70, let frame = try reader.nextSourceFrame() {
      size = (frame.picture.width, frame.picture.height)
      pictures.append(frame.picture.bytes)
    }
    func write(_ numbers: [Int], to name: String) throws {
      var file = Array("YUV4MPEG2 W\(size.width) H\(size.height) F25:1 Ip C420mpeg2\n".utf8)
      for number in numbers { file += Array("FRAME\n".utf8) + pictures[number] }
      try workspace.write(name, file)
    }
    try write([50, 50, 60, 60, 60, 50, 69], to: "slides.y4m")
    try write([50, 60, 50, 69], to: "once.y4m")
    func records(_ name: String, _ options: [String] = []) throws -> [StrictRecord] {
      let outcome = try Tool.run([name, "-o", "-"] + options, in: workspace)
      #expect(outcome.status == 0, "\(outcome.messages)")
      return try StrictRecord.all(outcome.output)
    }
    let slides = try records("slides.y4m")
    #expect(slides.map(\.frame) == Array(0..<7))
    #expect(slides.map(\.time) == (0..<7).map { Double($0) / 25 })
    #expect(slides.map(\.same) == [nil, 0, nil, 2, 2, nil, nil])
    let once = try records("once.y4m").map(\.detections)
    #expect(once.contains { $0?.isEmpty == false })
    #expect(slides.map(\.detections) == [0, 0, 1, 1, 1, 2, 3].map { once[$0] })
    #expect(try records("slides.y4m", ["--isolation", "off"]) == slides)
    // All of it is nearer than 255 levels; what counts is the first.
    let still = try records("slides.y4m", ["--still", "255"])
    #expect(still.map(\.same) == [nil, 0, 0, 0, 0, 0, 0])
    #expect(still.allSatisfy { $0.detections == once[0] })
  }

  @Test func theBundledModelNamesMovingCodes() throws {
    let workspace = try Workspace()
    let outcome = try Tool.run(
      [Tool.samples.appending("videos"), "--include", "conveyor.mp4", "--every", "5", "-o", "-"],
      in: workspace)
    #expect(outcome.status == 0, "\(outcome.messages)")
    let frames = try StrictRecord.all(outcome.output).map { $0.detections ?? [] }
    #expect(frames.count == 20 && frames[0].isEmpty)
    for label in ["qr_code", "barcode", "data_matrix"] {
      let count = frames.count { $0.contains { $0.label == label } }
      #expect(count >= 4, "\(label) in \(count) of 20 frames")
    }
    for label in ["aztec", "pdf417"] {
      let count = frames.count { $0.contains { $0.label == label } }
      #expect(count <= 1, "\(label) in \(count) of 20 frames")
    }
  }

  @Test func standardOutputHasTheSameRecordsInOrder() throws {
    let workspace = try Workspace()
    _ = try Tool.run([Tool.samples, "--max-frames", "3"], in: workspace)
    let files = try Self.sources.flatMap { try workspace.read("detections/\($0).jsonl") }
    let outcome = try Tool.run([Tool.samples, "--max-frames", "3", "-o", "-"], in: workspace)
    #expect(outcome.status == 0)
    #expect(outcome.output == files)
    #expect(try StrictRecord.all(outcome.output).count == 12)
  }

  @Test func theSameBytesWhateverTheThreadsAndQueues() throws {
    let workspace = try Workspace()
    let choices = [
      ["--workers", "1"],
      ["--workers", "4", "--batch-size", "1", "--queue-size", "1"],
      ["--workers", "2", "--batch-size", "3", "--decoders", "3"],
    ]
    let outputs = try choices.map {
      try Tool.run([Tool.samples, "-o", "-", "--every", "10"] + $0, in: workspace).output
    }
    #expect(!outputs[0].isEmpty)
    for output in outputs { #expect(output == outputs[0]) }
  }

  @Test func segmentsPutTogetherAreTheWhole() throws {
    let workspace = try Workspace()
    let arguments: [any Argument] = [Tool.samples, "--every", "10", "-o"]
    #expect(try Tool.run(arguments + ["whole"], in: workspace).status == 0)
    for index in 1...3 {
      let run = try Tool.run(arguments + ["parts", "--segment", "\(index)/3"], in: workspace)
      #expect(run.status == 0, "\(run.messages)")
    }
    let merge = try Tool.run(["merge", "parts"], in: workspace)
    #expect(merge.status == 0, "\(merge.messages)")
    #expect(workspace.files(below: "parts") == workspace.files(below: "whole"))
    for file in workspace.files(below: "whole") {
      #expect(try workspace.read("parts/\(file)") == workspace.read("whole/\(file)"), "\(file)")
    }
  }

  @Test func aSecondRunLeavesEverythingAsItIs() throws {
    let workspace = try Workspace()
    let arguments: [any Argument] = [Tool.samples, "--keyframes"]
    let first = try Tool.run(arguments, in: workspace)
    #expect(first.status == 0, "\(first.messages)")
    let path = workspace.file("detections/videos/conveyor.mp4.jsonl").string
    let before = try FileManager.default.attributesOfItem(atPath: path)[.systemFileNumber] as? Int
    let second = try Tool.run(arguments, in: workspace)
    #expect(second.status == 0)
    #expect(second.messages.contains("8 complete"), "\(second.messages)")
    let after = try FileManager.default.attributesOfItem(atPath: path)[.systemFileNumber] as? Int
    #expect(before == after)

    // Other settings make it stale.
    let third = try Tool.run([Tool.samples, "--every", "50"], in: workspace)
    #expect(third.status == 0)
    #expect(try records(workspace, "videos/conveyor.mp4").map(\.frame) == [0, 50])
  }

  @Test func dryRunSaysWhatWouldBeDone() throws {
    let workspace = try Workspace()
    let outcome = try Tool.run([Tool.samples, "--dry-run"], in: workspace)
    #expect(outcome.status == 0)
    let frames = [1, 1, 1, 1, 1, 1, 100, 50]
    #expect(
      outcome.text == zip(Self.sources, frames).map { "detect\t\($0)\tnew\t\($1)\n" }.joined())
    #expect(
      outcome.messages
        == "detect-batch: 8 inputs to do, about 156 frames to look at, 6.0 s of video in all\n")
    #expect(!workspace.exists("detections"))
  }

  @Test func dryRunForMachines() throws {
    let workspace = try Workspace()
    try workspace.write("in/torn.mp4", "no film")
    try workspace.write(
      "in/a.mp4", Bytes.of(Tool.samples.appending("videos/conveyor.mp4")))
    #expect(try Tool.run(["in/torn.mp4", "--root", "in"], in: workspace).status == 3)
    let outcome = try Tool.run(
      ["in", "--dry-run", "--log-format", "json", "--fps", "2"], in: workspace)
    let lines = outcome.text.split(separator: "\n")
    #expect(
      lines.first
        == #"{"action":"detect","source":"a.mp4","reason":"new","frames":8}"#)
    #expect(lines.count == 2, "\(outcome.text)")
    let message = try #require(outcome.messageLines.first)
    let object =
      try JSONSerialization.jsonObject(with: Data(message.utf8)) as? [String: Any] ?? [:]
    #expect(object["frames"] as? Int == 8 && object["videoSeconds"] as? Double == 4)
    // What no container tells is said to be unknown.
    let keyframes = try Tool.run(
      ["in", "--dry-run", "--keyframes", "--include", "a.*"], in: workspace)
    #expect(keyframes.text == "detect\ta.mp4\tnew\t?\n")
  }

  @Test func theEndSaysWhatWasFoundAndWhere() throws {
    let workspace = try Workspace()
    try workspace.write("in/note.xcf", "no picture")
    for name in ["parcel.jpg", "ticket.jpg", "no-code.jpg"] {
      try workspace.write("in/\(name)", Bytes.of(Tool.samples.appending("images/\(name)")))
    }
    let outcome = try Tool.run(["in"], in: workspace)
    #expect(outcome.messages.contains("left out 1 .xcf"), "\(outcome.messages)")
    let found = try #require(outcome.messageLines.first { $0.contains(": found ") })
    #expect(found.contains("1 qr_code in 1 frame") && found.contains("1 barcode in 1 frame"))
    #expect(
      outcome.messages.contains("2 of 3 inputs with detections: parcel.jpg 2, ticket.jpg 1"))
    let machine = try Tool.run(
      ["in", "--log-format", "json", "--overwrite", "always"], in: workspace)
    let summary = try machine.messageLines
      .compactMap {
        try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
      }
      .first { $0["classes"] != nil }
    #expect((summary?["classes"] as? [String: Int])?["qr_code"] == 1)
    #expect(summary?["inputsWithDetections"] as? Int == 2)
    #expect((summary?["leftOut"] as? [String: Int]) == ["xcf": 1])
    #expect(
      (summary?["richestInputs"] as? [[String: Any]])?.first?["source"] as? String == "parcel.jpg")
  }

  @Test func aRangeWithoutFramesIsSaid() throws {
    let workspace = try Workspace()
    let video = Tool.samples.appending("videos/conveyor.mp4")
    let late = try Tool.run(
      [video, "--root", Tool.samples, "--start", "100", "-o", "-"], in: workspace)
    #expect(late.status == 0 && late.output.isEmpty)
    #expect(
      late.messages.contains(
        "videos/conveyor.mp4: no frame of it lies from 100.0 s on: it lasts about 4.0 s"),
      "\(late.messages)")
    let early = try Tool.run(
      [video, "--root", Tool.samples, "--start", "3.9", "-o", "-"], in: workspace)
    #expect(!early.messages.contains("no frame of it") && !early.output.isEmpty)
  }

  /// A code is of one kind: of the same place the bundled model reports the best kind alone, unless it is told otherwise.
  @Test func theBundledModelNamesOneKindForACode() throws {
    let workspace = try Workspace()
    let options = ["--score-threshold", "0.02", "-o", "-"]
    let plain = try Tool.run([Tool.samples.appending("images")] + options, in: workspace)
    let classwise = try Tool.run(
      [Tool.samples.appending("images"), "--no-class-agnostic-nms"] + options, in: workspace)
    func overlaps(_ outcome: ToolOutcome) throws -> Int {
      try StrictRecord.all(outcome.output).reduce(0) { sum, record in
        let boxes = (record.detections ?? []).map(\.box)
        return sum
          + boxes.indices.reduce(0) { count, index in
            count + boxes[..<index].count { overlap($0, boxes[index]) > 0.51 }
          }
      }
    }
    #expect(try overlaps(plain) == 0)
    #expect(try overlaps(classwise) > 0)
  }

  @Test func listsAndPipelinesAndNames() throws {
    let workspace = try Workspace()
    let list = ["images/ticket.jpg", "images/parcel.jpg"]
    try workspace.write("mine.yaml", "class-agnostic-nms: true\nscore-threshold: 0.25\n")
    let outcome = try Tool.run(
      ["--files-from", "-", "--root", Tool.samples, "--pipeline", "mine.yaml", "-o", "-"]
        + ["--model", "codes"],
      in: workspace,
      input: Array(list.map { "\(Tool.samples)/\($0)\n" }.joined().utf8))
    #expect(outcome.status == 0, "\(outcome.messages)")
    let records = try StrictRecord.all(outcome.output)
    #expect(records.map(\.source) == list.map { Array($0.utf8) })
    for record in records {
      let boxes = (record.detections ?? []).map(\.box)
      for (index, box) in boxes.enumerated() {
        for other in boxes[..<index] { #expect(overlap(box, other) < 0.51) }
      }
    }
  }

  @Test func wrongKeyInAPipeline() throws {
    let workspace = try Workspace()
    try workspace.write("mine.yaml", "fps: 2\nthreshold: 0.3\n")
    let outcome = try Tool.run([Tool.samples, "--pipeline", "mine.yaml"], in: workspace)
    #expect(outcome.status == 64)
    #expect(
      outcome.messages.hasPrefix(
        "detect-batch: error: mine.yaml:2: there is no key 'threshold'; "))
    #expect(outcome.messageLines.count == 1)
  }

  @Test func logsForMachines() throws {
    let workspace = try Workspace()
    try workspace.write("in/bad\n.mp4", "nothing of that kind")
    let outcome = try Tool.run(["in", "--log-format", "json", "--verbose"], in: workspace)
    #expect(outcome.status == 3)
    let objects = try outcome.messageLines.map {
      try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] ?? [:]
    }
    #expect(objects.allSatisfy { $0["time"] is String && $0["message"] is String })
    let failure = objects.first { $0["level"] as? String == "error" }
    #expect((failure?["source"] as? String)?.hasPrefix("bad") == true)
    #expect(failure?["failure"] is String)
    #expect(objects.last?["failed"] != nil || objects.contains { $0["failed"] as? Int == 1 })
  }

  private func overlap(_ a: [Double], _ b: [Double]) -> Double {
    let width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    let height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    let shared = max(0, width) * max(0, height)
    return shared / (a[2] * a[3] + b[2] * b[3] - shared)
  }
}

extension Workspace {
  /// Names of the files below a directory but for its state, sorted.
  func files(below directory: String) -> [String] {
    let all = FileManager.default.enumerator(atPath: file(directory).string)?.allObjects ?? []
    return all.compactMap { $0 as? String }
      .filter { !$0.hasPrefix(".detect-batch") && $0.hasSuffix(".jsonl") }.sorted()
  }
}
