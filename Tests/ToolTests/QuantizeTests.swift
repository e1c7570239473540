import Foundation
import Glibc
import SystemPackage
import TestSupport
import Testing

@testable import BoxGeometry
@testable import RetinaNetModel
@testable import detect_batch

/// `detect-batch quantize` with the real program, on the samples.
struct QuantizeTests {
  private static let images = Tool.samples.appending("images")

  private func quantize(_ arguments: [any Argument], in workspace: Workspace) throws -> ToolOutcome
  {
    try Tool.run(["quantize", "codes"] + arguments, in: workspace)
  }

  @Test func theSamePicturesGiveTheSameFileWhateverTheWorkers() throws {
    let workspace = try Workspace()
    for (name, workers) in [("a", "1"), ("b", "2")] {
      let outcome = try quantize(
        [
          "--images", Self.images, Tool.samples.appending("videos"), "--pictures", "9", "--workers",
          workers, "-o", "\(name).safetensors",
        ], in: workspace)
      #expect(outcome.status == 0, "\(outcome.messages)")
      #expect(outcome.messages.contains("calibrated on 9 pictures"), "\(outcome.messages)")
      #expect(outcome.messages.contains("that were not calibrated on"), "\(outcome.messages)")
    }
    let file = try workspace.read("a.safetensors")
    #expect(try workspace.read("b.safetensors") == file)
    let model = try DetectionModel(contentsOf: workspace.file("a.safetensors"))
    let quantization = try #require(model.description.quantization)
    #expect(quantization.pictures == 9)
    #expect(!quantization.arithmetic.convolutions.isEmpty)
    // Without correction, for shared heads, each level has a range of its own.
    let level = "head.classification_head.conv.0.1"
    let ranges = ["", "#2", "#3", "#4", "#5"].map { quantization.arithmetic.values[level + $0] }
    #expect(!ranges.contains(nil) && Set(ranges.map { $0?.high }).count > 1)

    // Fewer pictures are others.
    let fewer = try quantize(
      ["--images", Self.images, "--pictures", "3", "-o", "c.safetensors"], in: workspace)
    #expect(fewer.status == 0, "\(fewer.messages)")
    let other = try DetectionModel(contentsOf: workspace.file("c.safetensors"))
    #expect(other.description.quantization?.picturesDigest != quantization.picturesDigest)
  }

  @Test func whatItFindsIsComparedOnAnnotatedPicturesThatAreNotCalibratedOn() throws {
    let workspace = try Workspace()
    for name in ["parcel", "phone", "shelf", "ticket", "no-code"] {
      try workspace.write(
        "photos/\(name).jpg", Bytes.of(Self.images.appending("\(name).jpg")))
    }
    try workspace.write(
      "ann.json",
      """
      {"images": [{"id": 1, "file_name": "parcel.jpg"}],
       "categories": [{"id": 10, "name": "qr_code"}, {"id": 20, "name": "barcode"}],
       "annotations": [
         {"id": 1, "image_id": 1, "category_id": 10, "bbox": [599, 294, 144, 147], "area": 21168, "iscrowd": 0},
         {"id": 2, "image_id": 1, "category_id": 20, "bbox": [215, 309, 311, 98], "area": 30478, "iscrowd": 0}]}
      """)
    let outcome = try quantize(
      ["--images", "photos", "--annotations", "ann.json"], in: workspace)
    #expect(outcome.status == 0, "\(outcome.messages)")
    #expect(outcome.messages.contains("calibrated on 4 pictures"), "\(outcome.messages)")
    #expect(
      outcome.messages.contains("AP on 1 annotated picture, none of them calibrated on: "),
      "\(outcome.messages)")
    #expect(workspace.exists("codes-int8.safetensors"))
    let again = try Tool.run(
      ["quantize", "./codes-int8.safetensors", "--images", "photos"], in: workspace)
    #expect(again.status == 65 && again.messages.contains("computes in 8 bits already"))
  }

  /// While it calibrates and while it writes: the file is whole or not there, and nothing else is.
  @Test func anInterruptLeavesNoHalfFile() throws {
    for isWriting in [false, true, true, true] {
      let workspace = try Workspace()
      let run = try Tool.start(
        Tool.program,
        ["quantize", "codes", "--images", Self.images, "--pictures", "2", "-o", "new.safetensors"],
        in: workspace)
      func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: workspace.path.string)
      }
      usleep(300_000)
      let limit = ContinuousClock.now + .seconds(120)
      while isWriting, try names().isEmpty, .now < limit { usleep(200) }
      run.send(SIGINT)
      let outcome = try run.wait()
      #expect(outcome.status == 130 && !outcome.wasKilled, "\(outcome.messages)")
      #expect(try names() == (isWriting ? ["new.safetensors"] : []))
      guard isWriting else { continue }
      let model = try DetectionModel(contentsOf: workspace.file("new.safetensors"))
      #expect(model.description.quantization != nil)
    }
  }

  @Test func withoutAnythingToCalibrateOnNothingIsWritten() throws {
    let workspace = try Workspace()
    try workspace.write(
      "ann.json",
      #"{"images": [{"id": 1, "file_name": "a.jpg"}], "categories": [], "annotations": []}"#)
    try workspace.write("a/a.jpg", "no picture")
    let cases: [([any Argument], Int32, String)] = [
      ([], 64, "--images"),
      (["--images", "nowhere"], 66, "nowhere"),
      (["--images", "a"], 66, "none of 1 pictures could be calibrated on"),
      (["--images", "a", "--annotations", "ann.json"], 66, "all pictures"),
      (["--images", Self.images, "--annotations", "ann.json"], 66, "a.jpg"),
      (["--images", "a", "--split", "test"], 64, "--split goes with --annotations"),
      (["--images", "a", "--pictures", "0"], 64, "--pictures"),
      (["--images", "a", "-o", "no/x.safetensors"], 73, "there is no directory no"),
    ]
    for (arguments, status, words) in cases {
      let outcome = try quantize(arguments, in: workspace)
      #expect(outcome.status == status && outcome.messages.contains(words), "\(outcome.messages)")
      #expect(!workspace.exists("codes-int8.safetensors"))
    }
  }
}

