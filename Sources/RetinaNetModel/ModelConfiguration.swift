import Files
import Settings
import SystemPackage

/// A text that says what a checkpoint's weights do not: YAML or JSON as `ModelFile` documents, read together with
/// the weights, which it has to agree with.
public struct ModelConfiguration: Sendable {
  /// A configuration is a page; nobody has one of more than this.
  private static let maxByteCount = 1 << 20

  let text: String
  let file: String

  /// Takes a text.
  ///
  /// - Parameters:
  ///   - text: YAML or JSON.
  ///   - file: its name in errors.
  public init(text: String, file: String) {
    self.text = text
    self.file = file
  }

  /// Reads a text from a file.
  ///
  /// - Parameter path: of YAML or JSON in UTF-8.
  /// - Throws: `Errno`, or `SettingsError` where it is no text.
  public init(contentsOf path: FilePath) throws {
    var bytes: [UInt8]?
    do {
      bytes = try WholeFile.read(path, limit: Self.maxByteCount)
    } catch {
      if error != .fileTooLarge { throw error }
    }
    guard let bytes, let text = String(validating: bytes, as: UTF8.self) else {
      throw SettingsError(
        file: path.string, line: nil, keyPath: "",
        problem: .wrongValue(found: "something else", expected: "a text of at most 1 MiB in UTF-8"))
    }
    self.init(text: text, file: path.string)
  }
}
