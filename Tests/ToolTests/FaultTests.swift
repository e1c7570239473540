import Foundation
import Glibc
import SystemPackage
import TestSupport
import Testing

/// What stops a run, and what the next one makes of it.
struct FaultTests {
  private static let video = "conveyor.mp4"

  private func makeWorkspace() throws -> Workspace {
    let workspace = try Workspace()
    try workspace.write(Self.video, Bytes.of(Tool.samples.appending("videos/conveyor.mp4")))
    return workspace
  }

  @Test(arguments: [SIGINT, SIGTERM])
  func aSignalEndsTheRunInOrderAndTheNextGoesOn(signal: Int32) throws {
    let workspace = try makeWorkspace()
    let copies = ["a.mp4", "b.mp4", "c.mp4"]
    for name in copies { try workspace.write("in/\(name)", workspace.read(Self.video)) }
    let arguments = ["in", "--every", "3", "--workers", "1", "--decoders", "1", "--verbose"]

    let process = try Tool.start(Tool.program, arguments, in: workspace)
    // In the middle of the second input.
    let limit = ContinuousClock.now + .seconds(60)
    while try !process.messages().contains("b.mp4: h264"), ContinuousClock.now < limit {
      usleep(20_000)
    }
    process.send(signal)
    let stopped = try process.wait()
    #expect(stopped.status == 128 + signal, "\(stopped.messages)")
    #expect(
      stopped.messages.contains(
        "detect-batch: error: stopped by a signal: the next run goes on from here\n"))
    #expect(workspace.files(below: "detections").count < copies.count)

