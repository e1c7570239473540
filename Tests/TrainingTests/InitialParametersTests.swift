import NeuralNetwork
import RetinaNetModel
import Testing

@testable import Training

@Suite struct InitialParametersTests {
  static let network = ModelDescription(
    architecture: .init(backbone: .resnet18, baseWidth: 16, pyramidChannels: 64),
    classes: ["a", "b"], preprocessing: .init(), anchors: .init(), postprocessing: .init()
  ).makeNetwork()

  @Test func everyParameterStartsAsThePaperSays() throws {
    let initial = InitialParameters(seed: 1)
    var seen: Set<String> = []
    for parameter in Self.network.parameters {
      let values = initial.values(parameter).map(Double.init)
      let name = parameter.name
      #expect(values.count == parameter.shape.reduce(1, *))
      let mean = values.reduce(0, +) / Double(values.count)
      let variance = values.reduce(0) { $0 + $1 * $1 } / Double(values.count)
      let window = parameter.shape.count == 4 ? parameter.shape[2] * parameter.shape[3] : 0
      switch name {
      case "head.classification_head.cls_logits.bias":
        #expect(values.allSatisfy { abs($0 + 4.59511985) < 1e-6 })
        seen.insert("prior")
      case _ where parameter.shape.count == 4:
        let expected =
          name.hasPrefix("head.")
          ? 1e-4
          : name.hasPrefix("backbone.fpn.")
            ? 1 / Double(parameter.shape[1] * window) : 2 / Double(parameter.shape[0] * window)
        // Six standard errors: of a mean, and of a variance of normal numbers.
        let count = Double(values.count)
        #expect(abs(mean) < 6 * (expected / count).squareRoot(), "\(name)")
        #expect(abs(variance / expected - 1) < 6 * (2 / count).squareRoot(), "\(name)")
        seen.insert(
          name.hasPrefix("head.") ? "head" : name.hasPrefix("backbone.fpn.") ? "fpn" : "body")
      case _ where name.hasSuffix(".weight") || name.hasSuffix("running_var"):
        #expect(values.allSatisfy { $0 == 1 }, "\(name)")
        seen.insert("one")
      default:
        #expect(values.allSatisfy { $0 == 0 }, "\(name)")
        seen.insert("zero")
      }
    }
    #expect(seen == ["prior", "head", "fpn", "body", "one", "zero"])
  }

  @Test func seedsAndNamesGiveOtherNumbers() throws {
    let parameters = Self.network.parameters.filter { $0.shape.count == 4 }
    let first = InitialParameters(seed: 1).values(parameters[0])
    #expect(first == InitialParameters(seed: 1).values(parameters[0]))
    #expect(first != InitialParameters(seed: 2).values(parameters[0]))
    let same = parameters.filter { $0.shape == parameters[2].shape }
    #expect(same.count > 1)
    #expect(
      InitialParameters(seed: 1).values(same[0]) != InitialParameters(seed: 1).values(same[1]))
    let logits = try #require(
      Self.network.parameters.first { $0.name == "head.classification_head.cls_logits.bias" })
    #expect(InitialParameters(prior: nil, seed: 1).values(logits).allSatisfy { $0 == 0 })
    #expect(InitialParameters(prior: 0.5, seed: 1).values(logits).allSatisfy { $0 == 0 })
  }
}
