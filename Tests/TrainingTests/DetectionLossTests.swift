import BoxGeometry
import NeuralNetwork
import TestSupport
import Testing

@testable import Training

/// What torchvision's matcher and PyTorch's losses say about a batch of three images.
struct WholeFixture: Decodable {
  struct Image: Decodable {
    let seed: UInt64
    let boxes: [[Float]]
    let classes: [Int]
    let objects: [[Int]]
    let ignored: [Int]
  }
  struct Mining: Decodable {
    let count: Int
    let nms: Double
    let oneToThree: Bool
  }
  struct Answer: Decodable {
    let loss: TrainingFixture.Loss
    let box: String
    let normalization: String
    let mining: Mining?
    let classification: Double
    let boxes: Double
    let gradients: [[Double]]
    let picked: [[Int]]

    var detectionLoss: DetectionLoss {
      DetectionLoss(
        classification: loss.loss,
        examples: mining.map {
          .hardest(count: $0.count, nmsThreshold: $0.nms, keepsOneToThree: $0.oneToThree)
        } ?? .all,
        box: box == "giou" ? .giou : box == "l1" ? .l1 : .smoothL1(beta: 0.11),
        normalization: normalization == "image" ? .image : .batch)
    }
  }

  let height: Int
  let width: Int
  let grids: [[Int]]
  let sizes: [[Int]]
  let classes: Int
  let images: [Image]
  let losses: [Answer]

  var grid: AnchorGrid {
    AnchorGenerator(sizes: sizes, aspectRatios: [0.5, 1, 2])
      .grid(
        paddedHeight: height, paddedWidth: width,
        gridSizes: grids.map { (rows: $0[0], columns: $0[1]) })
  }

  func targets(_ image: Image) -> ImageTargets {
    ImageTargets(
      anchorCount: grid.count,
      objects: image.objects.map {
        ImageTargets.Object(
          anchorIndex: $0[0], classIndex: image.classes[$0[1]], box: Box(image.boxes[$0[1]]))
      }, ignoredAnchors: image.ignored)
  }
}

/// One image's outputs from a seed, spread over blocked maps, with memory for the gradients.
struct ImageOutputs {
  let images: [[OwnedImage]]
  let levels: [DetectionLoss.Level]
  let logits: [Float]

  init(_ fixture: WholeFixture, _ image: WholeFixture.Image, block: Int) throws {
    let grid = fixture.grid
    let classes = fixture.classes
    // One stream: all logits, (anchor, class), then all deltas, (anchor, 4).
    var generator = SeededGenerator(seed: image.seed)
    func draw(_ count: Int, _ scale: Double) -> [Float] {
      (0..<count).map { _ in Float((Double(generator.unitFloat()) - 0.5) * scale) }
    }
    let logits = draw(grid.count * classes, 8)
    let deltas = draw(grid.count * 4, 2)
    images = try grid.levels.map { level in
      func make(_ channels: Int) throws -> OwnedImage {
        try OwnedImage(channels: channels, height: level.rows, width: level.columns, block: block)
      }
      return [try make(9 * classes), try make(36), try make(9 * classes), try make(36)]
    }
    for (level, owned) in zip(grid.levels, images) {
      owned[0].image.fill(0)
      owned[1].image.fill(0)
      for anchor in level.firstIndex..<level.firstIndex + level.count {
        let place = grid.place(of: anchor)
        for (owned, values, channels) in [(owned[0], logits, classes), (owned[1], deltas, 4)] {
          for channel in 0..<channels {
            owned.image[
              channel: place.anchorInCell * channels + channel, y: place.row, x: place.column] =
              values[anchor * channels + channel]
          }
        }
      }
    }
    levels = images.map {
      DetectionLoss.Level(
        logits: $0[0].image.reading, deltas: $0[1].image.reading, logitGradient: $0[2].image,
        deltaGradient: $0[3].image)
    }
    self.logits = logits
  }

  /// Gradients in (anchor, channel) order.
  func gradients(_ grid: AnchorGrid, classes: Int) -> (logits: [Float], deltas: [Float]) {
    var result: (logits: [Float], deltas: [Float]) = ([], [])
    for anchor in 0..<grid.count {
      let place = grid.place(of: anchor)
      let level = levels[place.level]
      for index in 0..<classes {
        result.logits.append(
          level.logitGradient[
            channel: place.anchorInCell * classes + index, y: place.row, x: place.column])
      }
      for index in 0..<4 {
        result.deltas.append(
          level.deltaGradient[
            channel: place.anchorInCell * 4 + index, y: place.row, x: place.column])
      }
    }
    return result
  }
}

