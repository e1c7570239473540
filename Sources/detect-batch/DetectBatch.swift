import ArgumentParser
import DetectionPipeline
import Glibc

/// The program: arguments to a command, its outcome to an exit status.
@main
struct DetectBatch: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "detect-batch",
    abstract: "Finds objects in directories of videos and images.",
    subcommands: [
      DetectCommand.self, ImportCommand.self, InspectCommand.self, MergeCommand.self,
      EvaluateCommand.self, TrainCommand.self,
    ],
    defaultSubcommand: DetectCommand.self)

  static func main() {
    // A closed pipe is an error of write(2), not the end of the process.
    signal(SIGPIPE, SIG_IGN)
    Glibc.exit(run(ArgumentBytes.ofProcess()).rawValue)
  }

  /// Runs the command that the arguments name.
  static func run(_ arguments: [String]) -> ExitStatus {
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
      return report(error)
    }
  }

  private static let helpColumns = 100

  private static func report(_ error: any Error) -> ExitStatus {
    if exitCode(for: error) == .success {
      return ProgramOutput.write(fullMessage(for: error, columns: Self.helpColumns))
    }
    let fault = Fault(error)
    Log.error(fault.message)
    return fault.status
  }
}

/// A command of this program.
protocol ToolCommand: ParsableCommand {
  /// Does the work.
  func execute() throws -> ExitStatus
}
