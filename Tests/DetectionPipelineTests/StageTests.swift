import DetectionRecords
import Foundation
import FrameDecoding
import NeuralNetwork
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import DetectionPipeline

/// The stages on fake decoders and detectors, whose steps take random times: the bytes must not depend on them.
@Suite struct StageTests {
  /// Ways to share the work.
  static let wirings = [
    RunStages(workers: 1, decoders: 1, batchSize: 1, bounds: .of(waiting: 1)),
    RunStages(workers: 2, decoders: 1, batchSize: 3, bounds: .of(waiting: 8)),
    RunStages(workers: 4, decoders: 2, batchSize: 8, bounds: .of(waiting: 8)),
    RunStages(workers: 4, decoders: 4, batchSize: 3, bounds: .of(waiting: 1)),
    // So tight that one frame fits, and so few records that inputs ahead of their turn must wait.
    RunStages(
      workers: 3, decoders: 4, batchSize: 2,
      bounds: FrameBounds(
        waitingFrames: 4, bytes: 1, unwrittenRecords: 2, reservedRecords: 1,
        patience: .milliseconds(1))),
  ]

  /// Videos, images, changing shapes, failures of every kind.
  static func inputs() -> [FakeInput] {
    var inputs = [
      FakeInput(name: "a.mp4", frames: 60),
      FakeInput(name: "b.mp4", frames: 25, widths: [6, 6, 9]),
      FakeInput(
        name: "broken.mp4", frames: 13, failure: MediaError(.data, "moov atom not found"),
        decodeErrors: [2, 9]),
      FakeInput(name: "empty.mp4", frames: 0, failure: MediaError(.data, "End of file")),
      FakeInput(name: "nan.mp4", frames: 9, nonFinite: [0, 4]),
      FakeInput(
        name: "slides.mp4", frames: 40, widths: [6, 9, 6], nonFinite: [3],
        repeated: Set(1..<40).subtracting([3, 5, 20, 21, 22])),
      FakeInput(
        name: "torn.jpg", frames: 1, failure: MediaError(.data, "damaged picture: EOI missing"),
        isImage: true),
    ]
    inputs += (0..<20).map {
      FakeInput(name: "image\($0).png", frames: 1, widths: [6 + $0 % 3], isImage: true)
    }
    return inputs
  }

  @Test(arguments: 0..<wirings.count, [1, 2, 3] as [UInt64])
  func `files hold the same bytes however the work is shared`(wiring: Int, seed: UInt64) throws {
    let run = try FakeRun(Self.inputs(), seed: seed)
    let summary = try run.intoDirectory(Self.wirings[wiring])
    for input in run.inputs {
      #expect(try run.output(of: input) == input.expectedLines(), "\(input.name), seed \(seed)")
    }
    #expect(summary.outcome == .someInputsFailed)
    #expect(summary.inputs.failed == 4)
    #expect(summary.inputs.done == run.inputs.count - 4)
    #expect(summary.frames == Self.frames)
    // Four of the network, one of them the same as another, and the last lines of two inputs.
    #expect(summary.failedFrames == 6)
    #expect(summary.sameFrames == 34)
    #expect(summary.decodeErrors == 3)
  }

  /// Lines of frames in all of them.
  static let frames = 60 + 25 + 13 + 9 + 40 + 1 + 20

  @Test(arguments: 0..<wirings.count, [4, 5] as [UInt64])
  func `standard output has every input in its turn`(wiring: Int, seed: UInt64) throws {
    let inputs =
      Self.inputs()
      + [FakeInput(name: "gone.mp4", frames: 3, failure: MediaError(.access, "Input/output error"))]
    let run = try FakeRun(inputs, seed: seed)
    let (summary, bytes) = try run.intoStandardOutput(Self.wirings[wiring])
    #expect(try bytes == inputs.flatMap { try $0.expectedLines() }, "seed \(seed)")
    #expect(summary.inputs.failed == 5)
    #expect(summary.failedFrames == 7)
  }

