/// Making what is in a place unrecognisable.
extension Canvas {
  /// How a place is covered.
  public enum Cover: Sendable, CaseIterable {
    /// Squares of one colour each, the average of what is beneath.
    case pixelate
    /// The same averages with soft passages between them.
    case blur
  }

  /// Covers every pixel that a box touches.
  ///
  /// What is left of the place is averages of squares: at most `coverCells` along its longer side, and none smaller than
  /// 1/100 of the picture or 8 pixels. Soft passages are made of these averages alone and so tell no more. (A true blur
  /// can be undone.)
  public func cover(_ box: AnnotatedBox, _ cover: Cover) {
    let grain = granularity
    let touched = PixelRectangle(covering: box)
    // Whole samples: one that is shared with a pixel beside the box is covered with it.
    let place = PixelRectangle(
      left: max(0, touched.left) / grain * grain, top: max(0, touched.top) / grain * grain,
      right: (min(width, touched.right) + grain - 1) / grain * grain,
      bottom: (min(height, touched.bottom) + grain - 1) / grain * grain
    )
    if place.isEmpty { return }
    let longer = max(place.width, place.height)
    let least = max(8, max(width, height) / 100)
    let cell = max((longer + Self.coverCells - 1) / Self.coverCells, least)
    let wholeCell = (cell + grain - 1) / grain * grain
    for plane in planes {
      let samples = plane.samples(of: place).intersection(plane.bounds(of: bounds))
      plane.cover(samples, cell: wholeCell >> plane.shift, cover)
    }
  }

  /// Most averages along the longer side of a place.
  static let coverCells = 6
}

extension Canvas.Plane {
  fileprivate func cover(_ place: PixelRectangle, cell: Int, _ cover: Canvas.Cover) {
    let columns = (place.width + cell - 1) / cell
    let rows = (place.height + cell - 1) / cell
    var means: [Int] = []
    for row in 0..<rows {
      for column in 0..<columns {
        means.append(mean(square(column, row, of: place, cell)))
      }
    }
    switch cover {
    case .pixelate:
      for row in 0..<rows {
        for column in 0..<columns {
          let square = square(column, row, of: place, cell)
          let value = UInt8(means[row * columns + column])
          for y in square.top..<square.bottom {
            let line = self.row(y)
            for x in square.left..<square.right { line[x * step] = value }
          }
        }
      }
    case .blur:
      let across = (0..<place.width).map { Passage($0, cell, columns) }
      for y in 0..<place.height {
        let down = Passage(y, cell, rows)
        let line = row(place.top + y)
        let (upper, lower) = (down.first * columns, down.second * columns)
        for x in 0..<place.width {
          let passage = across[x]
          let left =
            means[upper + passage.first] * (256 - down.share)
            + means[lower + passage.first] * down.share
          let right =
            means[upper + passage.second] * (256 - down.share)
            + means[lower + passage.second] * down.share
          let value = left * (256 - passage.share) + right * passage.share
          line[(place.left + x) * step] = UInt8((value + 1 << 15) >> 16)
        }
      }
    }
  }

  private func square(_ column: Int, _ row: Int, of place: PixelRectangle, _ cell: Int)
    -> PixelRectangle
  {
    let (left, top) = (place.left + column * cell, place.top + row * cell)
    return PixelRectangle(left: left, top: top, right: left + cell, bottom: top + cell)
      .intersection(place)
  }

  private func mean(_ square: PixelRectangle) -> Int {
    var sum = 0
    for y in square.top..<square.bottom {
      let line = row(y)
      for x in square.left..<square.right { sum += Int(line[x * step]) }
    }
    let count = square.width * square.height
    return (sum + count / 2) / count
  }

  /// Between which two averages a sample lies, and how much of the second it takes, in 256ths.
  private struct Passage {
    var first: Int
    var second: Int
    var share: Int

    init(_ position: Int, _ cell: Int, _ count: Int) {
      // In halves of samples, from the middle of the first square.
      let offset = 2 * position + 1 - cell
      first = max(0, offset) / (2 * cell)
      second = min(first + 1, count - 1)
      share = offset < 0 ? 0 : offset % (2 * cell) * 256 / (2 * cell)
    }
  }
}
