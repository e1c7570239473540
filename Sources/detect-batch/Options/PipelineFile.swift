import Settings
import SystemPackage

/// A file of `pipelines/`: choices of a run, where a key is a long option's name. What was typed wins; every key
/// and value in the file is checked all the same.
struct PipelineFile {
  /// As the user knows it.
  let name: String
  private let settings: SettingsTree

  /// Reads a file.
  ///
  /// - Throws: `SettingsError`; `Fault` where the file cannot be read.
  init(contentsOf path: FilePath, name: String) throws {
    try self.init(text: TextFile.read(path), name: name)
  }

  /// Takes a text.
  ///
  /// - Throws: `SettingsError`.
  init(text: String, name: String) throws {
    self.name = name
    settings = try SettingsTree.parse(text, file: name)
  }

  /// Refuses keys that are not options.
  func finish() throws { try settings.finish() }

  /// Takes the value of a key where the option was not typed.
  func fill<Value>(
    _ option: inout Value?, _ key: String, _ read: (String) throws -> Value
  ) throws {
    guard let value = settings.value(key) else { return }
    let chosen = try check(value, read)
    option = option ?? chosen
  }

  /// Takes the value of a key where the flag was not typed.
  func fill(_ flag: inout Bool, _ key: String) throws {
    if let value = try settings.bool(key), value { flag = true }
  }

  /// Takes the value of a key where neither the flag nor its opposite was typed.
  func fill(_ flag: inout Bool?, _ key: String) throws {
    if let value = try settings.bool(key) { flag = flag ?? value }
  }

  /// Takes the texts of a key, one or a list, where the option was not typed.
  func fill(_ option: inout [String], _ key: String) throws {
    try fill(&option, key, OptionValue.text)
  }

  /// Takes the values of a key, one or a list, where the option was not typed.
  func fill<Value>(
    _ option: inout [Value], _ key: String, _ read: (String) throws -> Value
  ) throws {
    guard let value = settings.value(key) else { return }
    let chosen = try value.elements().map { try check($0, read) }
    if option.isEmpty { option = chosen }
  }

  /// Takes a map from labels to scores, or a list of LABEL=X.
  func fillThresholds(_ option: inout [ClassThreshold], _ key: String) throws {
    guard let value = settings.value(key) else { return }
    let map: SettingsTree
    do {
      map = try value.map()
    } catch {
      return try fill(&option, key, OptionValue.classThreshold)
    }
    let chosen = try map.keys.compactMap { label in
      try map.value(label).map {
        ClassThreshold(label: label, score: try check($0, OptionValue.score))
      }
    }
    if option.isEmpty { option = chosen }
  }

  private func check<Value>(
    _ value: SettingsValue, _ read: (String) throws -> Value
  ) throws -> Value {
    let text = try value.string()
    do {
      return try read(text)
    } catch let error as OptionValueError {
      throw value.wrong(error.expected)
    }
  }
}

extension SettingsValue {
  /// The elements of a list; anything else stands for itself.
  fileprivate func elements() -> [SettingsValue] {
    do { return try list() } catch { return [self] }
  }
}
