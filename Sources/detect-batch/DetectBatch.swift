import ArgumentParser
import DetectionPipeline
import FrameDecoding
import Glibc

/// The program: arguments to a command, its outcome to an exit status.
@main
struct DetectBatch: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "detect-batch",
    abstract: "Finds objects in directories of videos and images.",
    subcommands: [
      DetectCommand.self, ImportCommand.self, InspectCommand.self, MergeCommand.self,
      EvaluateCommand.self, TrainCommand.self, QuantizeCommand.self, DrawCommand.self,
      ExportCommand.self, ModelsCommand.self, FetchCommand.self, ReportCommand.self,
      CompletionsCommand.self,
    ],
    defaultSubcommand: DetectCommand.self)

  static func main() {
    // Before all else: a decoder process is given nothing that it would have to give up.
    if DecoderServer.isMeant(by: CommandLine.arguments) { DecoderServer.run(CommandLine.arguments) }
    // A closed pipe and a limit on the size of files (ulimit -f) are errors of write(2), not the end of the process.
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
    // Where it is ignored from the start, nobody learns how a decoder died.
    signal(SIGCHLD, SIG_DFL)
    occupyStandardStreams()
    // Before there is a second thread. Of the other commands' start nobody waits for the first picture.
    if isDetection(CommandLine.arguments) { EarlyDecoder.begin() }
    // Before all that takes time: what comes before it can only be killed.
    SignalHandling.begin()
    Glibc.exit(run(ArgumentBytes.ofProcess()).rawValue)
  }

  /// Whether the default command is likely to be meant, and to do something.
  private static func isDetection(_ arguments: [String]) -> Bool {
    guard arguments.count > 1 else { return false }
    let others = configuration.subcommands.compactMap { $0.configuration.commandName }
    return (arguments[1] == "detect" || !others.contains(arguments[1]))
      && !["help", "-h", "--help", "--version"].contains(where: arguments.contains)
  }

  /// Puts something in the place of standard streams that are closed: else the next file to be opened would take it,
  /// and records would be mixed with messages. Writing to a standard output that was closed stays an error.
  private static func occupyStandardStreams() {
    for stream in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO]
    where fcntl(stream, F_GETFD) == -1 {
      // Takes the lowest free number, which is this one.
      _ = open("/dev/null", stream == STDERR_FILENO ? O_WRONLY : O_RDONLY)
    }
  }

  /// Runs the command that the arguments name.
  static func run(_ arguments: [String]) -> ExitStatus {
    // Until the options are known, what they say of messages is looked for among the words.
    Log.configure(LogFormat.typed(in: arguments))
    // The default command's options belong into the plain help (ArgumentParser would leave them out).
    if arguments == ["--help"] || arguments == ["-h"] || arguments == ["help"] {
      return ProgramOutput.write(helpMessage(for: DetectCommand.self, columns: Self.helpColumns))
    }
    do {
      var command = try parseAsRoot(arguments)
      guard let command = command as? any ToolCommand else {
        // The parser's own commands, such as `help import`.
        try command.run()
        return .done
      }
      return try command.execute()
    } catch {
      return report(error, arguments)
    }
  }

  private static let helpColumns = 100

  private static func report(_ error: any Error, _ arguments: [String]) -> ExitStatus {
    if exitCode(for: error) == .success {
      return ProgramOutput.write(fullMessage(for: error, columns: Self.helpColumns))
    }
    let fault = Fault(error, arguments: arguments)
    Log.error(fault.description)
    return fault.status
  }
}

/// A command of this program.
protocol ToolCommand: ParsableCommand {
  /// Does the work.
  func execute() throws -> ExitStatus
}
