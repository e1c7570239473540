import Foundation
import Glibc
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import FrameDecoding

/// Decoder processes that go wrong, each in one way (`DecoderFault`), and what they may not do. The process is the
/// program that was built beside the tests.
struct IsolationTests {
  private static let video = Tool.samples.appending("videos/conveyor.mp4")
  private static let picture = Tool.samples.appending("images/phone.jpg")

  private func decoders(
    _ fault: String? = nil, _ isolation: MediaDecoders.Isolation = .on
  ) -> MediaDecoders {
    MediaDecoders(
      isolation, program: Tool.program,
      environment: fault.map { ["DETECT_BATCH_DECODER_FAULT=\($0)"] } ?? [],
      note: { note in
        if case .notIsolated(let text) = note { Issue.record("not isolated: \(text)") }
      })
  }

  /// Frames up to the end, and why it came.
  private func read(
    _ decoders: MediaDecoders, _ path: FilePath = video, maxFrames: Int? = nil,
    limits: MediaLimits = .init()
  ) -> (frames: [DecodedFrame], failure: MediaError?) {
    var frames: [DecodedFrame] = []
    do throws(MediaError) {
      let source = try decoders.open(
        path, sampling: FrameSampling(maxFrames: maxFrames), limits: limits)
      while let frame = try source.nextFrame() { frames.append(frame) }
      return (frames, nil)
    } catch {
      return (frames, error)
    }
  }

  @Test func framesAreThoseOfThisProcess() throws {
    let isolated = decoders(nil, .required)
    let here = MediaDecoders(.off)
    for path in [Self.video, Self.picture, Tool.samples.appending("images/screenshot.png")] {
      let (mine, theirs) = (read(here, path, maxFrames: 12), read(isolated, path, maxFrames: 12))
      #expect(mine.failure == nil && theirs.failure == nil && mine.frames.count >= 1)
      #expect(mine.frames.count == theirs.frames.count)
      for (one, other) in zip(mine.frames, theirs.frames) {
        #expect(one.index == other.index && one.time == other.time)
        #expect(one.isKeyframe == other.isKeyframe && one.isCorrupt == other.isCorrupt)
        #expect(one.picture.width == other.picture.width)
        #expect(one.picture.pixels == other.picture.pixels)
      }
    }
  }

  /// In one process, with a thread each.
  @Test func severalDecodersWorkInOneProcess() throws {
    let path = Tool.samples.removingLastComponent().appending(
      "Tests/FrameDecodingTests/Fixtures/parts/h264.mp4")
    var limits = MediaLimits()
    limits.decoders = MediaLimits.mostDecoders
    let isolated = decoders(nil, .required)
    let (mine, theirs) = (read(decoders(nil, .off), path), read(isolated, path, limits: limits))
    #expect(mine.failure == nil && theirs.failure == nil && mine.frames.count == 150)
    #expect(mine.frames.map(\.index) == theirs.frames.map(\.index))
    #expect(mine.frames.map(\.picture.pixels) == theirs.frames.map(\.picture.pixels))
  }

  /// In words, after the frame before, and of that input alone: the next one gets another process.
  @Test(arguments: [
    ("crash", "died of SIGSEGV"), ("abort", "died of SIGABRT"), ("allocate", "died of SIG"),
    ("close", "closed its connection"), ("exit", "ended with status 7"),
    ("execve", "made a system call that it may not make"),
    ("clone", "made a system call that it may not make"),
    ("ptrace", "made a system call that it may not make"),
    ("kill", "made a system call that it may not make"),
    ("socket", "made a system call that it may not make"),
    ("process_vm_readv", "made a system call that it may not make"),
  ])
  func aDeathCostsOneInput(fault: String, words: String) throws {
    let decoders = decoders("\(fault)@5")
    for _ in 0..<2 {
      let (frames, failure) = read(decoders)
      #expect(frames.map(\.index) == [0, 1, 2, 3, 4])
      let reason = failure?.reason ?? ""
      #expect(failure?.kind == .data && reason.hasPrefix("the decoder \(words)"), "\(reason)")
      #expect(reason.hasSuffix("after frame 4"), "\(reason)")
      #expect(read(decoders, maxFrames: 3).frames.count == 3)
      #expect(read(decoders, Self.picture).failure == nil)
    }
  }

  @Test(arguments: [
    "version", "kind", "empty", "short", "long", "huge", "again", "memory", "slot", "progress",
    "width",
    "height", "larger", "index", "time", "decoded", "corrupt", "errors", "untimed",
  ])
  func aLieCostsOneInput(fault: String) throws {
    let decoders = decoders("\(fault)@5")
    let (frames, failure) = read(decoders)
    #expect(frames.map(\.index) == [0, 1, 2, 3, 4])
    let reason = failure?.reason ?? ""
    #expect(failure?.kind == .data && reason.contains("said what cannot be ("), "\(reason)")
    #expect(reason.hasSuffix("and was ended, after frame 4"), "\(reason)")
    #expect(read(decoders, maxFrames: 3).frames.count == 3)
  }

