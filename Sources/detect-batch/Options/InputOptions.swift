import ArgumentParser
import DetectionPipeline

/// What to look at.
struct InputOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Names of sources, and so of outputs, begin below this directory. (default: a directory "
        + "that was named, else the working directory)", valueName: "directory"),
    completion: .directory)
  var root: String?

  @Option(
    help: ArgumentHelp(
      "Read names of inputs from this file, one a line or each ended by a zero byte (find -print0); "
        + "- is standard input. Repeatable.", valueName: "list"), completion: .file())
  var filesFrom: [String] = []

  @Option(
    help: ArgumentHelp(
      "Of what lies in directories, take only what matches. Repeatable.", valueName: "glob"))
  var include: [String] = []

  @Option(
    help: ArgumentHelp(
      "Leave out what matches. Repeatable; wins over --include.", valueName: "glob"))
  var exclude: [String] = []

  @Flag(
    help: ArgumentHelp(
      "Try every file in directories, not only those with a known extension: "
        + (MediaExtensions.video + MediaExtensions.image).joined(separator: " ") + "."))
  var allFiles = false

  @Option(
    help: ArgumentHelp(
      "Leave files changed within the last so many seconds for the next run: they may still be "
        + "being written. (default: 0)", valueName: "seconds"),
    transform: OptionValue.seconds)
  var settle: Double?

  @Flag(help: "No input at all is success, not an error.")
  var allowEmpty = false

  mutating func fill(from file: PipelineFile) throws {
    try file.fill(&root, "root", OptionValue.text)
    try file.fill(&filesFrom, "files-from")
    try file.fill(&include, "include")
    try file.fill(&exclude, "exclude")
    try file.fill(&allFiles, "all-files")
    try file.fill(&settle, "settle", OptionValue.seconds)
    try file.fill(&allowEmpty, "allow-empty")
  }
}
