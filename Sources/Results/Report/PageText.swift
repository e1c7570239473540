import Digests
import FoundationEssentials

/// Texts that end up in a page, whoever chose them.
enum PageText {
  /// JSON as a script may hold it, in a file or in a page: `<`, `>` and `&` could end the element or begin a comment,
  /// U+2028 and U+2029 end a line of older JavaScript. They can stand in JSON's strings only, where an escape says the same.
  static func scriptSafe(_ json: [UInt8]) -> [UInt8] {
    var safe: [UInt8] = []
    safe.reserveCapacity(json.count)
    for (index, byte) in json.enumerated() {
      switch byte {
      case UInt8(ascii: "<"): safe.append(contentsOf: "\\u003c".utf8)
      case UInt8(ascii: ">"): safe.append(contentsOf: "\\u003e".utf8)
      case UInt8(ascii: "&"): safe.append(contentsOf: "\\u0026".utf8)
      // The last byte of E2 80 A8 and E2 80 A9.
      case 0xa8, 0xa9:
        if index >= 2, json[index - 2] == 0xe2, json[index - 1] == 0x80 {
          safe.removeLast(2)
          safe.append(contentsOf: (byte == 0xa8 ? "\\u2028" : "\\u2029").utf8)
        } else {
          safe.append(byte)
        }
      default: safe.append(byte)
      }
    }
    return safe
  }

  /// What a Content-Security-Policy calls a script or a style by that stands in the page: `'sha256-…'`.
  static func policySource(of text: String) -> String {
    let digits = Array(SHA256Digest.hexadecimal(of: text).utf8)
    let bytes = stride(from: 0, to: digits.count, by: 2).compactMap {
      UInt8(String(decoding: digits[$0...$0 + 1], as: UTF8.self), radix: 16)
    }
    return "'sha256-\(Data(bytes).base64EncodedString())'"
  }
}
