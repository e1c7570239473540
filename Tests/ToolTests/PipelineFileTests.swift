import ArgumentParser
import Settings
import SystemPackage
import Testing

@testable import detect_batch

struct PipelineFileTests {
  private func options(_ text: String, _ arguments: [String] = []) throws -> DetectCommand {
    let workspace = try Workspace()
    try workspace.write("p.yaml", text)
    var options = try DetectCommand.parse(arguments)
    try options.fill(from: PipelineFile(contentsOf: workspace.file("p.yaml"), name: "p.yaml"))
    return options
  }

  @Test func keysAreLongOptions() throws {
    let options = try options(
      """
      fps: 2
      start: 00:01:30
      class-threshold: {qr_code: 0.4, barcode: 0.5}
      classes: [qr_code, barcode]
      exclude: "*.tmp"
      class-agnostic-nms: yes
      memory-limit: 2GiB
      overwrite: always
      """)
    #expect(options.sampling.fps == 2)
    #expect(options.sampling.start == 90)
    #expect(
      options.model.classThreshold == [
        ClassThreshold(label: "qr_code", score: 0.4), ClassThreshold(label: "barcode", score: 0.5),
      ])
    #expect(options.model.classes.flatMap { $0 } == ["qr_code", "barcode"])
    #expect(options.input.exclude == ["*.tmp"])
    #expect(options.model.classAgnosticNMS == true)
    #expect(options.resources.memoryLimit == 2 << 30)
    #expect(options.output.overwrite == .always)
  }

  @Test func whatIsTypedWins() throws {
    let options = try options(
      "fps: 2\nclasses: qr_code\nmax-frames: 5\nquiet: true",
      ["--keyframes", "--classes", "aztec", "--max-frames", "7", "--verbose"])
    #expect(options.sampling.fps == nil)
    #expect(options.sampling.keyframes)
    #expect(options.model.classes == [["aztec"]])
    #expect(options.sampling.maxFrames == 7)
    #expect(options.report.verbose && !options.report.quiet)
  }

  @Test(arguments: [
    ("fps: fast", "p.yaml:1: 'fps' has to be a number above 0, such as 2 or 0.5, not 'fast'"),
    ("\nmax-frames: 1.5", "p.yaml:2: 'max-frames' has to be a whole number above 0, not '1.5'"),
    ("quiet: maybe", "p.yaml:1: 'quiet' has to be true or false, not 'maybe'"),
    (
      "overwrite: sometimes",
      "p.yaml:1: 'overwrite' has to be one of skip, stale, always, error, not 'sometimes'"
    ),
    (
      "class-threshold: {qr_code: 7}",
      "p.yaml:1: 'class-threshold.qr_code' has to be a number from 0 to 1, not '7'"
    ),
  ])
  func wrongValues(text: String, message: String) throws {
    let error = #expect(throws: SettingsError.self) { try options(text) }
    #expect(error?.description == message)
  }

  @Test func wrongValuesAreFoundEvenWhereAnOptionWins() {
    #expect(throws: SettingsError.self) { try options("fps: fast", ["--fps", "2"]) }
  }

  @Test func unknownKeys() throws {
    let error = #expect(throws: SettingsError.self) { try options("fps: 2\nframes: 3") }
    let text = error?.description ?? ""
    #expect(text.hasPrefix("p.yaml:2: there is no key 'frames'; "))
    // Every option that a file may hold is named.
    for option in UsageTests.options
    where !["pipeline", "dry-run", "version"].contains(option) {
      #expect(text.contains(" \(option)"), "\(option)")
    }
  }

  @Test func twoSamplingsInOneFile() {
    let error = #expect(throws: ValidationError.self) { try options("every: 2\nkeyframes: true") }
    #expect(error?.message == "p.yaml: every and keyframes cannot go together: give one")
  }
}