  /// The one line of a torn picture says that it is damaged; a second one would be an image with two records.
  @Test func `an image has one line, be it damaged`() throws {
    let input = FakeInput(
      name: "torn.jpg", frames: 1, failure: MediaError(.data, "damaged picture: EOI missing"),
      isImage: true)
    let run = try FakeRun([input], seed: 17)
    let summary = try run.intoDirectory(Self.wirings[1])
    #expect(summary.outcome == .done && summary.decodeErrors == 1 && summary.failedFrames == 0)
    #expect(try run.output(of: input).count { $0 == 0x0a } == 1)
    // Where there is none at all, that is the line.
    var none = input
    none.name = "none.jpg"
    none.frames = 0
    let second = try run.again([none])
    #expect(try second.intoDirectory(Self.wirings[1]).failedFrames == 1)
    #expect(try second.output(of: none) == none.expectedLines())
  }

  /// Decoders wait before they decode, so that what they have in hand counts too.
  @Test(arguments: [true, false]) func `pictures in all hands keep to the bound`(ofImages: Bool)
    throws
  {
    // A picture of 100 columns has 1200 bytes, and takes 9/3 of that as an image: decoded, on the way, handed over.
    let inputs = (0..<12).map { ordinal in
      FakeInput(
        name: ofImages ? "\(ordinal).png" : "\(ordinal).mp4", frames: ofImages ? 1 : 6,
        widths: [100],
        isImage: ofImages)
    }
    let run = try FakeRun(inputs, seed: 18)
    let stages = RunStages(
      workers: 2, decoders: 8, batchSize: 2,
      bounds: FrameBounds(
        waitingFrames: 100, bytes: ofImages ? 2 * 3600 : 2 * 1200, unwrittenRecords: 1024,
        reservedRecords: 64, patience: .milliseconds(1)))
    #expect(try run.intoDirectory(stages).outcome == .done)
    for input in inputs { #expect(try run.output(of: input) == input.expectedLines()) }
    let most = run.equipment.held.withLock { $0.most }
    // As images are handed over, their other two thirds are free for the next.
    #expect(most <= (ofImages ? 4 : 2) * 100)
    #expect(most >= 100)
  }

  /// A directory under one final name, which may appear at any time.
  @Test func `an input whose final name is taken fails alone`() throws {
    let inputs = (0..<6).map { FakeInput(name: "\($0).mp4", frames: 5) }
    let run = try FakeRun(inputs, seed: 19) { look, files in
      if look == 1 {
        try FileManager.default.createDirectory(
          atPath: files.folder.appending("out/3.mp4.jsonl").string,
          withIntermediateDirectories: true)
      }
    }
    // Once it appears before the input is begun or after, once it is there from the beginning: all must end alike.
    for (run, stages) in [(run, Self.wirings[0]), (try run.again(inputs), Self.wirings[2])] {
      let summary = try run.intoDirectory(stages)
      #expect(summary.outcome == .someInputsFailed)
      #expect(summary.endedEarly == nil)
      #expect(summary.inputs.failed == 1 && summary.inputs.done == 5)
    }
    for (ordinal, input) in inputs.enumerated() where ordinal != 3 {
      #expect(try run.output(of: input) == input.expectedLines())
    }
    try FileManager.default.removeItem(atPath: run.folder.path.appending("out/3.mp4.jsonl").string)
    #expect(try run.again([inputs[3]]).intoDirectory(Self.wirings[0]).outcome == .done)
    #expect(try run.output(of: inputs[3]) == inputs[3].expectedLines())
  }

  @Test func `an input that cannot be read leaves no final file and is continued`() throws {
    let input = FakeInput(name: "a.mp4", frames: 8, failure: MediaError(.access, "timed out"))
    let run = try FakeRun([input], seed: 6)
    let summary = try run.intoDirectory(Self.wirings[1])
    #expect(summary.outcome == .someInputsFailed)
    #expect(summary.frames == 8)
    #expect(!run.hasOutput(of: input))

    var mended = input
    mended.failure = nil
    mended.frames = 12
    let second = try run.again([mended])
    #expect(try second.intoDirectory(Self.wirings[1]).frames == 4)
    #expect(try second.output(of: mended) == mended.expectedLines())
  }

  @Test func `an input that changes while it is read is not kept`() throws {
    let input = FakeInput(name: "a.mp4", frames: 8)
    let run = try FakeRun([input], seed: 7) { look, run in
      if look == 1 { try run.write("grown", to: "a.mp4") }
    }
    // One frame may wait, so that the end is not reached before the first was looked at.
    let summary = try run.intoDirectory(Self.wirings[0])
    #expect(summary.outcome == .someInputsFailed)
    #expect(!run.hasOutput(of: input))

    let second = try run.again([input])
    #expect(try second.intoDirectory(Self.wirings[0]).frames == 8)
    #expect(try second.output(of: input) == input.expectedLines())
  }

  @Test(arguments: [8, 9, 10, 11] as [UInt64])
  func `a stopped run is continued to the same bytes`(seed: UInt64) throws {
    let inputs = Self.inputs()
    let control = RunControl()
    let run = try FakeRun(inputs, seed: seed, control: control) { look, _ in
      if look == 40 { control.end(.stopped, "stopped") }
    }
    let first = try run.intoDirectory(Self.wirings[2])
    #expect(first.outcome == .endedEarly(.stopped))
    #expect(first.inputs.left > 0)

    let second = try run.again(run.inputs.filter { !run.hasOutput(of: $0) })
    let rest = try second.intoDirectory(Self.wirings[3])
    #expect(rest.outcome == .someInputsFailed)
    #expect(first.frames + rest.frames == Self.frames, "seed \(seed)")
    for input in inputs {
      #expect(try run.output(of: input) == input.expectedLines(), "\(input.name), seed \(seed)")
    }
  }

  @Test func `a hopeless input is given up after as many errors as allowed`() throws {
    let input = FakeInput(name: "a.mp4", frames: 30, decodeErrors: [3, 5, 8, 13])
    var wiring = Self.wirings[1]
    wiring.maxFailures = 2
    let run = try FakeRun([input], seed: 12)
    let summary = try run.intoDirectory(wiring)
    #expect(summary.frames == 8)
    let text = String(decoding: try run.output(of: input), as: UTF8.self)
    #expect(
      text.hasSuffix(
        #""detections":null,"failure":"given up after 3 decoding errors, the last: no frame 8!"}"#
          + "\n"))
  }

