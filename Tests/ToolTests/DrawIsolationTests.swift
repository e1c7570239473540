import Foundation
import Glibc
import Media
import SystemPackage
import TestSupport
import Testing

@testable import FrameDecoding

/// `draw` with decoders of its own: what they give is what this process would decode, and one that goes wrong costs its
/// input.
struct DrawIsolationTests {
  private static let fixtures = FilePath(TestData.packageRoot.path)
    .appending("Tests/FrameDecodingTests/Fixtures")

  private func decoders(_ fault: String? = nil) -> MediaDecoders {
    MediaDecoders(
      .required, program: Tool.program,
      environment: fault.map { ["DETECT_BATCH_DECODER_FAULT=\($0)"] } ?? [], note: { _ in })
  }

  @Test(arguments: [
    "phone.mov", "bt2020.mkv", "bt709-full.mkv", "subsampling.avi", "animation.gif",
    "variable-rate.mkv", "no-durations.mkv", "sizes.h264", "truncated.mp4", "orientation/6.jpg",
  ])
  func sourceFramesAreThoseOfThisProcess(_ name: String) throws {
    let path = Self.fixtures.pushing(FilePath(name))
    let sources = try [MediaDecoders(.off), decoders()].map { try $0.open(path) }
    var count = 0
    while true {
      let frames = sources.map { source in
        Result { () throws(MediaError) in try source.nextSourceFrame() }
      }
      guard case (.success(let here?), .success(let there?)) = (frames[0], frames[1]) else {
        #expect(frames.map { "\($0)" }.allSatisfy { $0 == "\(frames[0])" }, "\(name)")
        break
      }
      #expect(here.index == there.index && here.time == there.time, "\(name)")
      #expect(here.timestamp == there.timestamp && here.duration == there.duration, "\(name)")
      #expect(here.pixelShape == there.pixelShape, "\(name)")
      #expect(here.picture.width == there.picture.width, "\(name)")
      #expect(here.picture.colour == there.picture.colour, "\(name)")
      #expect(here.picture.bytes == there.picture.bytes, "\(name) frame \(here.index)")
      count += 1
    }
    #expect(count > 0)
    #expect(sources[0].report == sources[1].report)
  }

  @Test func wantedFramesAreTheOthersConvertedNot() throws {
    let path = Self.fixtures.appending("constant-rate.mp4")
    let sources = try [MediaDecoders(.off), decoders()].map { try $0.open(path) }
    var asked: [[Int]] = [[], []]
    var frames: [[DecodedFrame]] = [[], []]
    for (number, source) in sources.enumerated() {
      while let frame = try source.nextFrame(where: { index, time in
        asked[number].append(index)
        return index % 7 == 3 && time != nil
      }) { frames[number].append(frame) }
    }
    #expect(asked[0] == Array(0..<50) && asked[1] == asked[0])
    #expect(frames[1].map(\.index) == [3, 10, 17, 24, 31, 38, 45])
    #expect(zip(frames[0], frames[1]).allSatisfy { $0.picture == $1.picture && $0.time == $1.time })
  }

  @Test func soundIsThatOfThisProcess() throws {
    let path = Self.fixtures.appending("phone.mov")
    func sounds() throws -> [any SoundSource] {
      try [MediaDecoders(.off), decoders()].map { try #require(try $0.openSound(path)) }
    }
    let packets = try sounds()
    #expect(packets[0].format == packets[1].format && !packets[1].format.header.isEmpty)
    var count = 0
    while let packet = try packets[0].nextPacket() {
      #expect(try packets[1].nextPacket() == packet)
      count += 1
    }
    #expect(try packets[1].nextPacket() == nil && count > 5)
    let samples = try sounds()
    count = 0
    while let more = try samples[0].nextSamples() {
      let others = try #require(try samples[1].nextSamples())
      #expect(others.channels == more.channels && others.timestamp == more.timestamp)
      #expect(others.sampleRate == more.sampleRate)
      count += 1
    }
    #expect(try samples[1].nextSamples() == nil && count > 5)
    #expect(try decoders().openSound(Self.fixtures.appending("constant-rate.mp4")) == nil)
    #expect(throws: MediaError.self) {
      try decoders().openSound(Self.fixtures.appending("ffprobe.json"))
    }
  }