@Suite struct DetectionLossTests {
  @Test(arguments: [8, 16])
  func aBatchEqualsPyTorchInFloat64(block: Int) throws {
    let fixture = try TrainingFixture.read("whole", as: WholeFixture.self)
    let grid = fixture.grid
    #expect(fixture.losses.count == 5)
    for answer in fixture.losses {
      let loss = answer.detectionLoss
      let weights = loss.imageWeights(objectCounts: [fixture.images.map(\.objects.count)])[0]
      var sum = DetectionLoss.Values()
      for (index, image) in fixture.images.enumerated() {
        let outputs = try ImageOutputs(fixture, image, block: block)
        let values = loss.evaluate(
          outputs.levels, targets: fixture.targets(image), grid: grid, imageWeight: weights[index],
          imageCount: fixture.images.count)
        sum.classification += values.classification
        sum.box += values.box
        let gradients = outputs.gradients(grid, classes: fixture.classes)
        for (kind, gradient) in [gradients.logits, gradients.deltas].enumerated() {
          let comment: Comment = "\(loss), image \(index), gradient \(kind)"
          let probe = TrainingFixture.numbers(
            seed: UInt64(1000 + 2 * index + kind), count: gradient.count, scale: 2)
          let expected = answer.gradients[2 * index + kind]
          var magnitude = 0.0
          var product = 0.0
          for (number, factor) in zip(gradient, probe) {
            magnitude += abs(Double(number))
            product += Double(number) * Double(factor)
          }
          expectClose(magnitude, expected[0], relative: 1e-6, absolute: 0, comment)
          expectClose(product, expected[1], relative: 0, absolute: 1e-6 * expected[0], comment)
        }
      }
      expectClose(sum.classification, answer.classification, relative: 1e-6, absolute: 0)
      expectClose(sum.box, answer.boxes, relative: 1e-6, absolute: 0)
      #expect(sum.total == sum.classification + sum.box)
    }
  }

  @Test func paddingGetsNoGradient() throws {
    let fixture = try TrainingFixture.read("whole", as: WholeFixture.self)
    let outputs = try ImageOutputs(fixture, fixture.images[0], block: 16)
    _ = DetectionLoss()
      .evaluate(
        outputs.levels, targets: fixture.targets(fixture.images[0]), grid: fixture.grid,
        imageWeight: 1, imageCount: 1)
    let gradient = outputs.levels[0].logitGradient
    // 27 channels in two blocks: five lanes of the second are padding.
    let pixels = gradient.height * gradient.width
    var silent = 0
    for pixel in 0..<pixels {
      for lane in 11..<16 where gradient.base[(pixels + pixel) * 16 + lane] == 0 { silent += 1 }
    }
    #expect(silent == 5 * pixels)
  }

  @Test func minedExamplesAreThoseOfTheReference() throws {
    let fixture = try TrainingFixture.read("whole", as: WholeFixture.self)
    let anchors = fixture.grid.makeAnchors()
    var compared = 0
    for answer in fixture.losses where answer.mining != nil {
      for (image, expected) in zip(fixture.images, answer.picked) {
        let outputs = try ImageOutputs(fixture, image, block: 16)
        let targets = fixture.targets(image)
        let losses = OutputPlaces(outputs.levels, fixture.grid)
          .anchorLosses(.crossEntropy(), targets)
        let picked = answer.detectionLoss.examples.pick(
          losses: losses, targets: targets, anchors: anchors)
        #expect(picked == expected)
        compared += expected.count
      }
    }
    #expect(compared > 200)
    #expect(
      ExampleSelection.all.pick(losses: [], targets: .init(anchorCount: 0), anchors: []) == nil)
  }

  @Test func imageWeightsAreTorchvisionsOrThePapers() {
    let paper = DetectionLoss(normalization: .batch)
    #expect(DetectionLoss().imageWeights(objectCounts: [[4, 0]]) == [[0.125, 0.5]])
    #expect(paper.imageWeights(objectCounts: [[4, 0]]) == [[0.25, 0.25]])
    #expect(paper.imageWeights(objectCounts: [[0, 0]]) == [[1, 1]])
    // Of two batches the mean is taken: each of the step's twelve objects counts as a twelfth.
    let sixth = 2.0 / 12
    #expect(paper.imageWeights(objectCounts: [[4, 0], [8]]) == [[sixth, sixth], [sixth]])
    #expect(
      DetectionLoss().imageWeights(objectCounts: [[4, 0], [8]]) == [[0.125, 0.5], [0.125]])
  }
}
