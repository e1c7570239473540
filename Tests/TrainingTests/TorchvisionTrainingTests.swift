import BoxGeometry
import Foundation
import NeuralNetwork
import RetinaNetModel
import SystemPackage
import TestSupport
import Testing

@testable import Training

/// Whole training steps of small RetinaNets against torchvision in float64: no further from it than three times
/// PyTorch's own float32. The same on full-sized networks is `scripts/compare-training`'s.
@Suite struct TorchvisionTrainingTests {
  struct Case: Decodable {
    struct Parameter: Decodable {
      let name: String
      let length: Double
      let float32Distance: Double
      let sketch: [Double]
    }
    let model: String
    let height: Int
    let width: Int
    let seed: UInt64
    let scale: Double
    let logitScale: Float
    let priorBias: Float
    let boxLoss: String
    let learningRate: Double
    let trainsNorms: Bool
    let boxes: [[[Float]]]
    let labels: [[Int]]
    let losses: [[Double]]
    let float32Distances: [[Double]]
    let parameters: [Parameter]
    let statistics: [String: [Double]]?

    /// Of the class loss (0) or the box loss (1): one step's may be small by chance, the greatest of all is what
    /// float32 is good for.
    func float32Distance(_ index: Int) -> Double {
      float32Distances.map { $0[index] }.max() ?? 0
    }

    var box: BoxLoss {
      switch boxLoss {
      case "giou": .giou
      case "smooth_l1": .smoothL1(beta: 1)
      default: .l1
      }
    }

    /// - Parameters:
    ///   - algorithm: of the 3x3 convolutions.
    ///   - normalization: of the losses.
    ///   - change: makes the network's rules others than the model's.
    /// - Returns: of the model's weights.
    /// - Throws: where the model cannot be read.
    func makeGradients(
      _ algorithm: ConvolutionAlgorithm, normalization: DetectionLoss.Normalization = .image,
      change: (inout Conventions.Network) -> Void = { _ in }
    ) throws -> DetectorGradients {
      // The models lie with the tests of the target that reads them.
      let path =
        TestData.packageRoot
        .appending(path: "Tests/RetinaNetModelTests/Fixtures/\(model)").path
      let configuration = ModelConfiguration(
        text: try String(contentsOfFile: "\(path).json", encoding: .utf8), file: "\(path).json")
      let isPeers = model.hasPrefix("peers/")
      let source = try DetectionModel(
        contentsOf: FilePath("\(path).\(isPeers ? "safetensors" : "pth")"),
        configuration: configuration)
      var description = source.description
      change(&description.conventions.network)
      let isFrozen = !parameters.contains { $0.name == "backbone.body.conv1.weight" }
      let gradients = try DetectorGradients(
        description,
        trained: TrainedParameters(
          frozenStages: isFrozen ? 2 : 0, batchNorm: trainsNorms ? .trained : .frozen),
        loss: DetectionLoss(box: box, normalization: normalization),
        imagesPerCall: trainsNorms ? boxes.count : 1, workers: 2, algorithm: algorithm)
      let network = gradients.network
      for entry in network.parameters.layout.entries {
        network.parameters[entry.parameter.name] = try source.values(entry.parameter.name)
      }
      let last = "head.classification_head.cls_logits"
      network.parameters["\(last).weight"] = network.parameters["\(last).weight"].map {
        $0 * logitScale
      }
      network.parameters["\(last).bias"] = network.parameters["\(last).bias"].map { _ in priorBias }
      #expect(network.trained == Set(parameters.map(\.name)))
      return gradients
    }

    /// A batch of each image.
    var parts: [DetectorGradients.Batch] {
      let whole = batch
      return boxes.indices.map { image in
        DetectorGradients.Batch(height: height, width: width, objects: [whole.objects[image]]) {
          whole.writeInput(image, &$1)
        }
      }
    }

    var batch: DetectorGradients.Batch {
      let perImage = 3 * height * width
      let numbers = TrainingFixture.numbers(
        seed: seed, count: perImage * boxes.count, scale: scale)
      let objects = zip(boxes, labels).map { boxes, labels in
        zip(boxes, labels).map { LabelledBox(classIndex: $1, box: Box($0)) }
      }
      return DetectorGradients.Batch(height: height, width: width, objects: objects) {
        image, input in
        input.withUnsafeMutableBufferPointer {
          _ = $0.update(fromContentsOf: numbers[image * perImage..<(image + 1) * perImage])
        }
      }
    }
  }

  /// The distance of a gradient from the one that a sketch was made of: the root of the mean of its products with
  /// random signs, squared. Of 24 products, within a third of it (two standard errors).
  private func distance(_ gradient: [Float], _ parameter: Case.Parameter, index: Int) -> Double {
    var sum = 0.0
    for (probe, expected) in parameter.sketch.enumerated() {
      var generator = SeededGenerator(seed: UInt64(1000 * index + probe))
      var product = 0.0
      for number in gradient {
        product += generator.next() >> 63 == 1 ? -Double(number) : Double(number)
      }
      sum += (product - expected) * (product - expected)
    }
    return (sum / Double(parameter.sketch.count)).squareRoot()
  }

