import Settings

/// What is said about an option or a subcommand that does not exist: what was meant, or nothing. None is better than a
/// wrong one.
struct Suggestion {
  /// Long names of the command's options, without dashes.
  let options: [String]
  /// The program's subcommands.
  let subcommands: [String]

  /// What to add to "Unknown option '--x'": a sentence with what comes before it, or nil.
  ///
  /// - Parameters:
  ///   - name: the option, with or without its dashes.
  ///   - dashes: what stands before an option's name: nothing in a pipeline file.
  /// - Returns: the sentence's rest, or nil where nothing is like it.
  func forOption(_ name: String, dashes: String = "--") -> String? {
    let typed = Likeness.normal(String(name.drop { $0 == "-" }))
    guard !typed.isEmpty else { return nil }
    func said(_ words: [String]) -> String {
      let quoted = words.map { "'\(dashes)\($0)'" }
      return quoted.dropLast().joined(separator: ", ")
        + (quoted.count > 1 ? " or " : "") + (quoted.last ?? "")
    }
    let answers = answers.compactMapValues { text($0, said) }
    if let answer = answers[typed] { return answer }
    let own = Likeness.nearest(to: typed, among: options)
    // Short names of so many tools are near to anything.
    let other = Likeness.nearest(to: typed, among: answers.keys.filter { $0.count >= 6 }.sorted())
    // What stands in another tool's manual is meant only where it is nearer than what stands in ours.
    if let other, other.distance < own?.distance ?? .max {
      // Two tools' names for one thing are one answer.
      let said = Set(other.words.compactMap { answers[$0] })
      if said.count == 1 { return said.first }
    } else if let own, own.words.count <= 3 {
      return ". Did you mean \(said(own.words))?"
    }
    let longer = Likeness.continuations(of: typed, among: options)
    return longer.isEmpty ? nil : ". Did you mean \(said(longer))?"
  }

  /// What to add to the error of a pipeline file's key that is no option, or nil; other settings are not options.
  static func forKey(_ error: SettingsError) -> String? {
    guard case .unknownKey(let allowed) = error.problem, !error.keyPath.contains(".") else {
      return nil
    }
    let said = Suggestion(options: allowed, subcommands: [])
      .forOption(error.keyPath, dashes: "")
    // After a list of all keys it is a sentence of its own.
    return said.map { $0.hasPrefix(": h") ? ". H" + $0.dropFirst(3) : $0 }
  }

  /// What to say about a word that may have been meant for a subcommand, or nil.
  func forSubcommand(_ word: String) -> String? {
    let typed = Likeness.normal(word)
    if let answer = OtherNames.subcommands[typed] {
      switch answer {
      case .subcommand(let name, _):
        return subcommands.contains(name) ? "did you mean the subcommand '\(name)'?" : nil
      case .text(let text): return text
      case .options: return nil
      }
    }
    // The word is a directory's more often than not.
    guard let near = Likeness.nearest(to: typed, among: subcommands), near.words.count == 1,
      near.distance == 1
    else { return nil }
    return "did you mean the subcommand '\(near.words[0])'?"
  }

  /// What other tools' names of options mean for this command, which is known by its options.
  private var answers: [String: OtherNames.Answer] {
    var answers = OtherNames.options
    if options.contains("every") { answers.merge(OtherNames.detectOptions) { $1 } }
    if options.contains("epochs") { answers.merge(OtherNames.trainOptions) { $1 } }
    if options.contains("workers") { answers.merge(OtherNames.networkOptions) { $1 } }
    return answers
  }

  /// An answer in words, beginning with the punctuation before it; nil where the command has no such option.
  private func text(_ answer: OtherNames.Answer, _ said: ([String]) -> String) -> String? {
    switch answer {
    case .options(let names):
      names.first(where: options.contains).map { ": here it is \(said([$0]))" }
    case .subcommand(let name, _) where subcommands.contains(name):
      ": the subcommand '\(name)' does that with records"
    case .subcommand(_, let text), .text(let text): ": \(text)"
    }
  }
}
