import COpenSSL
import SystemPackage

/// SHA-256 (FIPS 180-4) over bytes that come in pieces, by OpenSSL's libcrypto, which uses the CPU's instructions
/// for it where there are any.
public struct SHA256Digest: ~Copyable {
  private let context: OpaquePointer

  /// Starts over no bytes.
  public init() {
    guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
      preconditionFailure("libcrypto has no SHA-256, or there is no memory")
    }
    self.context = context
  }

  deinit { EVP_MD_CTX_free(context) }

  /// Goes on over more bytes.
  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    let status = EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
    precondition(status == 1, "libcrypto could not go on with a digest")
  }

  /// Goes on over more bytes.
  public mutating func update(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { update($0) }
  }

  /// Goes on over the UTF-8 of a text.
  public mutating func update(_ text: String) {
    update(Array(text.utf8))
  }

  /// The 32 bytes of the digest.
  public consuming func bytes() -> [UInt8] {
    var result = [UInt8](repeating: 0, count: 32)
    let status = EVP_DigestFinal_ex(context, &result, nil)
    precondition(status == 1, "libcrypto could not finish a digest")
    return result
  }

  /// The digest as 64 lowercase hexadecimal digits.
  public consuming func hexadecimal() -> String {
    bytes().hexadecimal
  }
}

extension SHA256Digest {
  /// The digest of these bytes as hexadecimal digits.
  public static func hexadecimal(of bytes: [UInt8]) -> String {
    var digest = SHA256Digest()
    digest.update(bytes)
    return digest.hexadecimal()
  }

  /// The digest of the UTF-8 of a text as hexadecimal digits.
  public static func hexadecimal(of text: String) -> String {
    hexadecimal(of: Array(text.utf8))
  }

  /// The digest of a file as hexadecimal digits, read in pieces of 1 MiB.
  ///
  /// - Parameter path: a file.
  /// - Returns: 64 digits.
  /// - Throws: what the system says when it cannot be read.
  public static func hexadecimal(ofFile path: FilePath) throws(Errno) -> String {
    var digest = SHA256Digest()
    try FilePieces.forEach(of: path) { digest.update($0) }
    return digest.hexadecimal()
  }
}
