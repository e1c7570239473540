/// Where options that were not typed take their values from, by the long option's name. `TrainOptions` goes through all
/// of its options with one.
protocol OptionSource {
  /// Gives a value to an option that has none.
  func fill<Value>(_ option: inout Value?, _ key: String, _ read: (String) throws -> Value) throws
  /// Sets a flag that is not set.
  func fill(_ flag: inout Bool, _ key: String) throws
  /// Gives values to an option that has none.
  func fill<Value>(
    _ option: inout [Value], _ key: String, _ read: (String) throws -> Value
  ) throws
}

extension PipelineFile: OptionSource {}

/// Takes down which options have values, and changes none.
final class ChosenOptions: OptionSource {
  /// By the long option's name.
  private(set) var values: [String: Any] = [:]
  /// The names in the order of the help.
  private(set) var names: [String] = []

  func fill<Value>(_ option: inout Value?, _ key: String, _ read: (String) throws -> Value) {
    if let option { take(option, key) }
  }

  func fill(_ flag: inout Bool, _ key: String) {
    if flag { take(flag, key) }
  }

  func fill<Value>(_ option: inout [Value], _ key: String, _ read: (String) throws -> Value) {
    if !option.isEmpty { take(option, key) }
  }

  private func take(_ value: Any, _ name: String) {
    values[name] = value
    names.append(name)
  }
}

/// Takes values from another training's options.
struct EarlierOptions: OptionSource {
  private let values: [String: Any]

  init(_ options: TrainOptions) throws {
    let chosen = ChosenOptions()
    var options = options
    try options.fillChoices(from: chosen)
    values = chosen.values
  }

  func fill<Value>(_ option: inout Value?, _ key: String, _ read: (String) throws -> Value) {
    option = option ?? values[key] as? Value
  }

  func fill(_ flag: inout Bool, _ key: String) {
    if values[key] != nil { flag = true }
  }

  func fill<Value>(_ option: inout [Value], _ key: String, _ read: (String) throws -> Value) {
    if option.isEmpty, let earlier = values[key] as? [Value] { option = earlier }
  }
}
