/// JSON written by hand: key order, number formats and escapes are part of the contract, and `JSONEncoder` keeps none
/// of them from run to run.
enum JSONText {
  /// Appends a string with its quotes. Quotes, backslashes and control characters are escaped; all else, U+2028
  /// too, stays as it is.
  static func append(_ text: some StringProtocol, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        bytes.append(UInt8(ascii: "\\"))
        bytes.append(byte)
      case 0x0a: bytes.append(contentsOf: "\\n".utf8)
      case 0x0d: bytes.append(contentsOf: "\\r".utf8)
      case 0x09: bytes.append(contentsOf: "\\t".utf8)
      case ..<0x20:
        bytes.append(contentsOf: (byte < 0x10 ? "\\u000" : "\\u00").utf8)
        bytes.append(contentsOf: String(byte, radix: 16).utf8)
      default: bytes.append(byte)
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }

  /// Appends a string, or null.
  static func append(_ text: String?, to bytes: inout [UInt8]) {
    guard let text else { return bytes.append(contentsOf: "null".utf8) }
    append(text[...], to: &bytes)
  }

  /// Appends a whole number, or null.
  static func append(_ number: (some FixedWidthInteger)?, to bytes: inout [UInt8]) {
    guard let number else { return bytes.append(contentsOf: "null".utf8) }
    if number < 0 { bytes.append(UInt8(ascii: "-")) }
    appendDigits(UInt64(number.magnitude), atLeast: 1, to: &bytes)
  }

  /// Appends a number with a fixed count of decimals, 0 ... 6, correctly rounded: the exact value of the double, ties
  /// to even, as C's `printf("%.*f")` writes it in any locale, but never "-0.00".
  ///
  /// `value` must be finite and below 2^96 in magnitude.
  static func append(_ value: Double, decimals: Int, to bytes: inout [UInt8]) {
    precondition(value.isFinite && value.magnitude < 0x1p96, "\(value) cannot be written")
    let unit = powersOfTen[decimals]
    // value = significand * 2^exponent in whole numbers, so that times 10^decimals is exact in 128 bits:
    // 2^96 * 10^6 < 2^116.
    let exponent = max(value.exponentBitPattern, 1).signed - 1075
    let significand =
      value.significandBitPattern | (value.exponentBitPattern == 0 ? 0 : 1 << 52)
    var scaled = UInt128(significand) * UInt128(unit)
    if exponent >= 0 {
      scaled <<= UInt128(exponent)
    } else if exponent > -128 {
      let shift = UInt128(-exponent)
      let half = UInt128(1) << (shift - 1)
      let remainder = scaled & ((half << 1) - 1)
      scaled >>= shift
      if remainder > half || (remainder == half && scaled & 1 == 1) { scaled += 1 }
    } else {
      scaled = 0
    }
    if value < 0 && scaled != 0 { bytes.append(UInt8(ascii: "-")) }
    appendScaled(scaled, unit: unit, decimals: decimals, to: &bytes)
  }

  /// Appends `scaled / 10^decimals`.
  private static func appendScaled(
    _ scaled: UInt128, unit: UInt64, decimals: Int, to bytes: inout [UInt8]
  ) {
    if let small = UInt64(exactly: scaled) {
      appendDigits(small / unit, atLeast: 1, to: &bytes)
      guard decimals > 0 else { return }
      bytes.append(UInt8(ascii: "."))
      appendDigits(small % unit, atLeast: decimals, to: &bytes)
    } else {
      bytes.append(contentsOf: String(scaled / UInt128(unit)).utf8)
      guard decimals > 0 else { return }
      bytes.append(UInt8(ascii: "."))
      appendDigits(UInt64(scaled % UInt128(unit)), atLeast: decimals, to: &bytes)
    }
  }

  /// Appends decimal digits, with zeros in front up to `minimum` of them.
  private static func appendDigits(_ number: UInt64, atLeast minimum: Int, to bytes: inout [UInt8])
  {
    let start = bytes.count
    var rest = number
    var count = 0
    while rest > 0 || count < minimum {
      bytes.append(UInt8(ascii: "0") + UInt8(rest % 10))
      rest /= 10
      count += 1
    }
    bytes[start...].reverse()
  }

  private static let powersOfTen: [UInt64] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000]
}

extension UInt {
  fileprivate var signed: Int { Int(bitPattern: self) }
}
