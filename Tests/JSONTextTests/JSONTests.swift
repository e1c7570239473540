import Foundation
import JSONText
import Testing

@Suite struct JSONTests {
  @Test func whatHasToBeIsEscapedAndNothingElse() {
    #expect(
      JSON.quoted("a\"b\\c/\n\r\t\u{0}\u{8}\u{1f}é🎈\u{7f}\u{2028}")
        == "\"a\\\"b\\\\c/\\n\\r\\t\\u0000\\u0008\\u001fé🎈\u{7f}\u{2028}\"")
    #expect(JSON.quoted("") == "\"\"")
    var bytes: [UInt8] = []
    JSON.append("\u{1}\"x", to: &bytes)
    #expect(String(decoding: bytes, as: UTF8.self) == JSON.quoted("\u{1}\"x"))
  }

  @Test func yamlGetsEscapesForWhatItsReadersRefuse() {
    #expect(
      JSON.quoted("é\u{7f}\u{85}\u{2028}\u{feff}\u{ffff}🎈\n", isForYAML: true)
        == "\"é\\u007f\\u0085\\u2028\\ufeff\\uffff🎈\\n\"")
  }

  @Test func everyScalarOfTheFirstPlaneComesBack() throws {
    for first in stride(from: UInt32(0), through: 0xffff, by: 97) {
      let text = String(
        String.UnicodeScalarView((first..<first + 97).compactMap(Unicode.Scalar.init)))
      for isForYAML in [false, true] {
        let quoted = Array(JSON.quoted(text, isForYAML: isForYAML).utf8)
        let back = try quoted.withUnsafeBytes { bytes in
          var scanner = JSONScanner(bytes)
          return try scanner.readString().text
        }
        #expect(back == text)
        #expect(try JSONDecoder().decode(String.self, from: Data(quoted)) == text)
      }
    }
  }

  @Test func valuesKeepTheOrderOfTheirKeys() {
    let value = JSONValue.object([
      ("z", .int(-1)), ("a", .array([.null, .bool(true), .double(0.5), .double(.nan)])),
      ("\"", .string("x\ty")), ("raw", .raw("{}")), ("none", .object([])),
    ])
    #expect(
      value.compact
        == "{\"z\":-1,\"a\":[null,true,0.5,null],\"\\\"\":\"x\\ty\",\"raw\":{},\"none\":{}}")
  }

  /// Numbers are printf's, whichever of the ways they take.
  @Test func numbersAreThoseOfC() {
    var random = SystemRandomNumberGenerator()
    var values: [Double] = [
      0, -0.0, 0.5, 1.5, 0.125, 0.375, 2.675, 1e9, 4_294_967_295.5, 1e20, -0.001,
    ]
    for _ in 0..<3000 {
      values.append(.random(in: -2000...2000, using: &random))
      values.append(Double(Int.random(in: -9_999_999...9_999_999, using: &random)) / 100)
      values.append(.random(in: -1e13...1e13, using: &random))
    }
    for value in values {
      for decimals in 0...6 {
        var bytes: [UInt8] = []
        JSON.append(value, decimals: decimals, to: &bytes)
        var wanted = String(format: "%.\(decimals)f", value)
        if wanted.allSatisfy({ "-0.".contains($0) }) { wanted.removeAll { $0 == "-" } }
        #expect(String(decoding: bytes, as: UTF8.self) == wanted, "\(value) with \(decimals)")
      }
    }
    for number in [0, 7, -12, 1_000_000, Int.max, Int.min] {
      var bytes: [UInt8] = []
      JSON.append(number, to: &bytes)
      #expect(String(decoding: bytes, as: UTF8.self) == "\(number)")
    }
  }
}
