import Media

/// How a canvas's three components come from red, green and blue, all as bytes.
struct ComponentMatrix: Equatable {
  /// A component's weights of red, green and blue, and what is added.
  struct Row: Equatable {
    var red: Double
    var green: Double
    var blue: Double
    var offset: Double
  }

  let rows: [Row]

  /// Red, green and blue themselves.
  static let redGreenBlue = ComponentMatrix(rows: [
    Row(red: 1, green: 0, blue: 0, offset: 0), Row(red: 0, green: 1, blue: 0, offset: 0),
    Row(red: 0, green: 0, blue: 1, offset: 0),
  ])

  private init(rows: [Row]) { self.rows = rows }

  /// Luma, Cb and Cr (ITU-T H.273, equations 38 to 46).
  init(_ colour: ColourDescription) {
    let (red, blue) = colour.lumaShares
    let green = 1 - red - blue
    let luma = colour.isFullRange ? 1 : 219.0 / 255
    let chroma = colour.isFullRange ? 1 : 224.0 / 255
    let (cb, cr) = (chroma / 2 / (1 - blue), chroma / 2 / (1 - red))
    rows = [
      Row(
        red: red * luma, green: green * luma, blue: blue * luma,
        offset: colour.isFullRange ? 0 : 16),
      Row(red: -red * cb, green: -green * cb, blue: (1 - blue) * cb, offset: 128),
      Row(red: (1 - red) * cr, green: -green * cr, blue: -blue * cr, offset: 128),
    ]
  }

  /// A colour's components.
  func values(of colour: Colour) -> [UInt8] {
    rows.map { row in
      row.value(Double(colour.red), Double(colour.green), Double(colour.blue), opacity: 1)
    }
  }
}

extension ComponentMatrix.Row {
  /// The component of a colour, both multiplied by an opacity of 0 to 1.
  func value(_ red: Double, _ green: Double, _ blue: Double, opacity: Double) -> UInt8 {
    let sum = self.red * red + self.green * green + self.blue * blue + offset * opacity
    return UInt8(max(0, min(255, sum.rounded())))
  }
}