  /// Each field of what is said of an input as it is opened, with a number that no input has.
  @Test func aLieInAnyFieldOfTheOpeningCostsOneInput() throws {
    let opened = DecoderReply.opened(try MediaDecoders(.off).open(Self.video).info, .init())
    let fields = opened.written.fields.count
    #expect(fields >= 20)
    for field in 0..<fields {
      let lie = try #require(DecoderFault.lie(in: field, of: opened))
      #expect(throws: MessageError.self, "field \(field)") { try DecoderReply(lie[...]) }
    }
    for kind in ["opened-frame"] + (0..<fields).map({ "opened-\($0)" }) {
      let decoders = decoders("\(kind)@0")
      let (frames, failure) = read(decoders)
      let reason = failure?.reason ?? ""
      #expect(frames.isEmpty && failure?.kind == .data, "\(kind)")
      #expect(reason.hasPrefix("the decoder said what cannot be ("), "\(kind): \(reason)")
    }
  }

  /// The address of a byte of this process that is of no other use.
  private static let secret: UInt = {
    let place = UnsafeMutablePointer<UInt8>.allocate(capacity: 1)
    place.initialize(to: 173)
    return UInt(bitPattern: place)
  }()

  /// A real byte of the parent's memory: refused by Landlock alone; by the filter, as its death; and read where nothing
  /// keeps a child from it.
  @Test func aByteOfTheParentIsRefused() {
    let address = String(Self.secret, radix: 16)
    func reason(_ kind: String) -> String {
      read(decoders("\(kind)process_vm_readv:\(address)@0")).failure?.reason ?? ""
    }
    #expect(reason("unfiltered-") == "process_vm_readv: Operation not permitted")
    #expect(reason("").hasPrefix("the decoder made a system call that it may not make"))
    // Elsewhere a system may refuse it to everybody (Yama).
    let unconfined = reason("unconfined-")
    #expect(
      ["process_vm_readv: read 173", "process_vm_readv: Operation not permitted"]
        .contains(unconfined), "\(unconfined)")
  }

  @Test func whatOpensAFileIsRefused() {
    for (fault, words) in [
      ("openat", "openat: Operation not permitted"),
      ("mkdirat", "mkdirat: Operation not permitted"),
      // By Landlock alone.
      ("unfiltered-openat", "openat: Permission denied"),
      ("unfiltered-mkdirat", "mkdirat: Permission denied"),
    ] {
      let (frames, failure) = read(decoders("\(fault)@2"))
      #expect(frames.count == 2 && failure == MediaError(.data, words), "\(failure?.reason ?? "")")
    }
  }

  /// Even without the filter: who may not be inspected cannot inspect, and Landlock keeps signals in.
  @Test func signalsAndMemoryOfTheParentAreRefused() {
    for fault in ["unfiltered-kill", "unfiltered-ptrace", "unfiltered-process_vm_readv"] {
      let failure = read(decoders("\(fault)@0")).failure
      let reason = failure?.reason ?? ""
      // An empty list of pieces may be granted or not, as no byte is asked for.
      let isRefused = reason.hasSuffix("Operation not permitted")
      #expect(isRefused || fault == "unfiltered-process_vm_readv", "\(fault): \(reason)")
    }
  }

  @Test func aDecoderThatSpinsIsEnded() {
    var limits = MediaLimits()
    limits.readTimeout = .milliseconds(700)
    let decoders = decoders("spin@3")
    let (frames, failure) = read(decoders, limits: limits)
    #expect(frames.count == 3)
    #expect(
      failure
        == MediaError(
          .data,
          "the decoder used 0.7 seconds of processor time without a frame, and was ended, after frame 2",
          isDeathOfDecoder: true))
    #expect(read(decoders, maxFrames: 1).failure == nil)
  }

  @Test func nonsenseInTheMemoryHarmsNobody() {
    let decoders = decoders("scribble@5")
    let (frames, failure) = read(decoders)
    #expect(failure == nil && frames.count == 100)
    #expect(frames[5].picture.pixels.allSatisfy { $0 == 0xa5 })
  }

  @Test func aReadThatIsStoppedEndsSoon() throws {
    let decoders = decoders("spin@3")
    let cancellation = MediaCancellation()
    let source = try decoders.open(Self.video, cancellation: cancellation)
    for _ in 0..<3 { _ = try source.nextFrame() }
    let thread = Thread {
      usleep(100_000)
      cancellation.cancel()
    }
    thread.start()
    #expect(throws: MediaError(.access, "stopped")) { try source.nextFrame() }
  }

  /// Nothing is left of processes that died: no descriptor, no zombie, no shared memory. `DETECT_BATCH_CHILDREN=10000`
  /// has as many.
  @Test func nothingLeaks() throws {
    let count = ProcessInfo.processInfo.environment["DETECT_BATCH_CHILDREN"].flatMap(Int.init) ?? 40
    let decoders = decoders("crash@1")
    func memory() throws -> Int {
      let pages = String(decoding: try Bytes.of("/proc/self/statm"), as: UTF8.self)
        .split(separator: " ")
      return Int(pages[0]).map { $0 * 4096 } ?? 0
    }
    for _ in 0..<5 { #expect(read(decoders).frames.count == 1) }
    let (before, files) = (try memory(), Self.sharedFiles())
    for _ in 0..<count { #expect(read(decoders).frames.count == 1) }
    // Other tests run in this process: their memory is two arenas each, at most, and they have processes that end, too.
    #expect(try memory() - before < 64 << 30 && Self.sharedFiles() - files < 20)
    #expect(Self.zombies() < 20)
  }

  private static func sharedFiles() -> Int {
    let links = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
    return links.count {
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)"))?
        .contains("detect-batch frames") ?? false
    }
  }

  /// Children of this process that nobody has waited for.
  private static func zombies() -> Int {
    let processes = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return processes.count { name in
      guard Int(name) != nil, let status = try? Bytes.of(FilePath("/proc/\(name)/status")) else {
        return false
      }
      let text = String(decoding: status, as: UTF8.self)
      return text.contains("State:\tZ") && text.contains("PPid:\t\(getpid())\n")
    }
  }

  /// The whole program: one input fails, the others are complete, and the frames before the death are kept.
  @Test(arguments: [("crash", "died of SIGSEGV"), ("index", "said what cannot be")])
  func theProgramGoesOn(fault: String, words: String) throws {
    let workspace = try Workspace()
    let arguments: [any Argument] = [Tool.samples, "--every", "5", "--exclude", "packing.mp4"]
    let whole = try Tool.run(arguments + ["-o", "whole"], in: workspace)
    #expect(whole.status == 0, "\(whole.messages)")
    let faulty = try Tool.run(
      arguments + ["-o", "faulty"], in: workspace,
      environment: ["DETECT_BATCH_DECODER_FAULT": "\(fault)@50"])
    #expect(faulty.status == 3, "\(faulty.messages)")
    let files = workspace.files(below: "whole")
    #expect(files == workspace.files(below: "faulty") && files.count == 7)
    for file in files where !file.contains("conveyor") {
      #expect(try workspace.read("faulty/\(file)") == workspace.read("whole/\(file)"), "\(file)")
    }
    let good = try workspace.read("whole/videos/conveyor.mp4.jsonl").split(separator: 10)
    let bad = try workspace.read("faulty/videos/conveyor.mp4.jsonl").split(separator: 10)
    #expect(bad.count == 11 && bad.dropLast() == good.prefix(10))
    let last = String(decoding: bad[10], as: UTF8.self)
    #expect(last.contains("the decoder \(words)") && last.contains("after frame 45"), "\(last)")

    // A failure of the data: not tried again unless asked to.
    let again = try Tool.run(arguments + ["-o", "faulty"], in: workspace)
    #expect(again.status == 0, "\(again.messages)")
    let retried = try Tool.run(arguments + ["-o", "faulty", "--retry-failed"], in: workspace)
    #expect(retried.status == 0, "\(retried.messages)")
    #expect(try workspace.read("faulty/videos/conveyor.mp4.jsonl").split(separator: 10) == good)
  }

  /// A time that can be, and that no clock says, is none: neither the run nor a reader of its records ends there.
  @Test func aDecodersTimeIsNotWrittenUnseen() throws {
    let workspace = try Workspace()
    let video = Tool.samples.appending("videos/conveyor.mp4")
    let run = try Tool.run(
      [video, "--every", "5", "--max-frames", "12"], in: workspace,
      environment: ["DETECT_BATCH_DECODER_FAULT": "extreme@50"])
    #expect(run.status == 0, "\(run.messages)")
    let records = try StrictRecord.all(workspace.read("detections/conveyor.mp4.jsonl"))
    #expect(records.count == 12)
    #expect(records.map { $0.time == nil } == (0..<12).map { $0 == 10 })
    let export = try Tool.run(["export", "detections", "--format", "csv"], in: workspace)
    #expect(export.status == 0, "\(export.messages)")
  }

  @Test func whereNoProcessCanBeHadInputsAreDecodedHere() throws {
    let told = Mutex<[String]>([])
    let decoders = MediaDecoders(.on, program: "/does/not/exist") { note in
      if case .notIsolated(let reason) = note { told.withLock { $0.append(reason) } }
    }
    #expect(read(decoders, Self.picture).frames.count == 1)
    #expect(read(decoders, Self.picture).frames.count == 1)
    #expect(told.withLock { $0 }.count == 1)
    let required = MediaDecoders(.required, program: "/does/not/exist")
    #expect(throws: MediaError.self) { try required.require() }
    #expect(throws: MediaError.self) { try required.open(Self.picture) }
  }
}
