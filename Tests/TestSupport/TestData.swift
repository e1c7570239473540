import Foundation

/// The real inputs beside the project (`DETECT_BATCH_TEST_DATA`, else `../shared/data`): tests that use them
/// are skipped, aloud, where they are absent.
public enum TestData {
  /// The folder that holds this package's `Package.swift`.
  public static let packageRoot = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// The folder of real inputs, or nil (said once on stderr).
  public static let folder: URL? = {
    let named = ProcessInfo.processInfo.environment["DETECT_BATCH_TEST_DATA"]
    let folder =
      named.map { URL(filePath: $0) }
      ?? packageRoot.deletingLastPathComponent().appending(path: "shared/data")
    if FileManager.default.fileExists(atPath: folder.path) { return folder }
    FileHandle.standardError.write(
      Data("skipping tests on real data: no folder \(folder.path) (DETECT_BATCH_TEST_DATA)\n".utf8))
    return nil
  }()

  /// Path of a file or folder of the test data, or nil where it is absent.
  public static func path(_ relative: String) -> String? {
    guard let path = folder?.appending(path: relative).path,
      FileManager.default.fileExists(atPath: path)
    else { return nil }
    return path
  }
}
