import DetectionPipeline
import DetectionRecords

/// A part of the work: said, or to be taken from the scheduler that started this process.
enum ShardChoice: Equatable {
  case auto
  case part(Part)

  /// The part, with `auto` looked up and said aloud.
  ///
  /// - Parameters:
  ///   - option: the option's name.
  ///   - environment: the variables of this process.
  /// - Returns: the part.
  /// - Throws: `Fault` where the environment does not say which part it is.
  func resolve(_ option: String, environment: [String: String]) throws(Fault) -> Part {
    switch self {
    case .part(let part): return part
    case .auto:
      do {
        let assignment = try ShardAssignment(environment: environment)
        Log.logger.notice("\(option) auto: part \(assignment.part) by \(assignment.origin)")
        return assignment.part
      } catch {
        throw Fault(.usage, "\(option) auto: \(error)")
      }
    }
  }
}

extension OptionValue {
  /// A part of the work, as I/N or auto.
  static func shard(_ text: String) throws(OptionValueError) -> ShardChoice {
    if text == "auto" { return .auto }
    guard let part = Part(text) else {
      throw OptionValueError(expected: "I/N with I from 1 to N, such as 2/7, or auto")
    }
    return .part(part)
  }
}