  @Test func `a reader of standard output that has gone ends the run`() throws {
    let run = try FakeRun(Self.inputs(), seed: 13)
    let (reading, writing) = try FileDescriptor.pipe()
    try reading.close()
    signal(SIGPIPE, SIG_IGN)
    let summary = try writing.closeAfter {
      run.into(StandardOutputDestination(output: StandardOutput(writing)), Self.wirings[2])
    }
    #expect(summary.outcome == .endedEarly(.readerGone) && summary.endedEarly == nil)
  }

  @Test func `a full disk ends the run, with nothing under a final name`() throws {
    let run = try FakeRun(Self.inputs(), seed: 14)
    let full = try FileDescriptor.open("/dev/full", .writeOnly)
    let summary = try full.closeAfter {
      run.into(StandardOutputDestination(output: StandardOutput(full)), Self.wirings[2])
    }
    #expect(summary.outcome == .endedEarly(.outputFailed))
    #expect(summary.endedEarly?.contains("No space left on device") == true)
  }

  @Test func `a detector that breaks ends the run as a bug`() throws {
    let run = try FakeRun(Self.inputs(), seed: 15) { look, _ in
      if look == 9 {
        throw NeuralNetworkError.oneDNN(call: "dnnl_primitive_execute", status: "invalid arguments")
      }
    }
    let summary = try run.intoDirectory(Self.wirings[2])
    #expect(summary.outcome == .endedEarly(.fault))
    #expect(summary.endedEarly?.contains("dnnl_primitive_execute") == true)
  }

  @Test(arguments: [nil, 3 << 30]) func `too little memory is no bug`(bytes: Int?) throws {
    let run = try FakeRun(Self.inputs(), seed: 16) { look, _ in
      if look == 9 { throw NeuralNetworkError.outOfMemory(bytes: bytes) }
    }
    let summary = try run.intoDirectory(Self.wirings[2])
    #expect(summary.outcome == .endedEarly(.unusableInput))
    #expect(
      summary.endedEarly == "the model needs more memory than this process gets ("
        + (bytes == nil ? "oneDNN: out of memory" : "no memory for a block of 3072 MiB")
        + "): try fewer --workers, or a lower --memory-limit, which chooses them")
  }
}
