import ArgumentParser
import Foundation

/// What the argument parser says about wrong usage, in this program's words: one line, what was meant, and which help
/// to read.
struct CommandLineError {
  let message: String

  /// - Parameters:
  ///   - error: what parsing threw.
  ///   - arguments: the command line, to tell a subcommand that was mistyped.
  init(_ error: any Error, arguments: [String]) {
    // The parser's messages may have several lines.
    let lines = DetectBatch.message(for: error).split(separator: "\n")
    var message = lines.map { $0.trimmingPrefix { $0 == " " } }.joined(separator: " ")
    let help = Self.help(DetectBatch.fullMessage(for: error))
    let options = Self.options(of: help.command)
    if let unknown = Self.unknownOption(message, arguments, options) {
      message = "Unknown option '\(unknown)'"
      let suggestion = Suggestion(options: options, subcommands: DetectBatch.subcommandNames)
      if let hint = Self.subcommandHint(arguments) {
        message += ": \(hint)"
      } else if let said = suggestion.forOption(unknown) {
        message += said
      }
    }
    self.message = ArgumentBytes.display(message) + " (see \(help.text))"
  }

  /// The option that does not exist, if that is what is wrong. The parser finds it only where all that is needed is
  /// there, takes -conf for four options, and its suggestions are often unlike what was typed (--root for --conf).
  private static func unknownOption(
    _ message: String, _ arguments: [String], _ options: [String]
  ) -> String? {
    let typed = arguments.prefix { $0 != "--" }.map { String($0.prefix { $0 != "=" }) }
    if let found = message.prefixMatch(of: /Unknown option '([^']*)'/) {
      let name = String(found.1)
      guard name.count == 2, !name.hasPrefix("--") else { return name }
      return typed.first { $0.hasPrefix(name) && $0.count > 3 } ?? name
    }
    let parsersOwn = ["help", "help-hidden", "generate-completion-script"]
    return typed.first { word in
      word.hasPrefix("--") && !options.contains(String(word.dropFirst(2)))
        && !parsersOwn.contains(String(word.dropFirst(2)))
    }
  }

  /// What to say where the first argument is no file and may have been meant for a subcommand.
  static func subcommandHint(_ arguments: [String]) -> String? {
    guard let word = arguments.first, word.count > 1,
      word.allSatisfy({ $0.isLetter || $0 == "-" || $0 == "_" }), !word.hasPrefix("-"),
      !DetectBatch.subcommandNames.contains(word), !Places.exists(ArgumentBytes.path(word))
    else { return nil }
    return Suggestion(options: [], subcommands: DetectBatch.subcommandNames).forSubcommand(word)
  }

  /// The command that an error is about, from the parser's "See 'detect-batch import --help' for more information.",
  /// and its help.
  private static func help(_ text: String) -> (command: String, text: String) {
    let own = "detect"
    let name = text.firstMatch(of: /See 'detect-batch ([a-z]+) --help'/).map { String($0.1) } ?? own
    // The default command's help is the program's.
    return (name, name == own ? "detect-batch --help" : "detect-batch \(name) --help")
  }

  /// The long options of a command, as its help lists them.
  static func options(of name: String) -> [String] {
    let command = DetectBatch.configuration.subcommands.first {
      $0.configuration.commandName == name
    }
    guard let command else { return [] }
    let text = DetectBatch.helpMessage(for: command, columns: 1000)
    var options: [String] = []
    for line in text.split(separator: "\n") where line.hasPrefix("  -") {
      let names = line.dropFirst(2).prefix { $0 != "<" }
      // Names come first, two blanks before the words about them.
      let head = names.firstRange(of: "  ").map { names[..<$0.lowerBound] } ?? names
      options += head.matches(of: /--([a-z0-9-]+)/).map { String($0.1) }
    }
    return options
  }
}

extension DetectBatch {
  /// As they are typed.
  static var subcommandNames: [String] {
    configuration.subcommands.compactMap { $0.configuration.commandName }
  }
}
