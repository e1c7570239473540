import Foundation
import JSONText
import TestSupport
import Testing

/// What Foundation makes of a text, to compare.
private func foundationTakes(_ text: [UInt8]) -> Bool {
  (try? JSONSerialization.jsonObject(with: Data(text), options: .fragmentsAllowed)) != nil
}

/// A value in a form that can be compared, read by the scanner.
private indirect enum Value: Equatable {
  case null
  case bool(Bool)
  case number(JSONNumber)
  case string(String)
  case array([Value])
  case object([String], [Value])

  init(_ scanner: inout JSONScanner) throws(JSONError) {
    switch try scanner.readToken() {
    case .null: self = .null
    case .bool(let value): self = .bool(value)
    case .number(let value): self = .number(value)
    case .string(let value): self = .string(value.text)
    case .array:
      var elements: [Value] = []
      try scanner.beginArray()
      while try scanner.nextElement() { elements.append(try Value(&scanner)) }
      self = .array(elements)
    case .object:
      var keys: [String] = []
      var values: [Value] = []
      try scanner.beginObject()
      while let key = try scanner.nextKey() {
        keys.append(key.text)
        values.append(try Value(&scanner))
      }
      self = .object(keys, values)
    }
  }
}

private func value(of text: [UInt8]) throws -> Value {
  try text.withUnsafeBytes { bytes in
    var scanner = JSONScanner(bytes)
    let value = try Value(&scanner)
    try scanner.readEnd()
    return value
  }
}

private func value(of text: String) throws -> Value { try value(of: Array(text.utf8)) }

/// Whether the text is skipped as one value.
private func isSkipped(_ text: [UInt8]) -> Bool {
  text.withUnsafeBytes { bytes in
    var scanner = JSONScanner(bytes)
    return (try? scanner.skipValue()) != nil && (try? scanner.readEnd()) != nil
  }
}