    let next = try Tool.run(arguments, in: workspace)
    #expect(next.status == 0, "\(next.messages)")
    _ = try Tool.run(arguments + ["-o", "whole"], in: workspace)
    for name in copies {
      let bytes = try workspace.read("detections/\(name).jsonl")
      #expect(try StrictRecord.all(bytes).count == 34)
      #expect(try bytes == workspace.read("whole/\(name).jsonl"), "\(name)")
    }
  }

  /// Before there is work, a signal has its exit code too, and nothing to wait for.
  @Test(arguments: [SIGINT, SIGTERM], ["--pipeline", "--files-from"])
  func aSignalEndsTheBeginningAtOnce(signal: Int32, option: String) throws {
    let workspace = try makeWorkspace()
    // Nobody ever writes into it: the program stays where it opens it.
    #expect(mkfifo(workspace.file("fifo").string, 0o600) == 0)
    let process = try Tool.start(Tool.program, [option, "fifo", Self.video], in: workspace)
    // From then on the signal waits to be handled.
    let limit = ContinuousClock.now + .seconds(20)
    while try !process.blocks(signal), ContinuousClock.now < limit { usleep(1000) }
    process.send(signal)
    let outcome = try process.wait()
    #expect(outcome.status == 128 + signal && !outcome.wasKilled, "\(outcome.messages)")
    #expect(outcome.messages.isEmpty && !workspace.exists("detections"))
  }

  /// Records come from a program that says nothing more, or ends in the middle of a line by the same signal: what was begun
  /// of them is not taken for all.
  @Test(arguments: [
    ["export", "--format", "csv", "-o", "out"], ["report", "-o", "out"], ["draw", "-o", "out"],
  ])
  func aSignalEndsReadersOfStandardInput(_ arguments: [String]) throws {
    for (rest, closes) in [("", false), (#"{"source":"b.jpg","fra"#, false), ("{\"sour", true)] {
      let workspace = try Workspace()
      let fifo = workspace.file("fifo")
      #expect(mkfifo(fifo.string, 0o600) == 0)
      let writer = try FileDescriptor.open(fifo, .readWrite, options: .closeOnExec)
      let line =
        #"{"source":"a.jpg","frame":null,"time":null,"width":null,"height":null,"detections":null,"failure":"x"}"#
      _ = try writer.writeAll(Array("\(line)\n\(rest)".utf8))
      let process = try Tool.start(
        "/bin/sh", ["-c", "exec \"$@\" - <fifo", "sh", Tool.program.string] + arguments,
        in: workspace)
      var waiting: Int32 = 1
      let limit = ContinuousClock.now + .seconds(60)
      while waiting > 0 && ContinuousClock.now < limit {
        usleep(20_000)
        #expect(ioctl(writer.rawValue, UInt(FIONREAD), &waiting) == 0)
      }
      usleep(300_000)
      process.send(SIGTERM)
      if closes {
        // Whoever wrote takes a while to end.
        usleep(50_000)
        try writer.close()
      }
      let outcome = try process.wait()
      if !closes { try writer.close() }
      #expect(outcome.status == 143, "\(arguments) \(rest): \(outcome.messages)")
      #expect(outcome.messages.isEmpty, "\(outcome.messages)")
      let names = try FileManager.default.contentsOfDirectory(atPath: workspace.path.string)
      #expect(names == ["fifo"], "\(names)")
    }
  }

  @Test func aSecondSignalEndsTheProcessAtOnce() throws {
    let workspace = try makeWorkspace()
    // A reader that does not read: the run cannot come to an orderly end, for its records are not written.
    let fifo = workspace.file("fifo")
    #expect(mkfifo(fifo.string, 0o600) == 0)
    let reader = try FileDescriptor.open(fifo, .readWrite, options: .closeOnExec)
    let setPipeSize: Int32 = 1031  // F_SETPIPE_SZ, a macro that Swift's Glibc hides
    #expect(fcntl(reader.rawValue, setPipeSize, 4096) == 4096)
    let process = try Tool.start(
      Tool.program, [Self.video, "-o", "-", "--score-threshold", "0.05"], in: workspace,
      output: fifo)
    // Until nothing more has gone into the pipe for two seconds.
    var (waiting, before): (Int32, Int32) = (0, 0)
    let limit = ContinuousClock.now + .seconds(60)
    repeat {
      before = waiting
      sleep(2)
      #expect(ioctl(reader.rawValue, UInt(FIONREAD), &waiting) == 0)
    } while (waiting == 0 || waiting != before) && ContinuousClock.now < limit
    process.send(SIGTERM)
    usleep(300_000)
    process.send(SIGTERM)
    let outcome = try process.wait()
    try reader.close()
    #expect(outcome.status == 143)
    // An orderly end has a summary.
    #expect(!outcome.messages.contains("left for the next run"), "\(outcome.messages)")
  }

  @Test func segmentsPutTogetherAreTheWhole() throws {
    let workspace = try makeWorkspace()
    let name = Self.video
    let arguments = [name, "--every", "4", "--quiet"]
    for index in [1, 3] {
      let outcome = try Tool.run(arguments + ["--segment", "\(index)/3"], in: workspace)
      #expect(outcome.status == 0, "\(outcome.messages)")
    }
    let early = try Tool.run(["merge", "detections"], in: workspace)
    #expect(early.status == 3)
    #expect(
      early.messages.hasPrefix("detect-batch: error: \(name): not finished: segment 2/3\n"))

    _ = try Tool.run(arguments + ["--segment", "2/3"], in: workspace)
    let parts = try (1...3).map {
      try StrictRecord.all(workspace.read("detections/\(name).segment-\($0)-of-3.jsonl")).count
    }
    #expect(parts.allSatisfy { $0 > 0 } && parts.reduce(0, +) == 25)
    let merge = try Tool.run(["merge", "detections", "--quiet"], in: workspace)
    #expect(merge.status == 0 && merge.messages.isEmpty)
    _ = try Tool.run(arguments + ["-o", "whole"], in: workspace)
    #expect(
      try workspace.read("detections/\(name).jsonl") == workspace.read("whole/\(name).jsonl"))
    #expect(workspace.files(below: "detections") == ["\(name).jsonl"])

    // The whole is complete for a run without segments too, and for one of the same segments or others.
    for part in [[], ["--segment", "2/3"], ["--segment", "1/2"]] {
      let plan = try Tool.run(arguments + part + ["--dry-run"], in: workspace)
      #expect(plan.text == "skip\t\(name)\tcomplete\n")
    }
    #expect(try Tool.run(arguments + ["--segment", "2/3"], in: workspace).status == 0)
    #expect(workspace.files(below: "detections") == ["\(name).jsonl"])
    let again = try Tool.run(["merge", "detections"], in: workspace)
    #expect(again.status == 0)
    #expect(
      again.messages == "detect-batch: 0 inputs put together, 1 whole already\n")

    // With other settings segments begin anew, and what is whole is of the old ones.
    let others = [name, "--every", "4", "--score-threshold", "0.9", "--quiet"]
    for index in 1...2 {
      let outcome = try Tool.run(others + ["--segment", "\(index)/2"], in: workspace)
      #expect(outcome.status == 0, "\(outcome.messages)")
      let merge = try Tool.run(["merge", "detections"], in: workspace)
      #expect(merge.status == (index == 1 ? 3 : 0), "\(merge.messages)")
      let message = index == 1 ? "\(name): not finished: segment 2/2\n" : ": 1 input put together\n"
      #expect(merge.messages.contains(message), "\(merge.messages)")
    }
    _ = try Tool.run(others + ["-o", "other"], in: workspace)
    #expect(
      try workspace.read("detections/\(name).jsonl") == workspace.read("other/\(name).jsonl"))
    #expect(workspace.files(below: "detections") == ["\(name).jsonl"])
  }

  /// Of a damaged file too, what the manifest says of the segments together is what it says of the whole.
  @Test func segmentsOfADamagedFileCountItsErrorsOnce() throws {
    let workspace = try Workspace()
    let fixture = TestData.packageRoot.path + "/Tests/FrameDecodingTests/Fixtures/damaged.ts"
    try workspace.write("damaged.ts", Bytes.of(FilePath(fixture)))
    let arguments = ["damaged.ts", "--every", "8"]
    for index in 1...2 {
      let outcome = try Tool.run(
        arguments + ["-o", "parts", "--segment", "\(index)/2"], in: workspace)
      #expect(outcome.status == 0, "\(outcome.messages)")
    }
    #expect(try Tool.run(["merge", "parts"], in: workspace).status == 0)
    #expect(try Tool.run(arguments + ["-o", "whole"], in: workspace).status == 0)
    let entries = try ["parts", "whole"].map { output in
      let text = String(
        decoding: try workspace.read("\(output)/.detect-batch/manifest.log"), as: UTF8.self)
      return text.replacing(/"seconds":[0-9.]+,/, with: "")
    }
    #expect(entries[0] == entries[1])
    #expect(try /"decodeErrors":[1-9]/.firstMatch(in: entries[1]) != nil, "\(entries[1])")
    #expect(
      try workspace.read("parts/damaged.ts.jsonl") == workspace.read("whole/damaged.ts.jsonl"))
  }

  @Test func standardOutputOnAFullDisk() throws {
    let outcome = try Tool.run(
      [Self.video, "-o", "-", "--max-frames", "3"], in: makeWorkspace(), output: "/dev/full")
    #expect(outcome.status == 74)
    #expect(
      outcome.messages.contains(
        "detect-batch: error: cannot write standard output: No space left on device\n"))
  }

  /// Started without standard streams, the program must not take another file for one of them.
  @Test func closedStandardStreams() throws {
    let workspace = try makeWorkspace()
    let arguments: [any Argument] = [Tool.program, Self.video, "--max-frames", "2", "--verbose"]
    let script = "\"$0\" \"$@\" <&- >&- 2>&-"
    let outcome = try Tool.run("/bin/bash", ["-c", script] + arguments, in: workspace)
    #expect(outcome.status == 0)
    let records = try StrictRecord.all(workspace.read("detections/\(Self.video).jsonl"))
    #expect(records.count == 2)
    let state = workspace.file("detections/.detect-batch")
    for name in try FileManager.default.subpathsOfDirectory(atPath: state.string)
    where name.hasSuffix(".lock") || name.hasSuffix(".log") {
      let text = String(decoding: try Bytes.of(state.pushing(FilePath(name))), as: UTF8.self)
      #expect(text.split(separator: "\n").count <= 1, "\(name): \(text)")
    }
    let printing = try Tool.run(
      "/bin/bash", ["-c", "\"$0\" \"$@\" -o - >&-"] + arguments, in: workspace)
    #expect(printing.status == 74)
    #expect(
      printing.messages.contains(
        "detect-batch: error: cannot write standard output: Bad file descriptor\n"))
  }

  @Test func aLimitOnTheSizeOfFilesIsLikeAFullDisk() throws {
    let workspace = try makeWorkspace()
    let arguments: [any Argument] = [Tool.program, Self.video, "--every", "3", "--quiet"]
    let limited = try Tool.run(
      "/bin/bash", ["-c", "ulimit -f 1; \"$0\" \"$@\""] + arguments, in: workspace)
    #expect(limited.status == 74)
    #expect(
      try /detect-batch: error: cannot write \S+: File too large\n/.wholeMatch(
        in: limited.messages) != nil, "\(limited.messages)")
    #expect(workspace.files(below: "detections").isEmpty)
    for output in ["detections", "whole"] {
      let outcome = try Tool.run(
        Array(arguments.dropFirst()) + ["-o", output], in: workspace)
      #expect(outcome.status == 0, "\(outcome.messages)")
    }
    let name = "\(Self.video).jsonl"
    #expect(try workspace.read("detections/\(name)") == workspace.read("whole/\(name)"))
  }

  @Test func aReaderThatHasSeenEnoughIsNoError() throws {
    let workspace = try makeWorkspace()
    let outcome = try Tool.run(
      "/bin/bash",
      [
        "-c", "\"$0\" \"$1\" -o - --quiet | head -n 1; echo ${PIPESTATUS[0]}", Tool.program,
        Self.video,
      ], in: workspace)
    let lines = outcome.text.split(separator: "\n")
    #expect(lines.count == 2 && lines.last == "0", "\(outcome.text)")
    #expect(outcome.messages.isEmpty)
  }

  @Test func anOutputDirectoryThatCannotBeMade() throws {
    let workspace = try makeWorkspace()
    try workspace.write("taken", "a file")
    let outcome = try Tool.run([Self.video, "-o", "taken/out"], in: workspace)
    #expect(outcome.status == 73)
    #expect(outcome.messageLines.last?.hasPrefix("detect-batch: error: cannot create ") == true)
  }

  @Test func aHeldOutputDirectory() throws {
    let workspace = try makeWorkspace()
    let arguments = [Self.video, "--max-frames", "1", "--quiet"]
    #expect(try Tool.run(arguments, in: workspace).status == 0)
    // As another run holds it: shared, with this scheme, and its own part for itself. (Not passed on to programs that
    // other tests start, which would hold it longer.)
    let files = try ["run.lock", "part.lock"].map {
      try FileDescriptor.open(
        workspace.file("detections/.detect-batch/locks/\($0)"), .readWrite, options: .closeOnExec)
    }
    #expect(flock(files[0].rawValue, LOCK_SH) == 0 && flock(files[1].rawValue, LOCK_EX) == 0)
    let outcome = try Tool.run(arguments, in: workspace)
    #expect(outcome.status == 75)
    #expect(
      try /detect-batch: error: detections is in use by process \d+ on \S+ since \S+; wait .+\n/
        .wholeMatch(in: outcome.messages) != nil, "\(outcome.messages)")
    for file in files { try file.close() }
    #expect(try Tool.run(arguments, in: workspace).status == 0)
  }

  @Test func progressIsDrawnOnATerminalAndTakenAway() throws {
    let workspace = try makeWorkspace()
    let command = "'\(Tool.program)' \(Self.video) --every 2 --workers 1"
    let outcome = try Tool.run(
      "/usr/bin/script", ["-qec", command, "/dev/null"], in: workspace,
      environment: ["TERM": "xterm"])
    #expect(outcome.status == 0)
    let erase = "\r\u{1b}[K"
    let pieces = outcome.text.components(separatedBy: erase)
    #expect(pieces.count > 2)
    #expect(pieces.contains { $0.contains("0/1 inputs, ") && $0.contains(" frames/s") })
    // After the last erasure only the summary's lines remain.
    #expect(pieces.last?.contains("1 input done") == true)
    #expect(pieces.last?.contains("0/1 inputs") == false)

    let quiet = try Tool.run(
      "/usr/bin/script", ["-qec", command + " --quiet --overwrite always", "/dev/null"],
      in: workspace)
    #expect(quiet.output.isEmpty)
  }
}
