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
  let sizes: [[Double]]
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

/// One image's outputs from a seed, spread over blocked maps.
struct ImageOutputs: ~Copyable {
  let owned: OwnedBlockedImages
  let shapes: [(channels: Int, height: Int, width: Int)]
  let block: Int
  let grid: AnchorGrid
  let classes: Int

  init(_ fixture: WholeFixture, _ image: WholeFixture.Image, block: Int) throws {
    let (grid, classes) = (fixture.grid, fixture.classes)
    // One stream: all logits, (anchor, class), then all deltas, (anchor, 4).
    var generator = SeededGenerator(seed: image.seed)
    func draw(_ count: Int, _ scale: Double) -> [Float] {
      (0..<count).map { _ in Float((Double(generator.unitFloat()) - 0.5) * scale) }
    }
    let logits = draw(grid.count * classes, 8)
    let deltas = draw(grid.count * 4, 2)
    let shapes = [9 * classes, 36].flatMap { channels in
      grid.levels.map { (channels: channels, height: $0.rows, width: $0.columns) }
    }
    var outputs = try OwnedBlockedImages(shapes, block: block)
    var images = outputs.mutableImages
    for anchor in 0..<grid.count {
      let place = grid.place(of: anchor)
      for (first, values, channels) in [(0, logits, classes), (grid.levels.count, deltas, 4)] {
        for channel in 0..<channels {
          images[first + place.level][
            channel: place.anchorInCell * channels + channel, y: place.row, x: place.column] =
            values[anchor * channels + channel]
        }
      }
    }
    owned = outputs
    self.shapes = shapes
    self.block = block
    self.grid = grid
    self.classes = classes
  }

  func evaluate(
    _ loss: DetectionLoss, _ targets: ImageTargets, imageWeight: Double, imageCount: Int
  ) throws -> ImageLoss {
    var gradients = try OwnedBlockedImages(shapes, block: block)
    var images = gradients.mutableImages
    for index in 0..<images.count {
      // What was there before must not matter.
      var numbers = images[index].numbers
      numbers.update(repeating: .nan)
    }
    let values = loss.evaluate(
      owned.images, &images, targets: targets, grid: grid, imageWeight: imageWeight,
      imageCount: imageCount)
    return ImageLoss(values: values, gradients: gradients, grid: grid, classes: classes)
  }
}

/// One image's loss with its gradients.
struct ImageLoss: ~Copyable {
  let values: DetectionLoss.Values
  let gradients: OwnedBlockedImages
  let grid: AnchorGrid
  let classes: Int

  /// Gradients in (anchor, channel) order.
  func orderedGradients() -> (logits: [Float], deltas: [Float]) {
    let images = gradients.images
    var result: (logits: [Float], deltas: [Float]) = ([], [])
    for anchor in 0..<grid.count {
      let place = grid.place(of: anchor)
      for index in 0..<classes {
        result.logits.append(
          images[place.level][
            channel: place.anchorInCell * classes + index, y: place.row, x: place.column])
      }
      for index in 0..<4 {
        result.deltas.append(
          images[grid.levels.count + place.level][
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
    #expect(fixture.losses.count == 5)
    for answer in fixture.losses {
      let loss = answer.detectionLoss
      let weights = loss.imageWeights(objectCounts: [fixture.images.map(\.objects.count)])[0]
      var sum = DetectionLoss.Values()
      for (index, image) in fixture.images.enumerated() {
        let evaluated = try ImageOutputs(fixture, image, block: block)
          .evaluate(
            loss, fixture.targets(image), imageWeight: weights[index],
            imageCount: fixture.images.count)
        let values = evaluated.values
        sum.classification += values.classification
        sum.box += values.box
        let gradients = evaluated.orderedGradients()
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
    let evaluated = try ImageOutputs(fixture, fixture.images[0], block: 16)
      .evaluate(
        DetectionLoss(), fixture.targets(fixture.images[0]), imageWeight: 1, imageCount: 1)
    let gradient = evaluated.gradients.images[0]
    // 27 channels in two blocks: five lanes of the second are padding.
    let pixels = gradient.height * gradient.width
    var silent = 0
    for pixel in 0..<pixels {
      for lane in 11..<16 where gradient.numbers[(pixels + pixel) * 16 + lane] == 0 { silent += 1 }
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
        let losses = OutputPlaces(outputs.owned.images, fixture.grid)
          .anchorLosses(.crossEntropy(), targets, outputs.owned.images)
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
