import Media
import TestSupport
import Testing

@testable import RetinaNetModel

/// What of a picture is read to make the network's input.
struct LatticeTests {
  private static func rules(_ resampling: Conventions.Input.Resampling) -> Conventions.Input {
    var rules = Conventions().input
    rules.resampling = resampling
    return rules
  }

  /// Sizes that shrink by whole numbers and by others, wide and high, and one that grows.
  static let geometries = [
    InputGeometry(originalHeight: 1080, originalWidth: 1920, resizedHeight: 360, resizedWidth: 640),
    InputGeometry(originalHeight: 431, originalWidth: 767, resizedHeight: 97, resizedWidth: 173),
    InputGeometry(originalHeight: 300, originalWidth: 200, resizedHeight: 30, resizedWidth: 20),
    InputGeometry(originalHeight: 64, originalWidth: 99, resizedHeight: 64, resizedWidth: 33),
  ]

  @Test(arguments: geometries, [Conventions.Input.Resampling.float, .opencv])
  func pixelsOfTheLatticeAreAllThatIsRead(
    _ geometry: InputGeometry, _ resampling: Conventions.Input.Resampling
  ) throws {
    let preprocessor = Preprocessor(Self.rules(resampling))
    let lattice = try #require(preprocessor.lattice(geometry))
    let (width, height) = (geometry.originalWidth, geometry.originalHeight)
    #expect(lattice.fits(width: width, height: height))
    #expect(2 * lattice.count <= width * height)
    var random = SeededGenerator(seed: 5)
    let pixels = (0..<3 * width * height).map { _ in UInt8(random.below(256)) }
    let few = lattice.rows.flatMap { row in
      lattice.columns.flatMap { column in
        pixels[3 * (row * width + column)..<3 * (row * width + column) + 3]
      }
    }
    func input(_ pixels: [UInt8], _ lattice: PictureLattice?) -> [UInt32] {
      var input = [Float](repeating: .nan, count: 3 * geometry.paddedHeight * geometry.paddedWidth)
      var span = input.mutableSpan
      preprocessor.write(pixels.span, of: lattice, geometry, to: &span)
      return input.map(\.bitPattern)
    }
    #expect(input(few, lattice) == input(pixels, nil))
  }

  @Test func aNinthIsReadOfThreeTimesTheSize() throws {
    let lattice = try #require(Preprocessor(Self.rules(.float)).lattice(Self.geometries[0]))
    #expect(lattice.rows == Array(stride(from: 1, to: 1080, by: 3)))
    #expect(lattice.columns == Array(stride(from: 1, to: 1920, by: 3)))
  }

  /// Antialiasing reads everything, and so does halving; growing needs each pixel more than once.
  @Test func whereMostIsReadThereIsNoLattice() {
    #expect(Preprocessor(Self.rules(.pillow)).lattice(Self.geometries[0]) == nil)
    for (height, width) in [(50, 50), (100, 100), (300, 300), (70, 70)] {
      let geometry = InputGeometry(
        originalHeight: 100, originalWidth: 100, resizedHeight: height, resizedWidth: width)
      for resampling in [Conventions.Input.Resampling.float, .opencv] {
        #expect(Preprocessor(Self.rules(resampling)).lattice(geometry) == nil)
      }
    }
  }
}
