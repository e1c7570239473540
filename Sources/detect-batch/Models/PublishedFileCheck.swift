import DetectionPipeline
import Digests
import Downloads
import RetinaNetModel
import SystemPackage

/// What a published file has to be.
struct PublishedFileCheck {
  private let byteCount: Int?
  private let digest: PublishedModel.File.Digest?

  /// - Parameters:
  ///   - file: what its publisher wrote down.
  ///   - promise: what the server said when it was asked for the file.
  init(_ file: PublishedModel.File, _ promise: Download.Promise = .init()) {
    byteCount = file.byteCount ?? promise.size
    digest = file.digest ?? promise.sha256.map { .sha256($0) }
  }

  /// Whether there is a digest to tell the file by.
  var hasDigest: Bool { digest != nil }

  /// What a file has instead of what it has to have.
  ///
  /// - Parameter path: what was received.
  /// - Returns: nil where it is right.
  /// - Throws: `Errno` where it cannot be read.
  func difference(_ path: FilePath) throws(Errno) -> String? {
    if let byteCount {
      let found = try Self.size(path)
      if found != byteCount { return "it has \(found) bytes, not \(byteCount)" }
    }
    switch digest {
    case .sha256(let digits):
      return Self.difference("SHA-256", try SHA256Digest.hexadecimal(ofFile: path), digits)
    case .md5(let digits):
      return Self.difference("MD5", try MD5Digest.hexadecimal(ofFile: path), digits)
    case nil:
      return nil
    }
  }

  private static func difference(_ kind: String, _ found: String, _ digits: String) -> String? {
    found.hasPrefix(digits)
      ? nil : "its \(kind) begins \(found.prefix(digits.count)), not \(digits)"
  }

  /// Bytes of a file; 0 where there is none.
  static func size(_ path: FilePath) throws(Errno) -> Int {
    do {
      let file = try FileDescriptor.open(path, .readOnly)
      return try file.closeAfter { Int(try file.seek(offset: 0, from: .end)) }
    } catch Errno.noSuchFileOrDirectory {
      return 0
    } catch {
      throw error as? Errno ?? .ioError
    }
  }
}
