import BoxGeometry
import Testing

@Suite struct AnchorTests {
  static let sizes: [[Double]] = [
    [32, 40, 50], [64, 80, 101], [128, 161, 203], [256, 322, 406], [512, 645, 812],
  ]

  struct Case: Decodable, CustomTestStringConvertible {
    let sizes: [[Double]]
    let aspectRatios: [Double]
    let height: Int
    let width: Int
    let grids: [[Int]]
    let count: Int
    let checksum: Int
    let samples: [[Int]]

    var testDescription: String { "\(sizes) \(aspectRatios) over \(height)x\(width)" }

    func makeGrid() -> AnchorGrid {
      AnchorGenerator(sizes: sizes, aspectRatios: aspectRatios)
        .grid(
          paddedHeight: height, paddedWidth: width,
          gridSizes: grids.map { (rows: $0[0], columns: $0[1]) })
    }
  }

  @Test(arguments: try GeometryFixture.read("anchors", as: [Case].self))
  func everyAnchorEqualsTorchvision(_ expected: Case) {
    let grid = expected.makeGrid()
    let boxes = grid.makeAnchors()
    #expect(grid.count == expected.count)
    #expect(boxes.count == expected.count)
    var checksum = 0
    var weight = 0
    for box in boxes {
      for coordinate in [box.minX, box.minY, box.maxX, box.maxY] {
        checksum += Int(coordinate) * (weight % 1009 + 1)
        weight += 1
      }
    }
    #expect(checksum == expected.checksum)
    for sample in expected.samples {
      #expect(
        grid.anchor(at: sample[0])
          == Box(
            minX: Float(sample[1]), minY: Float(sample[2]), maxX: Float(sample[3]),
            maxY: Float(sample[4])),
        "anchor \(sample[0])")
    }
  }

  @Test func anchorsOnDemandAreThoseOfTheList() {
    let grid = AnchorGenerator(sizes: Self.sizes, aspectRatios: [0.5, 1, 2])
      .grid(
        paddedHeight: 160, paddedWidth: 96,
        gridSizes: [(20, 12), (10, 6), (5, 3), (3, 2), (2, 1)])
    let boxes = grid.makeAnchors()
    #expect(boxes.count == 9 * (240 + 60 + 15 + 6 + 2))
    for (index, box) in boxes.enumerated() {
      let place = grid.place(of: index)
      let level = grid.levels[place.level]
      #expect(grid.anchor(at: index) == box)
      #expect(
        level.firstIndex + (place.row * level.columns + place.column) * 9 + place.anchorInCell
          == index)
    }
  }

  /// The vector of torchvision's anchors over 800x1344: the levels whose stride is not a power of two included.
  @Test func anchorsOver800x1344() {
    let generator = AnchorGenerator(sizes: Self.sizes, aspectRatios: [0.5, 1, 2])
    let grid = generator.grid(
      paddedHeight: 800, paddedWidth: 1344,
      gridSizes: [(100, 168), (50, 84), (25, 42), (13, 21), (7, 11)])
    #expect(grid.count == 201_600)
    #expect(grid.anchor(at: 0) == Box(minX: -23, minY: -11, maxX: 23, maxY: 11))
    #expect(grid.anchor(at: 9) == Box(minX: -15, minY: -11, maxX: 31, maxY: 11))
    #expect(
      grid.levels[3].anchor(row: 0, column: 1, anchorInCell: 0)
        == Box(minX: -117, minY: -91, maxX: 245, maxY: 91))
    #expect(
      grid.levels[3].anchor(row: 1, column: 0, anchorInCell: 0)
        == Box(minX: -181, minY: -30, maxX: 181, maxY: 152))
    #expect(grid.anchor(at: 201_599) == Box(minX: 933, minY: 110, maxX: 1507, maxY: 1258))
    #expect(grid.levels.map(\.strideY) == [8, 16, 32, 61, 114])
    #expect(grid.levels.map(\.strideX) == [8, 16, 32, 64, 122])
    // Halves round to even: 161/2 is 80.5 and becomes 80, 203/2 is 101.5 and becomes 102.
    #expect(generator.cellAnchors[2][4] == Box(minX: -80, minY: -80, maxX: 80, maxY: 80))
    #expect(generator.cellAnchors[2][5] == Box(minX: -102, minY: -102, maxX: 102, maxY: 102))
  }
}
