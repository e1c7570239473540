import Foundation
import SystemPackage

/// An empty folder of a test's own, removed with everything in it when the last reference goes.
public final class TemporaryFolder: Sendable {
  /// Where it is: an absolute path without symbolic links.
  public let path: FilePath

  /// Makes the folder.
  public init() throws {
    let url = FileManager.default.temporaryDirectory.resolvingSymlinksInPath()
      .appending(path: "detect-batch-tests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = FilePath(url.path)
  }

  deinit {
    do {
      try FileManager.default.removeItem(atPath: path.string)
    } catch {
      // Foundation cannot name files that are not UTF-8, nor reach what lies deeper than a path may be long.
      removeByTool()
    }
  }

  private func removeByTool() {
    let removal = Process()
    removal.executableURL = URL(filePath: "/bin/rm")
    removal.arguments = ["-rf", path.string]
    do {
      try removal.run()
      removal.waitUntilExit()
    } catch { print("cannot remove \(path): \(error)") }
  }
}
