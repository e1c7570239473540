/// The text of a settings digest, of this run's or of one that an earlier run kept, read to say what has changed.
struct SettingsText: Equatable, Sendable {
  private let values: [String: String]
  private let names: [String]

  /// Reads `SettingsDigest.text`: lines of a name, a space and a value. `class N` is one name.
  init(_ text: String) {
    var values: [String: String] = [:]
    var names: [String] = []
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ", omittingEmptySubsequences: false)
      let nameWords = words.first == "class" ? 2 : 1
      let name = words.prefix(nameWords).joined(separator: " ")
      if values.updateValue(words.dropFirst(nameWords).joined(separator: " "), forKey: name) == nil
      {
        names.append(name)
      }
    }
    self.values = values
    self.names = names
  }

  /// What differs from earlier settings, in words that go after a colon.
  func changes(since old: SettingsText) -> String {
    var phrases: [String] = []
    for name in names + old.names.filter({ values[$0] == nil })
    where values[name] != old.values[name] {
      let phrase = Self.phrase(name, old.values[name], values[name])
      // Of all classes together it is said once.
      if !phrases.contains(phrase) { phrases.append(phrase) }
    }
    return phrases.joined(separator: ", ")
  }

  private static func phrase(_ name: String, _ old: String?, _ new: String?) -> String {
    switch name {
    case "model": return "another model"
    case _ where name.hasPrefix("class "): return "other classes or score thresholds"
    case "range":
      return
        "from --start to --end was \(said(old, between: " to ")), is \(said(new, between: " to "))"
    case "select": return "sampling was \(said(old)), is \(said(new))"
    default: return "\(name) was \(said(old)), is \(said(new))"
    }
  }

  private static func said(_ value: String?, between: String = " ") -> String {
    guard let value else { return "not there" }
    return value.split(separator: " ").map { $0 == "-" ? "none" : $0 }.joined(separator: between)
  }

  /// Whether these settings leave out frames that earlier settings took: of an input with so many records, frames that
  /// would be thrown away. Where two ways to pick frames cannot be compared, as keyframes and every tenth frame, the
  /// answer is no.
  func takesFewerFrames(than old: SettingsText, which recorded: Int) -> Bool {
    // Of an image there is never less than one.
    guard recorded > 1 else { return false }
    if picks(fewerThan: old) { return true }
    if bound("range", 0) ?? -.infinity > old.bound("range", 0) ?? -.infinity { return true }
    if bound("range", 1) ?? .infinity < old.bound("range", 1) ?? .infinity { return true }
    let limit = bound("max-frames", 0) ?? .infinity
    return limit < old.bound("max-frames", 0) ?? .infinity && limit < Double(recorded)
  }

  private func picks(fewerThan old: SettingsText) -> Bool {
    guard let new = values["select"], let before = old.values["select"], new != before else {
      return false
    }
    if before == "all" || new == "all" { return before == "all" }
    guard let step = bound("select", 1), let oldStep = old.bound("select", 1),
      new.prefix(5) == before.prefix(5)
    else { return false }
    return new.hasPrefix("every ") ? step > oldStep : step < oldStep
  }

  /// The number at a place of a value; nil where there is none.
  private func bound(_ name: String, _ place: Int) -> Double? {
    let words = values[name]?.split(separator: " ") ?? []
    return words.indices.contains(place) ? Double(words[place]) : nil
  }
}