@Suite struct JSONScannerTests {
  @Test func everyKindOfValueIsRead() throws {
    let text =
      #" { "a" : -12 , "b":1.5e2,"c":"\ud83c\udf88\u00e9\/\b\f\"","d":null,"e":true,"f":false,"g":[ ],"h":[1,[{}],"é"] } "#
    #expect(
      try value(of: text)
        == .object(
          ["a", "b", "c", "d", "e", "f", "g", "h"],
          [
            .number(.integer(-12)), .number(.double(150)), .string("🎈é/\u{8}\u{c}\""), .null,
            .bool(true), .bool(false), .array([]),
            .array([.number(.integer(1)), .array([.object([], [])]), .string("é")]),
          ]))
  }

  static let wrong = [
    "", " ", "{", "[", "{}x", "[1", "[1,]", "[,1]", "[1 2]", "[1}", "{]", "{\"a\":01}",
    "{\"a\":1.}",
    "{\"a\":.5}", "{\"a\":+1}", "{\"a\":1e}", "{\"a\":1e+}", "{\"a\":-}", "-", "- 1", "00", "-01",
    "1.e1",
    "0x1", "{\"a\":1,}", "{,}", "{\"a\":1 \"b\":2}", "{\"a\" 1}", "{\"a\"}", "{\"a\":}", "{a:1}",
    "{1:1}",
    "\"\\x\"", "\"\n\"", "\"\u{1}\"", "\"\t\"", "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\\udc00\"",
    "\"\\u12\"", "\"\\u12g4\"", "\"\\u+123\"", "\"\\", "\"abc", "\"abcdefgh", "\"abcdefgh\\", "tru",
    "truE",
    "nul", "n", "nan", "NaN", "Infinity", "-Infinity", "1e999", "-1e999", "'a'", "// a\n1",
    "1 /* a */",
    "[1]]", "{}{}", "\u{feff}1", "\u{a0}1", "[\"a\":1]", "{\"a\",1}", "\u{c}1",
  ]

  @Test(arguments: wrong) func whatTheStandardRefusesIsRefused(text: String) {
    #expect(throws: JSONError.self, "\(text)") { try value(of: text) }
    #expect(!isSkipped(Array(text.utf8)), "\(text)")
  }

  @Test func textsThatAreNoUTF8AreRefused() {
    for bytes: [UInt8] in [
      [0xe9], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf8, 0x88], [0xf4, 0x90, 0x80, 0x80], [0x80],
    ] {
      for padding in 0...9 {
        let text =
          Array("[\"".utf8) + Array(repeating: 0x61, count: padding) + bytes + Array("\"]".utf8)
        #expect(throws: JSONError.self) { try value(of: text) }
        #expect(!isSkipped(text))
      }
    }
  }

  @Test func errorsTellThePlace() throws {
    let text = Array("{\n  \"a\": 1,\n  \"b\" 2}".utf8)
    let error = #expect(throws: JSONError.self) { try value(of: text) }
    let found = try #require(error)
    #expect(found == JSONError("there should be a ':'", offset: 18))
    let place = text.withUnsafeBytes { found.place(in: $0) }
    #expect(place.line == 3 && place.column == 7)
  }

  @Test func nestingIsBounded() throws {
    let deepest = JSONScanner.maxDepth
    func nested(_ depth: Int) -> [UInt8] {
      Array(String(repeating: "[{\"a\":", count: depth / 2).utf8) + [0x31]
        + Array(String(repeating: "}]", count: depth / 2).utf8)
    }
    #expect(isSkipped(nested(deepest)))
    #expect((try? value(of: nested(deepest))) != nil)
    #expect(!isSkipped(nested(deepest + 2)))
    #expect(throws: JSONError.self) { try value(of: nested(deepest + 2)) }
    // A stack that depended on the text would not survive this one.
    #expect(!isSkipped(Array(repeating: UInt8(ascii: "["), count: 10_000_000)))
  }

  @Test func numbersAreTheNearestDoubles() throws {
    for (text, number) in [
      ("0", JSONNumber.integer(0)), ("-0", .integer(0)), ("-0.0", .double(-0.0)),
      ("9223372036854775807", .integer(.max)),
      ("-9223372036854775808", .integer(.min)), ("9223372036854775808", .double(0x1p63)),
      ("18446744073709551616", .double(0x1p64)), ("0.1", .double(0.1)), ("1e22", .double(1e22)),
      ("1e23", .double(1e23)),
      ("123456789012345678901234567890", .double(0x1.8ee90ff6c373ep96)),
      ("2.2250738585072011e-308", .double(.leastNormalMagnitude.nextDown)),
      ("5e-324", .double(.leastNonzeroMagnitude)),
      ("1e-400", .double(0)), ("0.0000000000000000000000000000001e31", .double(1)),
      ("1E+2", .double(100)), ("1e-7", .double(1e-7)),
      ("179769313486231570e291", .double(1.7976931348623157e308)),
      ("0.3000000000000000444089209850062616169452667236328125", .double(0.30000000000000004)),
      ("0e99999999999999999999", .double(0)),
      ("9007199254740993.0", .double(9007199254740992)),
    ] { #expect(try value(of: text) == .number(number), "\(text)") }
    #expect(JSONNumber.double(-0.0).double.sign == .minus)

    let seed = UInt64.random(in: 0 ... .max)
    print("numbers of seed \(seed)")
    var random = SeededGenerator(seed: seed)
    for _ in 0..<20_000 {
      let double = Double(bitPattern: random.next())
      if double.isFinite {
        #expect(try value(of: "\(double)") == .number(.double(double)) || double.magnitude < 0x1p63)
        guard case .number(let number) = try value(of: "\(double)") else { continue }
        #expect(number.double == double)
      }
      var text = random.below(2) == 0 ? "-" : ""
      text += "\(random.below(1 << random.below(62)))."
      for _ in 0...random.below(20) { text += "\(random.below(10))" }
      if random.below(2) == 0 { text += "e\(random.below(60) - 30)" }
      #expect(try value(of: text) == .number(.double(Double(text) ?? .nan)), "\(text)")
    }
  }

  @Test func wholeNumbersMayBeWrittenAsOthers() throws {
    for (text, whole) in [("3", 3), ("3.0", 3), ("3e0", 3), ("30e-1", 3), ("-7", -7)] {
      #expect(
        try Array(text.utf8).withUnsafeBytes { bytes in
          var scanner = JSONScanner(bytes)
          return try scanner.readWholeNumber()
        } == whole)
    }
    for text in ["3.5", "1e300", "9223372036854775808", "\"3\"", "true", "null", ""] {
      #expect(throws: JSONError("there should be a whole number", offset: 0)) {
        try Array(text.utf8).withUnsafeBytes { bytes in
          var scanner = JSONScanner(bytes)
          return try scanner.readWholeNumber()
        }
      }
    }
  }

  @Test func stringsAreComparedByWhatTheySay() throws {
    let text = Array(#"["source","s\u006furce","","sourc","sources"]"#.utf8)
    try text.withUnsafeBytes { bytes in
      var scanner = JSONScanner(bytes)
      try scanner.beginArray()
      var found: [Bool] = []
      while try scanner.nextElement() {
        let string = try scanner.readString()
        #expect(string.hasEscapes == (found.count == 1))
        found.append(string == "source")
      }
      #expect(found == [true, true, false, false, false])
    }
  }

  /// Every text that the scanner takes Foundation takes too, and the other way round but for what is named here; none
  /// makes it trap.
  @Test func damagedTextsAreJudgedAsByFoundation() throws {
    let seed = UInt64.random(in: 0 ... .max)
    print("damage of seed \(seed)")
    var random = SeededGenerator(seed: seed)
    let whole = Array(
      #"{"source":"cam1/ä\u00e9\n.mp4","frame":42,"time":1.401400,"ok":true,"no":null,"detections":[{"label":"qr","score":0.9312,"box":[412.50,-2e1,96.00]},[]],"x":{}}"#
        .utf8)
    #expect(foundationTakes(whole) && isSkipped(whole))
    let bytes =
      Array(" \n\"\\{}[]:,0123456789.eE+-truefalsn\u{1}u/d8".utf8) + [0x80, 0xc3, 0xff, 0]
    for _ in 0..<30_000 {
      var text = whole
      for _ in 0...random.below(3) {
        let place = random.below(text.count)
        switch random.below(4) {
        case 0: text[place] = bytes[random.below(bytes.count)]
        case 1: text.insert(bytes[random.below(bytes.count)], at: place)
        case 2: text.remove(at: place)
        default: text.removeSubrange(place..<min(text.count, place + 1 + random.below(12)))
        }
        if text.isEmpty { break }
      }
      if random.below(8) == 0 { text.removeSubrange(random.below(text.count + 1)...) }
      let taken = isSkipped(text)
      #expect(taken == ((try? value(of: text)) != nil))
      if taken { #expect(foundationTakes(text), "\(String(decoding: text, as: UTF8.self))") }
      // Foundation takes a comma behind the last element, which the standard does not.
      let lenient = /,[ \n]*[\]}]/
      if !taken, foundationTakes(text), !String(decoding: text, as: UTF8.self).contains(lenient) {
        Issue.record("refused, taken by Foundation: \(String(decoding: text, as: UTF8.self))")
      }
    }
  }
}
