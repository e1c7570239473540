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
    ]
    inputs += (0..<20).map { FakeInput(name: "image\($0).png", frames: 1, widths: [6 + $0 % 3]) }
    return inputs
  }

  @Test(arguments: 0..<wirings.count, [1, 2, 3] as [UInt64])
  func `files hold the same bytes however the work is shared`(wiring: Int, seed: UInt64) throws {
    let run = try FakeRun(Self.inputs(), seed: seed)
    let summary = try run.intoDirectory(Self.wirings[wiring])
    for input in run.inputs {
      #expect(try run.output(of: input) == input.expectedLines(), "\(input.name), seed \(seed)")
    }
    #expect(summary.status == .someInputsFailed)
    #expect(summary.inputs.failed == 3)
    #expect(summary.inputs.done == run.inputs.count - 3)
    #expect(summary.frames == 60 + 25 + 13 + 7 + 20)
    #expect(summary.failedFrames == 2)
    #expect(summary.decodeErrors == 2)
  }

  @Test(arguments: 0..<wirings.count, [4, 5] as [UInt64])
  func `standard output has every input in its turn`(wiring: Int, seed: UInt64) throws {
    let inputs =
      Self.inputs()
      + [FakeInput(name: "gone.mp4", frames: 3, failure: MediaError(.access, "Input/output error"))]
    let run = try FakeRun(inputs, seed: seed)
    let (summary, bytes) = try run.intoStandardOutput(Self.wirings[wiring])
    #expect(try bytes == inputs.flatMap { try $0.expectedLines() }, "seed \(seed)")
    #expect(summary.inputs.failed == 4)
  }

  @Test func `an input that cannot be read leaves no final file and is continued`() throws {
    let input = FakeInput(name: "a.mp4", frames: 8, failure: MediaError(.access, "timed out"))
    let run = try FakeRun([input], seed: 6)
    let summary = try run.intoDirectory(Self.wirings[1])
    #expect(summary.status == .someInputsFailed)
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
    #expect(summary.status == .someInputsFailed)
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
      if look == 40 { control.end(.interrupted, "stopped") }
    }
    let first = try run.intoDirectory(Self.wirings[2])
    #expect(first.status == .interrupted)
    #expect(first.inputs.left > 0)

    let second = try run.again(run.inputs.filter { !run.hasOutput(of: $0) })
    let rest = try second.intoDirectory(Self.wirings[3])
    #expect(rest.status == .someInputsFailed)
    #expect(first.frames + rest.frames == 60 + 25 + 13 + 7 + 20, "seed \(seed)")
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

  @Test func `a reader of standard output that has gone ends the run as done`() throws {
    let run = try FakeRun(Self.inputs(), seed: 13)
    let (reading, writing) = try FileDescriptor.pipe()
    try reading.close()
    signal(SIGPIPE, SIG_IGN)
    let summary = try writing.closeAfter {
      run.into(StandardOutputDestination(output: StandardOutput(writing)), Self.wirings[2])
    }
    #expect(summary.status == .done)
  }

  @Test func `a full disk ends the run, with nothing under a final name`() throws {
    let run = try FakeRun(Self.inputs(), seed: 14)
    let full = try FileDescriptor.open("/dev/full", .writeOnly)
    let summary = try full.closeAfter {
      run.into(StandardOutputDestination(output: StandardOutput(full)), Self.wirings[2])
    }
    #expect(summary.status == .outputFailed)
    #expect(summary.endedEarly?.contains("No space left on device") == true)
  }

  @Test func `a detector that breaks ends the run as a bug`() throws {
    let run = try FakeRun(Self.inputs(), seed: 15) { look, _ in
      if look == 9 {
        throw NeuralNetworkError.oneDNN(call: "dnnl_primitive_execute", status: "invalid arguments")
      }
    }
    let summary = try run.intoDirectory(Self.wirings[2])
    #expect(summary.status == .bug)
    #expect(summary.endedEarly?.contains("dnnl_primitive_execute") == true)
  }

  @Test(arguments: [nil, 3 << 30]) func `too little memory is no bug`(bytes: Int?) throws {
    let run = try FakeRun(Self.inputs(), seed: 16) { look, _ in
      if look == 9 { throw NeuralNetworkError.outOfMemory(bytes: bytes) }
    }
    let summary = try run.intoDirectory(Self.wirings[2])
    #expect(summary.status == .unusableModel)
    #expect(
      summary.endedEarly == "the model needs more memory than this process gets ("
        + (bytes == nil ? "oneDNN: out of memory" : "no memory for a block of 3072 MiB")
        + "): try fewer --workers, or a lower --memory-limit, which chooses them")
  }
}
