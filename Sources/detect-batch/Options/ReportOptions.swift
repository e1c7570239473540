import ArgumentParser
import Logging

/// What is said on standard error.
struct ReportOptions: ParsableArguments {
  @Flag(help: "Say only what went wrong.")
  var quiet = false

  @Flag(help: "Say what becomes of each input.")
  var verbose = false

  @Option(
    help: ArgumentHelp(
      "Lines for people, or one JSON object a line. (default: text)", valueName: "text|json"),
    completion: .list(LogFormat.allCases.map(\.rawValue)),
    transform: OptionValue.choice)
  var logFormat: LogFormat?

  func validate() throws {
    if quiet && verbose { throw ValidationError("--quiet and --verbose cannot go together") }
  }

  mutating func fill(from file: PipelineFile) throws {
    let isChosen = quiet || verbose
    var (fileQuiet, fileVerbose) = (false, false)
    try file.fill(&fileQuiet, "quiet")
    try file.fill(&fileVerbose, "verbose")
    if !isChosen { (quiet, verbose) = (fileQuiet, fileVerbose) }
    try validate()
    try file.fill(&logFormat, "log-format", OptionValue.choice)
  }

  var level: Logger.Level { quiet ? .warning : verbose ? .debug : .info }
}