  /// With the rules of torchvision and of MMDetection: P6 from P5 and C5, P7 with and without a ReLU, stride in the 3x3
  /// and the 1x1.
  @Test(arguments: [
    "v1-resnet18", "v2-resnet18", "v1-resnet50", "mmdetection-r18", "mmdetection-caffe-r50",
  ])
  func gradientsAreAsNearAsPyTorchs(_ name: String) throws {
    let expected = try TrainingFixture.read("gradients-\(name)", as: Case.self)
    let gradients = try expected.makeGradients(.direct)
    let loss = try gradients.compute([expected.batch]).loss
    for (ours, index) in [(loss.classification, 0), (loss.box, 1)] {
      expectClose(
        ours, expected.losses[0][index], relative: 0,
        absolute: 3 * expected.float32Distance(index))
    }
    var ratios: [Double] = []
    for (index, parameter) in expected.parameters.enumerated() {
      let ours = distance(gradients.network.gradients[parameter.name], parameter, index: index)
      // A thousandth of the signal at most, or the comparison says nothing.
      #expect(3 * parameter.float32Distance < 1e-3 * parameter.length, "\(parameter.name)")
      #expect(
        ours <= 3 * parameter.float32Distance,
        "\(parameter.name): \(ours / parameter.length) against \(parameter.float32Distance / parameter.length)"
      )
      ratios.append(ours / parameter.float32Distance)
    }
    ratios.sort()
    print(
      "\(name): distance over PyTorch's float32, median \(ratios[ratios.count / 2]), worst \(ratios[ratios.count - 1])"
    )
    gradients.network.updateRunningStatistics()
    for (name, numbers) in expected.statistics ?? [:] {
      for (ours, theirs) in zip(gradients.network.parameters[name], numbers) {
        expectClose(Double(ours), theirs, relative: 1e-5, absolute: 1e-6, "\(name)")
      }
    }
  }

  /// Gradients under another rule are far from the program's.
  @Test(arguments: [
    ("mmdetection-r18", "ReLU"), ("mmdetection-r18", "P6"), ("mmdetection-caffe-r50", "ReLU"),
    ("mmdetection-caffe-r50", "stride"),
  ])
  func wrongRulesAreSeen(_ name: String, _ rule: String) throws {
    let expected = try TrainingFixture.read("gradients-\(name)", as: Case.self)
    let gradients = try expected.makeGradients(.direct) { rules in
      switch rule {
      case "ReLU": rules.reluBeforeP7.toggle()
      case "P6": rules.p6Source = .p5
      default: rules.strideIn1x1.toggle()
      }
    }
    _ = try gradients.compute([expected.batch])
    let far = expected.parameters.enumerated().filter { index, parameter in
      distance(gradients.network.gradients[parameter.name], parameter, index: index)
        > max(100 * parameter.float32Distance, 0.01 * parameter.length)
    }
    let place = rule == "stride" ? "backbone.body." : "backbone.fpn.extra_blocks."
    #expect(far.contains { $0.element.name.hasPrefix(place) }, "\(far.map(\.element.name))")
  }

  @Test(arguments: ["v1-resnet18", "v1-resnet50-steps"])
  func tenStepsStayAsNearAsPyTorchs(_ name: String) throws {
    let expected = try TrainingFixture.read("gradients-\(name)", as: Case.self)
    let gradients = try expected.makeGradients(.direct)
    let optimizer = try Optimizer(
      .sgd(momentum: 0.9), weightDecay: 1e-4, network: gradients.network)
    #expect(expected.losses.count == 10)
    for (step, losses) in expected.losses.enumerated() {
      let loss = try gradients.compute([expected.batch]).loss
      for (index, ours) in [loss.classification, loss.box].enumerated() {
        expectClose(
          ours, losses[index], relative: 0, absolute: 3 * expected.float32Distance(index),
          "step \(step)")
      }
      optimizer.step(
        gradients.network.parameters, gradients: gradients.network.gradients,
        learningRate: expected.learningRate)
    }
  }

  /// A step's batches give what one batch of all their images gives, however the losses are divided.
  @Test(arguments: DetectionLoss.Normalization.allCases)
  func batchesAddUpToOne(_ normalization: DetectionLoss.Normalization) throws {
    let expected = try TrainingFixture.read("gradients-v1-resnet18", as: Case.self)
    #expect(expected.boxes.count > 1 && Set(expected.boxes.map(\.count)).count > 1)
    let whole = try expected.makeGradients(.direct, normalization: normalization)
    let parts = try expected.makeGradients(.direct, normalization: normalization)
    let (one, several) = (try whole.compute([expected.batch]), try parts.compute(expected.parts))
    expectClose(several.loss.total, one.loss.total, relative: 1e-6, absolute: 0)
    #expect(several.objectAnchorCount == one.objectAnchorCount)
    #expect(several.anchorCount == one.anchorCount)
    for name in whole.network.trained {
      let (a, b) = (whole.network.gradients[name], parts.network.gradients[name])
      let length = a.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
      let distance = zip(a, b).reduce(0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
      #expect(distance.squareRoot() <= 1e-5 * length, "\(name)")
    }
  }
}
