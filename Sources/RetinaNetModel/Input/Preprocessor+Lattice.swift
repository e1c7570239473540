import Media

/// What of a picture is read to make the network's input.
extension Preprocessor {
  /// The pixels that `write` reads of a picture, where these are few of them; nil where most or all are read.
  ///
  /// Without antialiasing each place of the input lies between two rows and two columns, or on one: of 1920x1080 pixels
  /// that become 640x360, each on one, a ninth is read.
  ///
  /// - Parameter geometry: the sizes.
  /// - Returns: rows and columns that hold at most half of the picture's pixels.
  func lattice(_ geometry: InputGeometry) -> PictureLattice? {
    let (rows, columns): ([Int], [Int])
    switch rules.resampling {
    case .pillow: return nil
    case .float:
      rows = Self.places(Self.taps(from: geometry.originalHeight, to: geometry.resizedHeight))
      columns = Self.places(Self.taps(from: geometry.originalWidth, to: geometry.resizedWidth))
    case .opencv:
      guard let places = OpenCVResize(geometry).places else { return nil }
      (rows, columns) = places
    }
    let lattice = PictureLattice(rows: rows, columns: columns)
    return 2 * lattice.count <= geometry.originalHeight * geometry.originalWidth ? lattice : nil
  }

  private static func places(_ taps: [Tap]) -> [Int] {
    Set(taps.flatMap { [$0.first, $0.second] }).sorted()
  }
}

extension [Int] {
  /// The number of each place within a lattice's; all numbers are themselves without one.
  func index(of place: Int) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if self[middle] < place { low = middle + 1 } else { high = middle }
    }
    precondition(low < count && self[low] == place, "place \(place) is not in the lattice")
    return low
  }
}
