import BoxGeometry
import Testing

@testable import Training

@Suite struct BatchTargetsTests {
  @Test func aBatchEqualsTorchvisionsMatcher() throws {
    let fixture = try TrainingFixture.read("whole", as: WholeFixture.self)
    let objects = fixture.images.map { image in
      zip(image.boxes, image.classes).map { LabelledBox(classIndex: $1, box: Box($0)) }
    }
    let targets = BatchTargets(objects, grid: fixture.grid)
    #expect(targets.images == fixture.images.map { fixture.targets($0) })
    #expect(targets.objectCounts == [21, 0, 4])
    // The third image's object is too small for any anchor, and gets its best ones all the same.
    let strict = BatchTargets(
      objects, grid: fixture.grid, matcher: AnchorMatcher(allowsLowQualityMatches: false))
    #expect(strict.objectCounts[2] == 0)
  }
}