  /// What a decoder says of a film, and who asks for it.
  private static func questions() throws -> [(
    DecoderReply, fault: String, (MediaDecoders) throws -> Void
  )] {
    let path = fixtures.appending("phone.mov")
    let format = try #require(try MediaDecoders(.off).openSound(path)).format
    func readPackets(_ decoders: MediaDecoders) throws {
      let sound = try #require(try decoders.openSound(path))
      while try sound.nextPacket() != nil {}
    }
    func readSamples(_ decoders: MediaDecoders) throws {
      let sound = try #require(try decoders.openSound(path))
      while try sound.nextSamples() != nil {}
    }
    func readSourceFrames(_ decoders: MediaDecoders) throws {
      let source = try decoders.open(path)
      while try source.nextSourceFrame() != nil {}
    }
    func find(_ decoders: MediaDecoders) throws {
      let source = try decoders.open(path)
      while try source.nextFrame(where: { _, _ in false }) != nil {}
    }
    return [
      (
        .sourceFrame(
          SourceFrameFacts(
            index: 1, time: 1, timestamp: 1, duration: 1, pixelShape: nil, colour: .bt709),
          width: 64, height: 96, DecodingReport()), "field-N@1", readSourceFrames
      ),
      (
        .found(FrameFacts(index: 1, time: 1, isCorrupt: false, isKeyframe: false)), "field-N@1",
        find
      ),
      (.sound(format), "sound-field-N@0", readPackets),
      (.packet(PacketFacts(timestamp: 1, duration: 1, bytes: 1)), "sound-field-N@1", readPackets),
      (
        .samples(SampleFacts(timestamp: 1, sampleRate: 8000, channels: 1, count: 1)),
        "sound-field-N@1", readSamples
      ),
    ]
  }

  /// Each field of it, with a number that it cannot have.
  @Test func aLieInAnyFieldCostsOneInput() throws {
    var lies = 0
    for (reply, fault, read) in try Self.questions() {
      for field in 0..<reply.written.fields.count {
        let lie = try #require(DecoderFault.lie(in: field, of: reply))
        // A timestamp can be any number.
        guard (try? DecoderReply(lie[...])) == nil else { continue }
        let decoders = decoders(fault.replacing("N", with: "\(field)"))
        let error = #expect(throws: MediaError.self, "\(reply) \(field)") { try read(decoders) }
        let reason = error?.reason ?? ""
        #expect(error?.isDeathOfDecoder == true, "\(reply) \(field): \(reason)")
        #expect(reason.contains("said what cannot be ("), "\(reply) \(field): \(reason)")
        lies += 1
      }
    }
    #expect(lies > 35)
  }

  /// Numbers that can be, and that nothing has, are the end of no more than the input.
  @Test(arguments: ["extreme@3", "sound-extreme@0", "sound-extreme@3"])
  func noNumberEndsTheProgram(_ fault: String) throws {
    let workspace = try workspace()
    for arguments in [[], ["--only-detections"], ["--style", "blur"]] {
      let outcome = try draw("on", arguments, to: "out", fault: fault, in: workspace)
      #expect([0, 3].contains(outcome.status), "\(outcome.messages)")
      #expect(!outcome.messages.contains("in this process"), "\(outcome.messages)")
      try FileManager.default.removeItem(atPath: workspace.file("out").string)
    }
  }

  /// A directory with films and pictures, and records of all their frames.
  private func workspace() throws -> Workspace {
    let workspace = try Workspace()
    for name in ["phone.mov", "constant-rate.mp4", "orientation/6.jpg", "animation.gif"] {
      let file = FilePath(name).lastComponent?.string ?? name
      let path = Self.fixtures.pushing(FilePath(name))
      try workspace.write("media/\(file)", Bytes.of(path))
      var lines: [String] = []
      let source = try MediaDecoders(.off).open(path)
      while let frame = try source.nextFrame() {
        let (width, height) = (frame.picture.width, frame.picture.height)
        let time = frame.time.map { "\($0)" } ?? "null"
        lines.append(
          #"{"source":"\#(file)","frame":\#(frame.index ?? 0),"time":\#(time),"width":\#(width),"height":\#(height),"detections":[{"label":"thing","score":0.9,"box":[4,4,20,20]}]}"#
        )
      }
      try workspace.write("found/\(file).jsonl", lines.joined(separator: "\n") + "\n")
    }
    // Sound that is encoded anew.
    _ = try Tool.run(
      "/usr/bin/ffmpeg",
      [
        "-v", "error", "-i", "media/phone.mov", "-c:v", "mjpeg", "-c:a", "pcm_s16le",
        "media/camera.avi",
      ],
      in: workspace)
    if workspace.exists("media/camera.avi") {
      try workspace.write(
        "found/camera.avi.jsonl",
        #"{"source":"camera.avi","frame":0,"time":null,"width":null,"height":null,"detections":[]}"#
          + "\n")
    } else {
      print("skipped: there is no ffmpeg to make a film with PCM")
    }
    return workspace
  }

