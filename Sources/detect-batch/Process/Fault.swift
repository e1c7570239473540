import DetectionPipeline
import Failures
import Settings

/// What ends a command, as the process tells it: one line, and what it exits with.
struct Fault: Error, Equatable, CustomStringConvertible {
  let status: ExitStatus
  /// One line: what, on what, and what to do.
  let description: String

  init(_ status: ExitStatus, _ description: String) {
    self.status = status
    self.description = description
  }

  /// - Parameters:
  ///   - error: whatever ended the command.
  ///   - arguments: the command line, for what may have been meant.
  init(_ error: any Error, arguments: [String] = []) {
    switch error {
    case let error as Fault:
      self.init(error.status, error.description, arguments)
    case let error as SettingsError:
      self.init(ExitStatus(error.kind), error.description + (Suggestion.forKey(error) ?? ""))
    case let error as RunError:
      self.init(ExitStatus(error.kind), error.description, arguments)
    case let error as any ClassifiedError:
      self.init(ExitStatus(error.kind), error.description)
    default:
      guard DetectBatch.exitCode(for: error) == .validationFailure else {
        self.init(.bug, "\(error)")
        return
      }
      self.init(.usage, CommandLineError(error, arguments: arguments).message)
    }
  }

  /// What is not there may have been meant for a subcommand.
  private init(_ status: ExitStatus, _ description: String, _ arguments: [String]) {
    let hint = status == .noInput ? CommandLineError.subcommandHint(arguments) : nil
    self.init(status, description + (hint.map { "; \($0)" } ?? ""))
  }
}
