import ArgumentParser
import DetectionPipeline

/// `detect-batch completions`.
struct CompletionsCommand: ToolCommand {
  static let configuration = CommandConfiguration(
    commandName: "completions",
    abstract: "Prints a script with which a shell completes commands, options and file names.",
    discussion: """
      The Debian package installs it for all three shells. By hand, for the shell at hand:

        bash: source <(detect-batch completions bash)       in ~/.bashrc
        zsh:  detect-batch completions zsh > _detect-batch  in a folder of $fpath
        fish: detect-batch completions fish > ~/.config/fish/completions/detect-batch.fish
      """)

  /// The shells.
  enum Shell: String, CaseIterable {
    case bash, zsh, fish

    var inParser: CompletionShell {
      switch self {
      case .bash: .bash
      case .zsh: .zsh
      case .fish: .fish
      }
    }
  }

  @Argument(
    help: ArgumentHelp("The shell.", valueName: "bash|zsh|fish"),
    completion: .list(Shell.allCases.map(\.rawValue)), transform: OptionValue.choice)
  var shell: Shell

  func execute() throws -> ExitStatus {
    ProgramOutput.write(CompletionScript.text(for: shell))
  }
}
