import Glibc

/// A colour of a screen (sRGB), 0 to 255 each.
public struct Colour: Equatable, Sendable {
  /// Red.
  public let red: UInt8
  /// Green.
  public let green: UInt8
  /// Blue.
  public let blue: UInt8

  /// Mixes a colour from 0xRRGGBB.
  public init(_ hexadecimal: UInt32) {
    red = UInt8(truncatingIfNeeded: hexadecimal >> 16)
    green = UInt8(truncatingIfNeeded: hexadecimal >> 8)
    blue = UInt8(truncatingIfNeeded: hexadecimal)
  }

  /// As style sheets write it: `#rrggbb`.
  public var hexadecimal: String {
    "#" + [red, green, blue].map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  /// All light.
  public static let white = Colour(0xffffff)
  /// No light.
  public static let black = Colour(0)

  /// Black or white, whichever can be read better on this colour.
  public var ink: Colour {
    // At 0.179 the contrast to black equals that to white.
    relativeLuminance > 0.179 ? .black : .white
  }

  /// 0 for black to 1 for white (WCAG 2.2, "relative luminance").
  public var relativeLuminance: Double {
    func linear(_ value: UInt8) -> Double {
      let value = Double(value) / 255
      return value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4)
    }
    return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
  }
}
