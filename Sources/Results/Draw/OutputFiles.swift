import Files
import Glibc
import SystemPackage

/// Places outputs below a directory: under another name until they are whole, never one over another.
final class OutputFiles {
  private let directory: FilePath
  private let existing: DrawConfiguration.ExistingOutput
  private var made: Set<FilePath> = []

  /// Below a directory, which is made when it is needed.
  init(_ directory: FilePath, existing: DrawConfiguration.ExistingOutput) {
    self.directory = directory
    self.existing = existing
  }

  /// Looks what is in an output's place, which may be there and stay.
  ///
  /// - Parameters:
  ///   - name: Below the directory.
  ///   - source: What it is made from; nil for what is made of many.
  /// - Returns: Whether it is to be made.
  /// - Throws: `DrawError.exists`, `.twice`, `.source` or `.inTheWay`.
  func isWanted(_ name: FilePath, madeFrom source: FilePath?) throws(DrawError) -> Bool {
    let path = directory.pushing(name)
    if made.contains(path) { throw .twice(path) }
    guard let there = FileIdentity(of: path) else { return true }
    if let source, FileIdentity(of: source) == there { throw .source(path) }
    if path.isDirectory { throw .inTheWay(path) }
    switch existing {
    case .skip: return false
    case .error: throw .exists(path)
    case .always: return true
    }
  }

  /// Makes an output; what `body` wrote is gone if it throws.
  ///
  /// - Parameters:
  ///   - name: Below the directory.
  ///   - body: Writes the file that it is given.
  /// - Throws: What `body` throws, `DrawError.inTheWay`, `.cannotCreate` or `.writeFailed`.
  func make(_ name: FilePath, _ body: (FilePath) throws -> Void) throws {
    let output = try begin(name)
    try body(output.temporaryPath)
    try output.commit()
  }

  /// Begins an output that is committed later; it is taken away with the last reference if it is not.
  ///
  /// - Throws: `DrawError.inTheWay` or `.cannotCreate`.
  func begin(_ name: FilePath) throws(DrawError) -> PendingFile {
    let path = directory.pushing(name)
    // Said before much is drawn: the temporary name is shorter.
    let bytes = name.lastComponent.map { FilePath(root: nil, [$0]).bytes } ?? []
    guard bytes.count <= NAME_MAX else {
      throw .cannotCreate(path, .fileNameTooLong)
    }
    try createDirectories(path.removingLastComponent())
    made.insert(path)
    do { return try PendingFile(path) } catch { throw .cannotCreate(path, error.code) }
  }

  private func createDirectories(_ path: FilePath) throws(DrawError) {
    if path.isEmpty || path.isDirectory { return }
    if path.withPlatformString({ mkdir($0, 0o777) }) == 0 { return }
    var code = errno
    if code == ENOENT || code == ENOTDIR, path.lastComponent != nil {
      try createDirectories(path.removingLastComponent())
      if path.withPlatformString({ mkdir($0, 0o777) }) == 0 { return }
      code = errno
    }
    // Another run may have been faster.
    if code == EEXIST, path.isDirectory { return }
    if code == EEXIST {
      // A file where all outputs are to go is no single output's fault.
      throw directory.starts(with: path) ? .cannotCreate(path, .notDirectory) : .inTheWay(path)
    }
    throw .cannotCreate(path, Errno(rawValue: code))
  }
}

extension PendingFile {
  /// Gives a file that is whole its name.
  ///
  /// - Throws: `DrawError.writeFailed`.
  func commit() throws(DrawError) {
    do {
      try synchronize()
      // A name that a crash of the machine takes away is one of a picture that can be drawn again.
      try publish(isDurable: false)
    } catch {
      throw .writeFailed(path, error.code)
    }
  }
}
