import Foundation
import SystemPackage
import TestSupport
import Testing

/// A file system of a few kilobytes, in memory.
final class SmallDisk {
  let path: FilePath
  private let folder: TemporaryFolder

  /// Mounts it; where the tests may not, the test counts as skipped.
  init(kilobytes: Int) throws {
    folder = try TemporaryFolder()
    path = folder.path
    if try !Self.run("mount", ["-t", "tmpfs", "-o", "size=\(kilobytes)k", "tmpfs", path.string]) {
      try Self.skipTest()
    }
  }

  /// (By itself, for the compiler warns of an initialiser whose end is not reached.)
  private static func skipTest() throws { try Test.cancel("mounting a tmpfs is not allowed here") }

  deinit {
    do { _ = try Self.run("umount", ["-l", path.string]) } catch {
      print("cannot unmount \(path): \(error)")
    }
  }

  /// Makes room.
  func grow(kilobytes: Int) throws {
    _ = try Self.run("mount", ["-o", "remount,size=\(kilobytes)k", path.string])
  }

  private static func run(_ tool: String, _ arguments: [String]) throws -> Bool {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = [tool] + arguments
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus == 0
  }
}
