import Foundation
import SystemPackage
import TestSupport
import Testing

/// What shells and manuals are told of the program.
@Suite struct CompletionTests {
  /// What a real bash offers for the last of some words.
  private func offered(_ words: [String], in workspace: Workspace) throws -> [String] {
    let script = """
      source <("$0" completions bash)
      COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE}
      read -r _ _ _ _ function _ < <(complete -p detect-batch)
      "$function" detect-batch "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
      printf '%s\\n' "${COMPREPLY[@]}"
      """
    let outcome = try Tool.run(
      "/bin/bash", ["-c", script, Tool.program.string, "detect-batch"] + words, in: workspace)
    #expect(outcome.status == 0 && outcome.messages.isEmpty, "\(outcome.messages)")
    return outcome.text.split(separator: "\n").map(String.init)
  }

  @Test(arguments: [
    (["im"], ["import"]), (["cli"], ["clips"]), (["--score"], ["--score-threshold"]),
    (["clips", "--fp"], ["--fps"]), (["--fps", "2", "cl"], ["clips"]),
    (["clips", "--fps", "2", "--outp"], ["--output"]), (["--output", "cl"], ["clips"]),
    (["--files-from", "li"], ["list.txt"]), (["--overwrite", "st"], ["stale"]),
    (["import", "--st"], ["--storage"]), (["import", "--storage", "b"], ["bfloat16"]),
    (["evaluate", "--curves", "dr"], ["drawing.svg"]), (["completions", "f"], ["fish"]),
    (["merge", "--f"], []),
  ])
  func bashCompletes(words: [String], expected: [String]) throws {
    let workspace = try Workspace()
    for name in ["clips/a.mp4", "list.txt", "drawing.svg", "drawing.txt"] {
      try workspace.write(name, "")
    }
    #expect(try offered(words, in: workspace) == expected)
  }

  @Test func theFirstWordIsACommandOrAFile() throws {
    let workspace = try Workspace()
    try workspace.write("clips/a.mp4", "")
    let words = try offered([""], in: workspace)
    #expect(Set(words).isSuperset(of: ["clips", "inspect", "train", "help"]), "\(words)")
  }

  /// Only their form, where there is no such shell to try them in.
  @Test(arguments: ["zsh", "fish"])
  func otherShellsHaveTheDefaultCommandsOptions(shell: String) throws {
    let outcome = try Tool.run(["completions", shell], in: Workspace())
    #expect(outcome.status == 0)
    switch shell {
    case "zsh":
      #expect(outcome.text.hasPrefix("#compdef detect-batch\n"))
      #expect(outcome.text.contains("compdef _detect-batch_default detect-batch"))
      #expect(!outcome.text.contains("compdef _detect-batch detect-batch"))
    default:
      let own = outcome.text.split(separator: "\n").filter {
        $0.contains("-n 'not __fish_seen_subcommand_from detect import")
      }
      #expect(own.contains { $0.contains("-l 'score-threshold'") })
      #expect(own.contains { $0.hasSuffix("' -F") })
    }
  }

  @Test func anUnknownShellIsRefused() throws {
    let outcome = try Tool.run(["completions", "tcsh"], in: Workspace())
    #expect(outcome.status == 64)
    #expect(outcome.messages.contains("one of bash, zsh, fish"))
  }
}

/// The manual pages, and the descriptions of options that they and the help consist of.
@Suite struct ManualTests {
  private struct Description: Decodable {
    struct Argument: Decodable {
      struct Name: Decodable { var name: String }
      var kind: String
      var abstract: String?
      var names: [Name]?
      var isOptional: Bool
    }
    struct Command: Decodable {
      var commandName: String
      var arguments: [Argument]?
      var subcommands: [Command]?
    }
    var command: Command
  }

  private static func description() throws -> (json: [UInt8], commands: [Description.Command]) {
    let outcome = try Tool.run(["--experimental-dump-help"], in: Workspace())
    let description = try JSONDecoder().decode(Description.self, from: Data(outcome.output))
    return (outcome.output, description.command.subcommands ?? [])
  }

  /// Options without which nothing of their kind happens: there is no value that they have by default.
  private static let requests: Set = [
    "annotations", "config", "curves", "deployments", "format", "images", "output", "pipeline",
    "restart-from", "results", "resume", "split", "timestamps", "write-thresholds",
  ]

  @Test func everyOptionSaysItsDefault() throws {
    let commands = try Self.description().commands
    #expect(commands.count >= 8)
    for command in commands {
      for option in command.arguments ?? [] where option.kind == "option" {
        let name = option.names?.last?.name ?? "?"
        let text = option.abstract ?? ""
        #expect(
          text.contains("(default: ") || text.contains("Repeatable")
            || Self.requests.contains(name),
          "\(command.commandName) --\(name): \(text)")
      }
    }
  }

  @Test func everyCommandHasAPageWithItsOptions() throws {
    let (json, commands) = try Self.description()
    let workspace = try Workspace()
    let script = FilePath(TestData.packageRoot.path).appending("scripts/packaging/manual.py")
    let outcome = try Tool.run(
      "/usr/bin/env", ["python3", script, "1.2.3", "2026-01-02", "pages"], in: workspace,
      input: json)
    #expect(outcome.status == 0, "\(outcome.messages)")
    for command in commands where command.commandName != "help" {
      let name = "detect-batch" + (command.commandName == "detect" ? "" : "-\(command.commandName)")
      let page = String(decoding: try workspace.read("pages/\(name).1"), as: UTF8.self)
      #expect(page.hasPrefix(".TH \""))
      #expect(page.contains("detect\\-batch") && page.contains("\"2026-01-02\""))
      for option in command.arguments ?? [] {
        for word in option.names ?? [] {
          let text = word.name.replacing("-", with: "\\-")
          #expect(page.contains("\\-\(text)\\fR"), "\(name) --\(word.name)")
        }
      }
    }
  }
}
