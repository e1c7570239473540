import Digests
import Foundation
import SystemPackage
import Testing

@Suite struct SHA256DigestTests {
  /// Examples of FIPS 180-2, appendix B.
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
  ])
  func standardExamples(_ text: String, _ expected: String) {
    #expect(SHA256Digest.hexadecimal(of: text) == expected)
  }

  @Test func aMillionLetters() {
    #expect(
      SHA256Digest.hexadecimal(of: String(repeating: "a", count: 1_000_000))
        == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }

  @Test func piecesGiveTheDigestOfTheWhole() {
    let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 * 7) }
    var digest = SHA256Digest()
    for start in stride(from: 0, to: 1000, by: 63) {
      digest.update(Array(bytes[start..<min(start + 63, 1000)]))
    }
    #expect(digest.hexadecimal() == SHA256Digest.hexadecimal(of: bytes))
  }

  @Test func filesLargerThanOnePiece() throws {
    let url = FileManager.default.temporaryDirectory.appending(path: "digest-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: url) }
    let bytes = (0..<(3 << 20) / 2).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
    try Data(bytes).write(to: url)
    #expect(
      try SHA256Digest.hexadecimal(ofFile: FilePath(url.path))
        == SHA256Digest.hexadecimal(of: bytes))
    #expect(throws: Errno.noSuchFileOrDirectory) {
      try SHA256Digest.hexadecimal(ofFile: FilePath(url.path + ".absent"))
    }
    #expect(throws: Errno.isDirectory) { try SHA256Digest.hexadecimal(ofFile: "/") }
  }
}
