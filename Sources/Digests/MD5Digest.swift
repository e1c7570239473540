import COpenSSL
import SystemPackage

/// MD5 (RFC 1321) of files: no protection against anybody, but what Detectron2 publishes of its models.
public enum MD5Digest {
  /// The digest of a file as hexadecimal digits.
  ///
  /// - Parameter path: a file.
  /// - Returns: 32 digits.
  /// - Throws: what the system says when it cannot be read.
  public static func hexadecimal(ofFile path: FilePath) throws(Errno) -> String {
    guard let context = EVP_MD_CTX_new() else { preconditionFailure("there is no memory") }
    defer { EVP_MD_CTX_free(context) }
    // A system whose policy forbids MD5 has no such digest.
    guard EVP_DigestInit_ex(context, EVP_md5(), nil) == 1 else { throw .notSupported }
    try FilePieces.forEach(of: path) { piece in
      let status = EVP_DigestUpdate(context, piece.baseAddress, piece.count)
      precondition(status == 1, "libcrypto could not go on with a digest")
    }
    var result = [UInt8](repeating: 0, count: 16)
    let status = EVP_DigestFinal_ex(context, &result, nil)
    precondition(status == 1, "libcrypto could not finish a digest")
    return result.hexadecimal
  }
}

/// Files in pieces, for digests of any size.
enum FilePieces {
  /// Reads a file in pieces of 1 MiB.
  static func forEach(
    of path: FilePath, _ body: (UnsafeRawBufferPointer) -> Void
  ) throws(Errno) {
    do {
      let file = try FileDescriptor.open(path, .readOnly)
      defer {
        // Nothing was written, so closing has nothing to report.
        try? file.close()
      }
      var piece = [UInt8](repeating: 0, count: 1 << 20)
      while true {
        let count = try piece.withUnsafeMutableBytes { try file.read(into: $0) }
        if count == 0 { return }
        piece.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
      }
    } catch let error as Errno {
      throw error
    } catch {
      preconditionFailure("swift-system throws Errno, not \(error)")
    }
  }
}

extension [UInt8] {
  /// Two lowercase hexadecimal digits for each byte.
  var hexadecimal: String {
    let digits = Array("0123456789abcdef".utf8)
    return String(
      decoding: flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }
}
