import Foundation
import Testing

@testable import RetinaNetModel

@Suite struct KnownVariantTests {
  private typealias Architecture = ModelDescription.Architecture

  private func facts(
    _ architecture: ModelDescription.Architecture, p6Source: Conventions.Network.P6Source = .p5,
    classes: Int = 91, hasBatchCounts: Bool
  ) throws -> WeightFacts {
    let description = ModelDescription(
      architecture: architecture, classes: Array(repeating: "x", count: classes),
      conventions: .init(network: .init(p6Source: p6Source)), preprocessing: .init(),
      anchors: .init(), postprocessing: .init())
    let shapes = description.makeNetwork().parameters.map { ($0.name, $0.shape) }
    return try WeightFacts(
      shapes: Dictionary(uniqueKeysWithValues: shapes), hasBatchCounts: hasBatchCounts)
  }

  @Test func factsOfEveryArchitecture() throws {
    for backbone in Architecture.Backbone.allCases {
      for (p6Source, headNorm) in [
        (Conventions.Network.P6Source.p5, Architecture.HeadNorm.none), (.c5, .groupNorm),
        (.c5, .none),
      ] {
        let facts = try facts(
          .init(
            backbone: backbone, baseWidth: 24, pyramidChannels: 96, headDepth: 3,
            headNorm: headNorm), p6Source: p6Source, classes: 7, hasBatchCounts: true)
        #expect(facts.backbone == backbone)
        #expect(facts.baseWidth == 24)
        #expect(facts.pyramidChannels == 96)
        #expect(facts.p6Sources == [p6Source])
        #expect(facts.headDepth == 3)
        #expect(facts.headNorm == headNorm)
        #expect(facts.anchorsPerCell == 9)
        #expect(facts.classCount == 7)
      }
    }
  }

  @Test func bothSourcesOfP6FitWhereC5HasThePyramidsChannels() throws {
    let facts = try facts(
      .init(backbone: .resnet18, baseWidth: 32), p6Source: .c5, hasBatchCounts: true)
    #expect(facts.p6Sources == [.p5, .c5])
  }

  @Test func knowsTorchvisionsPublishedWeights() throws {
    let v1 = Architecture(backbone: .resnet50)
    let frozen = KnownVariants.description(of: try facts(v1, hasBatchCounts: false))
    #expect(frozen?.description.architecture == v1)
    #expect(frozen?.description.conventions == Conventions.Preset.torchvision.conventions)
    #expect(frozen?.description.conventions.network.normEpsilon == 0)
    #expect(frozen?.description.postprocessing.detectionsPerImage == 300)
    #expect(frozen?.remark.contains("epsilon is 0") == true)
    let trainable = KnownVariants.description(of: try facts(v1, hasBatchCounts: true))
    #expect(trainable?.description.conventions == Conventions())
    #expect(trainable?.remark.contains("epsilon is 1e-5") == true)
    let v2 = Architecture(backbone: .resnet50, headNorm: .groupNorm)
    let second = KnownVariants.description(
      of: try facts(v2, p6Source: .c5, hasBatchCounts: true))
    #expect(second?.description.architecture == v2)
    #expect(second?.description.conventions == Conventions.Preset.torchvisionV2.conventions)

    #expect(
      KnownVariants.description(of: try facts(v2, p6Source: .c5, hasBatchCounts: false)) == nil)
    #expect(KnownVariants.description(of: try facts(v1, classes: 80, hasBatchCounts: false)) == nil)
    let deeper = Architecture(backbone: .resnet101)
    #expect(KnownVariants.description(of: try facts(deeper, hasBatchCounts: false)) == nil)
  }

  @Test func labelsAreTorchvisions() throws {
    let url = try #require(
      Bundle.module.url(
        forResource: "coco-labels", withExtension: "json", subdirectory: "Fixtures"))
    let labels = try JSONDecoder().decode([String].self, from: Data(contentsOf: url))
    #expect(labels.count == 91)
    #expect(
      COCOLabels.byColumn
        == labels.map { ["__background__", "N/A"].contains($0) ? nil : $0 })
    #expect(Set(COCOLabels.byColumn.compactMap { $0 }).count == 80)
  }
}
