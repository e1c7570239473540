import Foundation
import Logging
import Testing

@testable import DetectionPipeline
@testable import detect_batch

struct ReportingTests {
  @Test func spans() {
    let cases: [(Double, String)] = [
      (0, "0.0 s"), (0.04, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.4, "59 s"),
      (59.6, "1 min 0 s"), (3599.6, "1 h 0 min"), (86_399, "23 h 59 min"), (90_000, "1 d 1 h"),
    ]
    for (seconds, text) in cases { #expect(RunText.span(seconds) == text) }
  }

  @Test func numbersBeyondAll() {
    for number in [Double.nan, .infinity, -.infinity, 1e300, -1e300, 9.3e18] {
      #expect(!RunText.span(number).isEmpty && !RunText.decimal(number).isEmpty)
    }
    #expect(RunText.decimal(1e300) == "1 000 000 000 000 000")
  }

  @Test func numbers() {
    #expect(RunText.grouped(9999) == "9999")
    #expect(RunText.grouped(10_000) == "10 000")
    #expect(RunText.grouped(1_234_567) == "1 234 567")
    #expect(RunText.decimal(99.94) == "99.9")
    #expect(RunText.decimal(99.96) == "100")
    #expect(RunText.counted(1, "frame") == "1 frame")
  }

  @Test func summaryForPeople() {
    var summary = RunSummary()
    summary.inputs.done = 2
    summary.inputs.failed = 1
    summary.inputs.skipped = 40
    summary.frames = 300
    summary.detections = 12
    summary.seconds = 10
    summary.workers = 2
    summary.decoders = 1
    summary.stages.decoding = 3
    summary.stages.preprocessing = 1
    summary.stages.network = 17
    summary.stages.postprocessing = 1
    #expect(
      RunText.summary(summary) == [
        "2 inputs done, 1 failed, 40 complete from earlier",
        "300 frames, 12 detections in 10 s: 30.0 frames/s, 2 592 000 images per day",
        "time: decoding 3.0 s in 1 thread (waited 0.0 s), detecting 19 s in 2 threads "
          + "(network 17 s, waited 0.0 s), writing 0.0 s",
      ])
    summary.classes = [
      .init(label: "qr_code", detections: 11, frames: 7),
      .init(label: "aztec", detections: 1, frames: 1),
    ]
    summary.inputsWithDetections = 2
    summary.richestInputs = [
      .init(source: "a.mp4", detections: 10, frames: 200),
      .init(source: "b.jpg", detections: 2, frames: 1),
    ]
    let lines = RunText.summary(summary)
    #expect(lines[2] == "found 11 qr_code in 7 frames, 1 aztec in 1 frame")
    #expect(lines[3] == "2 of 3 inputs with detections: a.mp4 10, b.jpg 2")
    summary.inputsWithDetections = 40
    #expect(
      RunText.summary(summary)[3] == "40 of 3 inputs with detections: a.mp4 10, b.jpg 2, 38 more")
    // One input needs no list of inputs.
    summary.inputs.done = 1
    summary.inputs.failed = 0
    #expect(RunText.summary(summary)[3].hasPrefix("time: "))
    summary.frames = 0
    #expect(RunText.summary(summary).count == 1)
    summary.commonRoot = "/data"
    summary.goneOutputs = 2
    #expect(
      RunText.summary(summary).dropFirst() == [
        "names count from /data", "2 outputs whose inputs are gone (--prune removes them)",
      ])
    summary.isPruned = true
    #expect(RunText.summary(summary).last == "removed 2 outputs whose inputs are gone")
  }

  @Test func progressForPeople() {
    var summary = RunSummary()
    summary.inputs.done = 3
    summary.frames = 1234
    let progress = RunProgress(
      summary: summary, inputs: 40, source: "cam1/a.mp4", framesPerSecond: 41.26,
      remainingSeconds: 200)
    #expect(
      RunText.progress(progress)
        == "3/40 inputs, 1234 frames, 41.3 frames/s, 3 min 20 s left, cam1/a.mp4")
  }

  @Test func linesForPeople() {
    func line(_ level: Logger.Level) -> String {
      ConsoleLogHandler.line(.text, level, "it", ["a": "b"], at: "now")
    }
    #expect(line(.error) == "detect-batch: error: it")
    #expect(line(.warning) == "detect-batch: warning: it")
    #expect(line(.info) == "detect-batch: it")
  }

  @Test func linesForMachines() {
    let line = ConsoleLogHandler.line(
      .json, .error, "a \"b\"\n\u{1}", ["n": .stringConvertible(3), "l": ["x", "y"]], at: "now")
    #expect(
      line
        == #"{"time":"now","level":"error","message":"a \"b\"\n\u0001","l":["x","y"],"n":3}"#)
  }

  /// What a terminal must not see is JSON all the same.
  @Test func controlsAreJSONInLinesForMachines() throws {
    let line = ConsoleLogHandler.line(
      .json, .info, "a\u{7f}\u{80}\u{9b}é", [:], at: "now")
    #expect(Console.visible(line) == line)
    let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
    #expect(object?["message"] as? String == "a\u{7f}\u{80}\u{9b}é")
  }

  @Test func namesCannotSteerATerminal() {
    #expect(Console.visible("a\u{1b}[2Jb\nc\u{9b}") == "a\\u{1b}[2Jb\\nc\\u{9b}")
    #expect(Console.visible("grün 漢") == "grün 漢")
  }
}
