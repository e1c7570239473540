/// JSON written by hand, appended to bytes: key order, number formats and escapes are part of a contract, and
/// `JSONEncoder` keeps none of them from run to run.
public enum JSON {
  /// Appends a string with its quotes. Quotes, backslashes and control characters are escaped; all else, U+2028
  /// too, stays as it is.
  public static func append(_ text: some StringProtocol, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "\""))
    for byte in text.utf8 { append(characterByte: byte, to: &bytes) }
    bytes.append(UInt8(ascii: "\""))
  }

  /// A string with its quotes, as `append` writes it.
  ///
  /// - Parameters:
  ///   - text: Any text.
  ///   - isForYAML: Whether YAML's readers are to take it as well, some of which stop at the controls above ASCII, at
  ///     the separators of lines and paragraphs and at what is no character: those become escapes too.
  /// - Returns: JSON.
  public static func quoted(_ text: some StringProtocol, isForYAML: Bool = false) -> String {
    var bytes: [UInt8] = [UInt8(ascii: "\"")]
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0x7f...0x9f where isForYAML, 0x2028...0x2029 where isForYAML, 0xfeff where isForYAML,
        0xfffe...0xffff where isForYAML:
        // Bounded: by the cases.
        appendEscape(UInt16(scalar.value), to: &bytes)
      default:
        for byte in scalar.utf8 { append(characterByte: byte, to: &bytes) }
      }
    }
    bytes.append(UInt8(ascii: "\""))
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func append(characterByte byte: UInt8, to bytes: inout [UInt8]) {
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"):
      bytes.append(UInt8(ascii: "\\"))
      bytes.append(byte)
    case 0x0a: bytes.append(contentsOf: "\\n".utf8)
    case 0x0d: bytes.append(contentsOf: "\\r".utf8)
    case 0x09: bytes.append(contentsOf: "\\t".utf8)
    case ..<0x20: appendEscape(UInt16(byte), to: &bytes)
    default: bytes.append(byte)
    }
  }

  private static func appendEscape(_ unit: UInt16, to bytes: inout [UInt8]) {
    let digits = String(unit, radix: 16)
    bytes.append(contentsOf: "\\u".utf8)
    bytes.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: 4 - digits.utf8.count))
    bytes.append(contentsOf: digits.utf8)
  }

  /// Appends a string, or null.
  public static func append(_ text: String?, to bytes: inout [UInt8]) {
    guard let text else { return bytes.append(contentsOf: "null".utf8) }
    append(text[...], to: &bytes)
  }

  /// Appends a whole number: the way of the numbers that there are most of, which is not generic.
  public static func append(_ number: Int, to bytes: inout [UInt8]) {
    append(UInt64(number.magnitude), decimals: 0, isNegative: number < 0, to: &bytes)
  }

  /// Appends a whole number, or null.
  public static func append(_ number: (some FixedWidthInteger)?, to bytes: inout [UInt8]) {
    guard let number else { return bytes.append(contentsOf: "null".utf8) }
    if number < 0 { bytes.append(UInt8(ascii: "-")) }
    appendDigits(UInt64(number.magnitude), atLeast: 1, to: &bytes)
  }

  /// Appends a number with a fixed count of decimals, 0 ... 6, correctly rounded: the exact value of the double, ties
  /// to even, as C's `printf("%.*f")` writes it in any locale, but never "-0.00".
  ///
  /// `value` must be finite and below 2^96 in magnitude.
  public static func append(_ value: Double, decimals: Int, to bytes: inout [UInt8]) {
    precondition(value.isFinite && value.magnitude < 0x1p96, "\(value) cannot be written")
    let unit = powersOfTen[decimals]
    if let scaled = quicklyScaled(value.magnitude, unit) {
      append(scaled, decimals: decimals, isNegative: value < 0, to: &bytes)
      return
    }
    let scaled = exactlyScaled(value.magnitude, unit)
    if value < 0 && scaled != 0 { bytes.append(UInt8(ascii: "-")) }
    if let small = UInt64(exactly: scaled) {
      appendDigits(small / unit, atLeast: 1, to: &bytes)
    } else {
      bytes.append(contentsOf: String(scaled / UInt128(unit)).utf8)
    }
    guard decimals > 0 else { return }
    bytes.append(UInt8(ascii: "."))
    appendDigits(UInt64(truncatingIfNeeded: scaled % UInt128(unit)), atLeast: decimals, to: &bytes)
  }

  /// `value * unit`, rounded, where arithmetic of doubles is good enough to tell: below 2^32 the product is off by
  /// less than 2^-20, so that a fraction further than 2^-18 from a half is on the right side of it. Nil elsewhere.
  private static func quicklyScaled(_ value: Double, _ unit: UInt64) -> UInt64? {
    let product = value * Double(unit)
    guard product < 0x1p32 else { return nil }
    // Bounded: a magnitude below 2^32.
    let whole = UInt64(product)
    let overHalf = product - Double(whole) - 0.5
    guard overHalf.magnitude > 0x1p-18 else { return nil }
    return overHalf > 0 ? whole + 1 : whole
  }

  /// Appends a number of which so many digits stand behind the point.
  private static func append(
    _ scaled: UInt64, decimals: Int, isNegative: Bool, to bytes: inout [UInt8]
  ) {
    // 64 bits have 20 digits; a sign, a point and a zero before it.
    withUnsafeTemporaryAllocation(byteCount: 32, alignment: 8) { text in
      var first = text.count
      var rest = scaled
      for _ in 0..<decimals {
        first -= 1
        text[first] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
        rest /= 10
      }
      if decimals > 0 {
        first -= 1
        text[first] = UInt8(ascii: ".")
      }
      repeat {
        first -= 1
        text[first] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
        rest /= 10
      } while rest > 0
      if isNegative && scaled != 0 {
        first -= 1
        text[first] = UInt8(ascii: "-")
      }
      bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: text[first...]))
    }
  }

  /// `value * unit`, rounded, ties to even, in whole numbers: value = significand * 2^exponent, and
  /// 2^96 * 10^6 < 2^116 has room in 128 bits.
  private static func exactlyScaled(_ value: Double, _ unit: UInt64) -> UInt128 {
    let exponent = Int(max(value.exponentBitPattern, 1)) - 1075
    let significand = value.significandBitPattern | (value.exponentBitPattern == 0 ? 0 : 1 << 52)
    let product = UInt128(significand) * UInt128(unit)
    if exponent >= 0 { return product << UInt128(exponent) }
    // The product is below 2^73.
    if exponent <= -75 { return 0 }
    let half = UInt128(1) << UInt128(-exponent - 1)
    let remainder = product & ((half << 1) - 1)
    let whole = product >> UInt128(-exponent)
    return remainder > half || (remainder == half && whole & 1 == 1) ? whole + 1 : whole
  }

  /// Appends decimal digits, with zeros in front up to `minimum` of them.
  private static func appendDigits(_ number: UInt64, atLeast minimum: Int, to bytes: inout [UInt8])
  {
    // 64 bits have 20 digits.
    withUnsafeTemporaryAllocation(byteCount: 32, alignment: 8) { digits in
      var first = digits.count
      var rest = number
      repeat {
        first -= 1
        digits[first] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
        rest /= 10
      } while rest > 0 || digits.count - first < minimum
      bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: digits[first...]))
    }
  }

  private static let powersOfTen: [UInt64] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000]
}