/// Which pictures are calibrated on.
struct PictureSampleTests {
  private static func items(_ count: Int) -> [(name: String, path: FilePath)] {
    (0..<count).map { ("\($0)", FilePath("p/\($0)")) }
  }

  @Test func manyPicturesAreTakenEvenly() {
    let sample = PictureSample(of: Self.items(1000), count: 5, holdsOut: true) { _ in
      Issue.record("there are enough files: none has to be opened")
      return false
    }
    #expect(sample.calibration.map(\.name) == ["0", "166", "333", "500", "666"])
    #expect(sample.heldOut.map(\.name) == ["833"])
  }

  @Test func fewPicturesAreAllTaken() {
    let sample = PictureSample(of: Self.items(12), count: 300, holdsOut: true) { _ in false }
    #expect(sample.calibration.count == 10 && sample.heldOut.map(\.name) == ["5", "11"])
    let whole = PictureSample(of: Self.items(12), count: 300, holdsOut: false) { _ in false }
    #expect(whole.calibration.count == 12 && whole.heldOut.isEmpty)
    #expect(whole.digest != sample.digest && whole.digest.count == 64)
  }

  @Test func videosFillUpWhatPicturesLeave() {
    let sample = PictureSample(of: Self.items(4), count: 10, holdsOut: false) {
      $0 == "p/1" || $0 == "p/3"
    }
    #expect(
      sample.calibration.map { "\($0.name) \($0.share)" } == [
        "0 0.0", "1 0.125", "1 0.375", "1 0.625", "1 0.875", "2 0.0", "3 0.125", "3 0.375",
        "3 0.625", "3 0.875",
      ])
  }
}

struct DetectionChangeTests {
  private static func detection(_ label: Int, _ score: Float, x: Float) -> Detection {
    Detection(
      classIndex: label, score: score, box: Box(minX: x, minY: 0, maxX: x + 10, maxY: 10),
      anchorIndex: 0)
  }

  @Test func boxesOfAClassThatOverlapByHalfAreFoundAgain() throws {
    var change = DetectionChange()
    change.add(
      [Self.detection(0, 0.9, x: 0), Self.detection(0, 0.8, x: 50), Self.detection(1, 0.7, x: 90)],
      // Moved by 2 of 10: an IoU of 8 / 12. Moved by 4: 6 / 14. The same place, another class.
      [Self.detection(0, 0.8, x: 2), Self.detection(0, 0.8, x: 54), Self.detection(0, 0.7, x: 90)])
    change.add([], [])
    #expect(change.pictures == 2 && change.expected == 3 && change.found == 1 && change.added == 2)
    let difference = try #require(change.meanScoreDifference)
    let overlap = try #require(change.meanOverlap)
    #expect(abs(difference - 0.1) < 1e-6 && abs(overlap - 8.0 / 12) < 1e-6)
  }

  @Test func theBestOverlapIsTakenOnce() {
    var change = DetectionChange()
    change.add(
      [Self.detection(0, 0.9, x: 0), Self.detection(0, 0.8, x: 1)], [Self.detection(0, 0.9, x: 0)])
    #expect(change.found == 1 && change.added == 0)
    #expect(change.meanOverlap == 1)
  }
}