  /// Without loss: with it x264 makes other bytes of the same pixels in one run of many.
  private func draw(
    _ mode: String, _ arguments: [any Argument] = [], to output: String, fault: String? = nil,
    in workspace: Workspace
  ) throws -> ToolOutcome {
    try Tool.run(
      [
        "draw", "found", "--root", "media", "--isolation", mode, "--workers", "2", "--crf", "0",
        "-o", output,
      ]
        + arguments, in: workspace,
      environment: fault.map { ["DETECT_BATCH_DECODER_FAULT": $0] } ?? [:])
  }

  private func files(_ workspace: Workspace, _ output: String) -> [String] {
    let all = FileManager.default.enumerator(atPath: workspace.file(output).string)
    return (all?.allObjects ?? []).compactMap { $0 as? String }.filter {
      FileManager.default.contents(atPath: workspace.file("\(output)/\($0)").string) != nil
    }.sorted()
  }

  /// The same files, byte for byte.
  @Test(arguments: [
    [], ["--style", "blur"], ["--only-detections", "--padding", "0.1"], ["--crops"],
    ["--contact-sheet"],
  ])
  func whatIsDrawnIsTheSame(_ arguments: [String]) throws {
    let workspace = try workspace()
    for mode in ["off", "required"] {
      let outcome = try draw(mode, arguments, to: mode, in: workspace)
      #expect(outcome.status == 0, "\(mode): \(outcome.messages)")
    }
    let files = files(workspace, "off")
    #expect(files == self.files(workspace, "required") && !files.isEmpty)
    for file in files {
      #expect(try workspace.read("off/\(file)") == workspace.read("required/\(file)"), "\(file)")
    }
  }

  /// In words; the other inputs are drawn, and nothing half written is left.
  @Test(arguments: [
    ("crash@30", "died of SIGSEGV after frame 29", "constant-rate.mp4"),
    (
      "socket@30", "made a system call that it may not make (SIGSYS) after frame 29",
      "constant-rate.mp4"
    ),
    ("sound-crash@3", "died of SIGSEGV in the sound", "phone.mov.mp4"),
    ("sound-crash@0", "died of SIGSEGV as it opened the sound", "phone.mov.mp4"),
    ("sound-field-2@3", "and was ended, in the sound", "phone.mov.mp4"),
  ])
  func aDeathCostsOneInput(fault: String, words: String, lost: String) throws {
    let workspace = try workspace()
    let whole = try draw("off", to: "whole", in: workspace)
    #expect(whole.status == 0, "\(whole.messages)")
    let faulty = try draw("on", to: "faulty", fault: fault, in: workspace)
    #expect(faulty.status == 3, "\(faulty.messages)")
    #expect(faulty.messages.contains(words), "\(faulty.messages)")
    let good = files(workspace, "whole")
    #expect(good.contains(lost))
    // Of the film with other sound, the same fault may be the end, too.
    let isLost = { (file: String) in
      file == lost || fault.hasPrefix("sound-") && file.hasPrefix("camera.avi")
    }
    let left = files(workspace, "faulty")
    #expect(left == good.filter { !isLost($0) }, "\(left)")
    for file in left {
      #expect(try workspace.read("faulty/\(file)") == workspace.read("whole/\(file)"), "\(file)")
    }
    // Nothing of it is a reason not to try again.
    let again = try draw("on", to: "faulty", in: workspace)
    #expect(again.status == 0, "\(again.messages)")
    #expect(try workspace.read("faulty/\(lost)") == workspace.read("whole/\(lost)"))
  }

  /// What a decoder says of crops and sheets is not believed either.
  @Test(arguments: [["--crops"], ["--contact-sheet"]])
  func aDeathAtAPictureCostsOneInput(_ arguments: [String]) throws {
    let workspace = try workspace()
    let outcome = try draw("on", arguments, to: "faulty", fault: "crash@30", in: workspace)
    #expect(outcome.status == 3, "\(outcome.messages)")
    #expect(
      outcome.messages.contains("constant-rate.mp4: the decoder died of SIGSEGV after frame 29"),
      "\(outcome.messages)")
    #expect(!outcome.messages.contains("phone.mov: the decoder"), "\(outcome.messages)")
  }
}
